"""The cheapest way to say no: a whole answer to a whole request that nobody has parsed.

In overload most of what comes may be refused, and what that costs is taken from those who were let
in: 33 us through the parser and its callbacks, 16 us here (2026-11-22). What is not plainly one
small POST to a route of /v1 goes the usual way, and is refused there.
"""

import re
from collections.abc import Callable

from tokenhub.gateway.load import Load, overloaded
from tokenhub.web.errors import ANTHROPIC, OPENAI, dialect_of, render
from tokenhub.web.headers import EVERYWHERE

# As much as the socket gives in one read; who sends more is refused before they have sent all.
MAX_BYTES = 64 << 10
_ASKED = re.compile(rb"POST (/v1/[!->@-~]*)(?:\?[!-~]*)? HTTP/1\.1\r\n")
_LENGTH = b"\r\ncontent-length:"
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
        self._answers = {dialect: _answer(dialect) for dialect in (OPENAI, ANTHROPIC)}

    def __call__(self, data: bytes) -> bytes | None:
        if self._load.room() or len(data) > MAX_BYTES:
            return None
        asked = _ASKED.match(data)
        if asked is None or not _is_whole(data):
            return None
        self._load.refused += 1
        answer = self._answers[dialect_of(asked[1].decode("ascii"))]
        return answer.replace(_ID.encode(), self._ids().encode())


def _is_whole(data: bytes) -> bool:
    """Whether these bytes are one request, with all of its body and nothing after it."""
    head, _, body = data.partition(b"\r\n\r\n")
    head = head.lower()
    _, named, rest = head.partition(_LENGTH)
    length = rest.partition(b"\r\n")[0].strip()
    if not named or _LENGTH in rest or not length.isdigit() or int(length) != len(body):
        return False
    return not any(odd in head for odd in _ODD)


def _answer(dialect: str) -> bytes:
    status, headers, body = render(overloaded(), dialect=dialect, request_id=_ID)
    usual = [(name.encode(), value.encode()) for name, value in EVERYWHERE]
    lines = [*usual, *headers, (b"content-length", b"%d" % len(body))]
    head = b"".join(b"%b: %b\r\n" % line for line in lines)
    return b"HTTP/1.1 %d Service Unavailable\r\n%b\r\n%b" % (status, head, body)
