"""What can happen to a request instead of a good answer.

After `sim.next(Fault.status(503), Fault.none())` the next request meets a 503 and the one after
it is answered.
"""

from typing import Literal

import msgspec

# reset: TCP RST. closed: FIN, the HTTP body unfinished. ended: the HTTP body finished, but the
# vendor's last event missing. error: the vendor's error event, then the end.
CutHow = Literal["reset", "closed", "ended", "error"]
Headers = tuple[tuple[str, str], ...]
MB = 1_000_000


class Nothing(msgspec.Struct, frozen=True, kw_only=True):
    """A good answer, whatever the profile's rates say."""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """An error in the vendor's format; where empty, its usual code and text for the status."""

    status: int
    code: str = ""
    message: str = ""
    headers: Headers = ()


class Overloaded(msgspec.Struct, frozen=True, kw_only=True):
    """529 at Anthropic's routes, 503 at the others."""


class Overflow(msgspec.Struct, frozen=True, kw_only=True):
    """The vendor's refusal of a prompt that is too long."""


class Nonsense(msgspec.Struct, frozen=True, kw_only=True):
    """A 200 whose JSON breaks off in the middle, though the HTTP is whole."""


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """Exactly these bytes as a whole answer: an HTML page, nothing, `null`."""

    body: bytes
    status: int = 200
    content_type: str = "text/html"


class Raw(msgspec.Struct, frozen=True, kw_only=True):
    """Exactly these bytes on the wire, head included; then the connection is closed."""

    wire: bytes


class Hang(msgspec.Struct, frozen=True, kw_only=True):
    """Never a byte; the connection stays open."""


class Reset(msgspec.Struct, frozen=True, kw_only=True):
    """A TCP reset before the first byte, or in the middle of the headers."""

    within_headers: bool = False


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that breaks off after so many tokens of a stream; None is its middle."""

    how: CutHow = "reset"
    after: int | None = None


class Slow(msgspec.Struct, frozen=True, kw_only=True):
    """A good answer that begins so late."""

    first_token_s: float


class Drip(msgspec.Struct, frozen=True, kw_only=True):
    """A good answer, one byte at a time; None is the profile's interval.

    Only its head or body where `part` says so: the other comes at once.
    """

    interval_s: float | None = None
    part: Literal["all", "head", "body"] = "all"


# --- streams that go on or end as they should not; whole answers do what comes nearest


class Stall(msgspec.Struct, frozen=True, kw_only=True):
    """So many tokens of a stream, then silence on an open connection. Whole: half the body."""

    after: int = 1


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """The vendor's error event with the type of this status, in the middle or after so many."""

    status: int = 429
    after: int | None = None


