"""The cheapest way to say no: a whole answer to a whole request that nobody has parsed.

In overload most of what comes may be refused, and what that costs is taken from those who were let
in: 33 us through the parser and its callbacks, 16 us here (2026-11-22). What is not plainly one
small POST to a route of /v1 goes the usual way, and is refused there.
"""

import re
from collections.abc import Callable

from tokenhub.gateway.load import Load, overloaded
from tokenhub.web.errors import dialect_of, render
from tokenhub.web.front import GUARDS
from tokenhub.web.headers import EVERYWHERE

# As much as the socket gives in one read; who sends more is refused before they have sent all.
MAX_BYTES = 64 << 10
# A head without doubt (RFC 9112 3 and 5): a path that is spelled in one way only, whole lines, no
# space around a name, no control character. What is not so, a proxy may have read otherwise.
_ASKED = re.compile(
    rb"POST (/v1/[a-z_/]++)(?:\?[!-~]*+)? HTTP/1\.1"
    rb"((?:\r\n[!#-'*+.0-9A-Z^-z|~-]+:[\t -~\x80-\xff]*+)++)\r\n\r\n"
)
_HOST, _LENGTH = b"\r\nhost:", b"\r\ncontent-length:"
# Where one of these is said, the end of the request is not plain, or the answer has more to it.
_ODD = (b"transfer-encoding", b"\nexpect", b"\nupgrade", b"\norigin", b"close")
_ID = "req_" + "0" * 28


class Refusals:
    """Called with what a connection read between two requests: the answer, or None.

    None says nothing about the request: it goes its way as if nobody had asked here.
    """

    def __init__(self, load: Load, ids: Callable[[], str]) -> None:
        self._load = load
        self._ids = ids
        paths = [path for method, path in GUARDS if method == "POST"]
        self._answers = {path.encode(): _answer(dialect_of(path)) for path in paths}

    def __call__(self, data: bytes) -> bytes | None:
        if self._load.room() or len(data) > MAX_BYTES:
            return None
        asked = _ASKED.match(data)
        if asked is None or not _is_whole(asked[2].lower(), len(data) - asked.end()):
            return None
        answer = self._answers.get(asked[1])
        if answer is None:
            return None
        self._load.refused += 1
        return answer.replace(_ID.encode(), self._ids().encode())


def _is_whole(head: bytes, body_bytes: int) -> bool:
    """Whether there is one request, with all of its body and nothing after it."""
    if head.count(_HOST) != 1 or head.count(_LENGTH) != 1:
        return False
    length = head.partition(_LENGTH)[2].partition(b"\r\n")[0].strip()
    return length == b"%d" % body_bytes and not any(odd in head for odd in _ODD)


def _answer(dialect: str) -> bytes:
    status, headers, body = render(overloaded(), dialect=dialect, request_id=_ID)
    usual = [(name.encode(), value.encode()) for name, value in EVERYWHERE]
    lines = [*usual, *headers, (b"content-length", b"%d" % len(body))]
    head = b"".join(b"%b: %b\r\n" % line for line in lines)
    return b"HTTP/1.1 %d Service Unavailable\r\n%b\r\n%b" % (status, head, body)
