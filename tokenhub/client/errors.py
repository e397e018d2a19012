"""What a call can come to, other than its answer.

    ClientError
    ├── BadProfile          the URL or the token cannot be used; nothing was sent
    ├── BadCall             the call makes no sense; nothing was sent
    ├── Unreachable         no answer: connection, TLS, timeout
    ├── Unreadable          an answer that TokenHub would not give
    └── Refused             the server said no, and why
        ├── Unauthorized    401, 403
        ├── NotFound        404
        └── Conflict        409, 412: something else is there, or it has changed

Exit codes live in tokenhub_cli/exits.py.
"""

from collections.abc import Sequence


class ClientError(Exception):
    """The root. `str(error)` says why, in one line."""


class BadProfile(ClientError):
    pass


class BadCall(ClientError):
    pass


class Unreachable(ClientError):
    """No answer from `url`. `heard` is whether the request may have reached it all the same."""

    def __init__(self, url: str, reason: str, *, heard: bool = True) -> None:
        super().__init__(f"no answer from {url}: {reason}")
        self.url = url
        self.heard = heard


class Unreadable(ClientError):
    """`url` answered something else than TokenHub does: another program, or another version."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{url} gave an answer that is not TokenHub's: {reason}")
        self.url = url


class Refused(ClientError):
    """The server's own words. `code` is empty where the body was no problem document.

    `fields` are pairs of a JSON pointer and what is wrong there.
    """

    def __init__(
        self,
        detail: str,
        *,
        status: int,
        code: str = "",
        request_id: str = "",
        fields: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status
        self.code = code
        self.request_id = request_id
        self.fields = tuple(fields)


class Unauthorized(Refused):
    pass


class NotFound(Refused):
    pass


class Conflict(Refused):
    pass