class Garbage(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes that are no text in the middle of a stream, or as the whole body."""


class Unterminated(msgspec.Struct, frozen=True, kw_only=True):
    """All of the answer and its finish, but no `[DONE]` or `message_stop`. Whole: a good answer."""


class Twice(msgspec.Struct, frozen=True, kw_only=True):
    """The event with the finish or with the usage comes twice. Whole: a good answer."""

    what: Literal["finish", "usage"]


class NoUsage(msgspec.Struct, frozen=True, kw_only=True):
    """A good answer that counts no tokens at all: every number of its usage is 0."""


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """A good answer in HTTP chunks of so many bytes, whatever they cut: UTF-8, lines, events.

    It says `text`, where there is one.
    """

    size: int = 1
    text: str = ""


class Unstreamed(msgspec.Struct, frozen=True, kw_only=True):
    """A whole JSON answer though a stream was asked for, and a stream where none was."""


# --- hostile wires


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line (whole: one JSON text) of so many bytes that never ends before them."""

    size: int


class Bomb(msgspec.Struct, frozen=True, kw_only=True):
    """500 MiB of zeros as half a megabyte of gzip, asked for or not."""


class Endless(msgspec.Struct, frozen=True, kw_only=True):
    """Comments or the vendor's pings for ever, so far apart. Whole: spaces before the JSON."""

    gap_s: float = 0.0
    what: Literal["comment", "ping"] = "comment"


class LongHeader(msgspec.Struct, frozen=True, kw_only=True):
    """A good answer with one header of so many bytes."""

    size: int


class Hints(msgspec.Struct, frozen=True, kw_only=True):
    """So many 103 answers before the good one (RFC 8297)."""

    count: int


class BadChunk(msgspec.Struct, frozen=True, kw_only=True):
    """A good beginning, then a chunk whose size is no hexadecimal number."""


AnyFault = (
    Nothing
    | Status
    | Overloaded
    | Overflow
    | Nonsense
    | Body
    | Raw
    | Hang
    | Reset
    | Cut
    | Slow
    | Drip
    | Stall
    | Broken
    | Garbage
    | Unterminated
    | Twice
    | NoUsage
    | Split
    | Unstreamed
    | Line
    | Bomb
    | Endless
    | LongHeader
    | Hints
    | BadChunk
)
NONE = Nothing()


class Fault:
    """The faults by name, for tests that script them. The classes above say what each one is."""

    @staticmethod
    def none() -> Nothing:
        return NONE

    @staticmethod
    def status(status: int, *, code: str = "", message: str = "", headers: Headers = ()) -> Status:
        return Status(status=status, code=code, message=message, headers=headers)

    @staticmethod
    def rate_limited(retry_after: str = "2") -> Status:
        """A 429. The header's value goes out as it is; empty: no Retry-After at all."""
        return Status(status=429, headers=(("retry-after", retry_after),) if retry_after else ())

    @staticmethod
    def overloaded() -> Overloaded:
        return Overloaded()

    @staticmethod
    def context_overflow() -> Overflow:
        return Overflow()

    @staticmethod
    def invalid_json() -> Nonsense:
        return Nonsense()

    @staticmethod
    def body(body: bytes, *, status: int = 200, content_type: str = "text/html") -> Body:
        return Body(body=body, status=status, content_type=content_type)

    @staticmethod
    def raw(wire: bytes) -> Raw:
        return Raw(wire=wire)

    @staticmethod
    def hang() -> Hang:
        return Hang()

    @staticmethod
    def reset(*, within_headers: bool = False) -> Reset:
        return Reset(within_headers=within_headers)

    @staticmethod
    def cut(how: CutHow = "reset", *, after: int | None = None) -> Cut:
        return Cut(how=how, after=after)

    @staticmethod
    def slow(first_token_s: float) -> Slow:
        return Slow(first_token_s=first_token_s)

    @staticmethod
    def slow_drip(
        interval_s: float | None = None, *, part: Literal["all", "head", "body"] = "all"
    ) -> Drip:
        return Drip(interval_s=interval_s, part=part)

    @staticmethod
    def redirect(location: str, *, status: int = 307) -> Status:
        """Sends the caller elsewhere: to another Sim, whose requests show whether it went."""
        return Status(status=status, headers=(("location", location),))

    @staticmethod
    def stall(*, after: int = 1) -> Stall:
        return Stall(after=after)

    @staticmethod
    def broken(status: int = 429, *, after: int | None = None) -> Broken:
        return Broken(status=status, after=after)

    @staticmethod
    def garbage() -> Garbage:
        return Garbage()

    @staticmethod
    def unterminated() -> Unterminated:
        return Unterminated()

    @staticmethod
    def twice(what: Literal["finish", "usage"]) -> Twice:
        return Twice(what=what)

    @staticmethod
    def no_usage() -> NoUsage:
        return NoUsage()

    @staticmethod
    def split(size: int = 1, *, text: str = "") -> Split:
        return Split(size=size, text=text)

    @staticmethod
    def unstreamed() -> Unstreamed:
        return Unstreamed()

    @staticmethod
    def long_line(size: int = 100 * MB) -> Line:
        return Line(size=size)

    @staticmethod
    def gzip_bomb() -> Bomb:
        return Bomb()

    @staticmethod
    def endless(what: Literal["comment", "ping"] = "comment", *, gap_s: float = 0.0) -> Endless:
        return Endless(gap_s=gap_s, what=what)

    @staticmethod
    def long_header(size: int = 400_000) -> LongHeader:
        return LongHeader(size=size)

    @staticmethod
    def early_hints(count: int = 2_000) -> Hints:
        return Hints(count=count)

    @staticmethod
    def bad_chunk() -> BadChunk:
        return BadChunk()
