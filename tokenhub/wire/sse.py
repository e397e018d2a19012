"""Server-sent events, sans-IO: bytes in any portions give whole events.

Source: the WHATWG HTML standard, "Server-sent events". Lines end in LF, CRLF or CR; the vendors
use LF and now and then CRLF, and CR alone is not met, so that it is not read.
"""

import re
from itertools import pairwise

# A provider's line that is longer than this is an attack or a fault (reliability.md F20).
MAX_EVENT_BYTES = 1 << 20
_BLANK_LINE = re.compile(rb"\n\r?\n")
_CR = 13
_BOM = b"\xef\xbb\xbf"  # a stream may begin with one, which says nothing


class EventTooLong(ValueError):
    """An event that did not end within MAX_EVENT_BYTES."""


class Splitter:
    """Cuts a stream into events, each with the blank line that ends it, bytes unchanged."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The events that are complete now. Raises EventTooLong."""
        if not self._rest and len(data) <= MAX_EVENT_BYTES and _is_one(data):
            return [data]
        # What was looked at before is not again: an event may come in ten thousand portions.
        looked_at = max(0, len(self._rest) - 2)
        self._rest += data
        events = []
        start = 0
        for blank in _BLANK_LINE.finditer(self._rest, looked_at):
            events.append(bytes(self._rest[start : blank.end()]))
            start = blank.end()
        del self._rest[:start]
        if max(map(len, [self._rest, *events])) > MAX_EVENT_BYTES:
            raise EventTooLong
        return events

    @property
    def rest(self) -> bytes:
        """What has come of an event that has not ended."""
        return bytes(self._rest)


def _is_one(data: bytes) -> bool:
    """Whether this is one event and no more, as most portions are. A quick look: CRLF is no."""
    if data.find(b"\n") == len(data) - 2:
        return data.endswith(b"\n")
    return data.endswith(b"\n\n") and b"\r" not in data and data.find(b"\n\n") == len(data) - 2


def portions(data: bytes) -> list[bytes]:
    """The same bytes, cut behind each blank line; never empty."""
    if _is_one(data):
        return [data]
    ends = [blank.end() for blank in _BLANK_LINE.finditer(data)]
    if not ends or ends[-1] < len(data):
        ends.append(len(data))
    return [data[start:end] for start, end in pairwise([0, *ends])]


def payload(event: bytes) -> bytes:
    """The data of an event; empty for a comment."""
    if event.startswith(b"data: ") and event.find(b"\n") == len(event) - 2 and event[-3] != _CR:
        return event[6:-2]
    lines = [line.removesuffix(b"\r") for line in event.removeprefix(_BOM).split(b"\n")]
    return b"\n".join(line[5:].removeprefix(b" ") for line in lines if line.startswith(b"data:"))


def event(data: bytes, *, name: str = "") -> bytes:
    """An event with this data, which holds no newline."""
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + data + b"\n\n"


def comment(text: str) -> bytes:
    """A line that every reader skips, to keep a connection alive."""
    return b": " + text.encode() + b"\n\n"
