"""The providers' keys."""

from typing import Protocol


class Secrets(Protocol):
    """Held in memory until there is a vault; a restart forgets them.

    `version` grows with every change, so that what is derived from them can be kept.
    """

    @property
    def version(self) -> int: ...

    def get(self, provider_id: str) -> str | None: ...

    def put(self, provider_id: str, secret: str) -> None: ...

    def forget(self, provider_id: str) -> None: ...
