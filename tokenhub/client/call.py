"""A call: one request to the server, as a value. Nothing here sends it."""

from typing import Generic, TypeVar
from urllib.parse import quote

import msgspec

from tokenhub.client.errors import BadCall

T = TypeVar("T")


class Call(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """What to send, and the type that comes back.

    `path` is percent-encoded. `if_match` is the version that the caller has read: the server
    refuses the change (Conflict) where the row has moved on.
    `accepts` are the statuses, beside those of success, whose body is an answer and no problem.
    `asks` marks a POST that changes nothing. `headers` are those of this call alone. A `Raw` body
    goes out as it is, and an answer of `bytes` comes as it is.
    """

    method: str
    path: str
    returns: type[T]
    query: tuple[tuple[str, str], ...] = ()
    body: msgspec.Struct | msgspec.Raw | None = None
    headers: tuple[tuple[str, str], ...] = ()
    if_match: int | None = None
    accepts: tuple[int, ...] = ()
    asks: bool = False

    @property
    def changes(self) -> bool:
        """Whether the server is different after it."""
        return self.method != "GET" and not self.asks

    @property
    def safe(self) -> bool:
        """Whether sending it twice is the same as sending it once, or never."""
        return self.method == "GET"


def item(collection: str, name: str) -> str:
    """The path of one item. Slashes in its id stay slashes, as in the original.

    Raises BadCall where an id would lead to another path than its own: `..` and `.` are resolved
    on the way, and an empty id names the whole collection.
    """
    segments = name.split("/")
    if not name or {".", ".."} & set(segments):
        raise BadCall(f"{name!r} is no id: it must not be empty or hold a . or .. segment")
    return f"{collection}/{'/'.join(map(_quoted, segments))}"


def query(**given: str | int | None) -> tuple[tuple[str, str], ...]:
    """The query of what was given; None and empty text are left out."""
    return tuple((name, str(value)) for name, value in given.items() if value not in {None, ""})


def _quoted(segment: str) -> str:
    # Arguments that were no UTF-8 come as surrogates, and leave as the bytes they were.
    return quote(segment, safe="", errors="surrogateescape")
