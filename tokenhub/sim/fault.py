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
    """A good answer, one byte at a time; None is the profile's interval."""

    interval_s: float | None = None


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
    def slow_drip(interval_s: float | None = None) -> Drip:
        return Drip(interval_s=interval_s)
