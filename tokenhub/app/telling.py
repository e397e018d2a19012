"""What the log is told of the credentials file."""

import logging

_log = logging.getLogger("tokenhub.app")


def tell(messages: list[str]) -> None:
    """An event for each message."""
    for message in messages:
        _log.warning("credentials_file", extra={"detail": message})
