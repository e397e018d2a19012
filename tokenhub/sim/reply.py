"""From a turn to what goes over the wire: frames of bytes, the pauses between them, the end."""

from collections.abc import Sequence
from enum import Enum, auto
from typing import Protocol

import msgspec

from tokenhub.sim import framing
from tokenhub.sim.fault import (
    Body,
    Cut,
    Drip,
    Hang,
    Headers,
    Nonsense,
    Overflow,
    Overloaded,
    Raw,
    Reset,
    Status,
)
from tokenhub.sim.profile import Model
from tokenhub.sim.script import Turn


class Ending(Enum):
    """What becomes of the connection after the last frame."""

    KEEP = auto()
    CLOSE = auto()
    RESET = auto()
    HANG = auto()


class Reply(msgspec.Struct, frozen=True):
    """Frames to write: the first after `first_s`, each next one `gap_s` after the one before."""

    frames: Sequence[bytes]
    first_s: float = 0.0
    gap_s: float = 0.0
    ending: Ending = Ending.KEEP


class Dialect(Protocol):
    """How one vendor writes answers, events and errors."""

    overloaded: int

    def headers(self, id_: str) -> Headers:
        """The vendor's header with the request's id."""

    def whole(self, turn: Turn) -> bytes:
        """The JSON of a whole answer."""

    def events(self, turn: Turn) -> list[bytes]:
        """The events of a streamed answer: one entry a token, and the closing ones as the last."""

    def error(
        self, status: int, id_: str, *, code: str = "", message: str = "", param: str | None = None
    ) -> bytes:
        """The error body for a status, with its usual code and text where these are empty."""

    def unknown_model(self, model: str, id_: str) -> bytes:
        """The body of the 404 for a model that is not on offer."""

    def overflow(self, turn: Turn) -> bytes:
        """The body of the 400 for a prompt that is too long."""

    def models(self, models: tuple[Model, ...]) -> bytes:
        """The body of the list of models."""

    def one_model(self, model: Model) -> bytes:
        """The body of one model's description."""

    def broken(self) -> bytes:
        """An error event in the middle of a stream."""

    def nonsense(self) -> bytes:
        """An event whose JSON breaks off."""


def reply(turn: Turn, dialect: Dialect, *, drip_s: float, chunked: bool = True) -> Reply:
    """What the turn looks like on the wire, faults and all."""
    if (instead := _instead(turn, dialect)) is not None:
        return instead
    good = _good(turn, dialect, chunked=chunked)
    if not isinstance(turn.fault, Drip):
        return good
    return _dripped(good, drip_s if turn.fault.interval_s is None else turn.fault.interval_s)


def overflow(turn: Turn, dialect: Dialect) -> Reply:
    """The refusal of a prompt that is too long, drawn or real."""
    return _error(turn, dialect, 400, dialect.overflow(turn))


def _instead(  # noqa: PLR0911  # a table: one line a fault
    turn: Turn, dialect: Dialect
) -> Reply | None:
    """The reply of a fault that leaves nothing of the answer."""
    match turn.fault:
        case Hang():
            return Reply((), ending=Ending.HANG)
        case Reset(within_headers=half):
            return Reply((b"HTTP/1.1 200 OK\r\ncontent-t",) if half else (), ending=Ending.RESET)
        case Raw(wire=wire):
            return Reply((wire,), ending=Ending.CLOSE)
        case Body(body=body, status=status, content_type=content_type):
            return Reply((framing.whole(status, body, content_type=content_type),))
        case Status(status=status, code=code, message=message, headers=headers):
            body = dialect.error(status, turn.id, code=code, message=message)
            return _error(turn, dialect, status, body, headers)
        case Overloaded():
            body = dialect.error(dialect.overloaded, turn.id)
            return _error(turn, dialect, dialect.overloaded, body)
        case Overflow():
            return overflow(turn, dialect)
        case _:
            return None


def _error(turn: Turn, dialect: Dialect, status: int, body: bytes, headers: Headers = ()) -> Reply:
    return Reply((framing.whole(status, body, headers=dialect.headers(turn.id) + headers),))


def _good(turn: Turn, dialect: Dialect, *, chunked: bool) -> Reply:
    if turn.call.stream:
        return _streamed(turn, dialect, chunked=chunked)
    body = dialect.whole(turn) if turn.body is None else turn.body
    if isinstance(turn.fault, Nonsense):
        body = body[: len(body) // 2]
    wire = framing.whole(200, body, headers=dialect.headers(turn.id))
    if not isinstance(turn.fault, Cut):
        return Reply((wire,), first_s=turn.whole_s())
    if turn.fault.how in {"ended", "error"}:  # without a stream: a body that is whole but half
        half = framing.whole(200, body[: len(body) // 2], headers=dialect.headers(turn.id))
        return Reply((half,), first_s=turn.whole_s())
    ending = Ending.RESET if turn.fault.how == "reset" else Ending.CLOSE
    return Reply((wire[: -len(body) // 2],), first_s=turn.whole_s(), ending=ending)


def _streamed(turn: Turn, dialect: Dialect, *, chunked: bool) -> Reply:
    head = framing.stream_head(headers=dialect.headers(turn.id), chunked=chunked)
    events = dialect.events(turn)
    ending = Ending.KEEP if chunked else Ending.CLOSE
    last = framing.LAST_CHUNK if chunked else b""
    if isinstance(turn.fault, Nonsense):
        events.insert(len(events) // 2, dialect.nonsense())
    if isinstance(turn.fault, Cut):
        events, ending = _cut(events, turn.fault, dialect, ending)
        last = b"" if turn.fault.how in {"reset", "closed"} else last
    frames = [framing.chunk(event) for event in events] if chunked else events
    if not frames:
        return Reply((head + last,), turn.first_s, turn.gap_s, ending)
    frames[0] = head + frames[0]
    frames[-1] += last
    return Reply(frames, turn.first_s, turn.gap_s, ending)


def _cut(
    events: list[bytes], fault: Cut, dialect: Dialect, ending: Ending
) -> tuple[list[bytes], Ending]:
    """The events until the cut; never the closing ones, which are the last entry."""
    after = len(events) // 2 if fault.after is None else fault.after
    left = events[: min(after, len(events) - 1)]
    match fault.how:
        case "error":
            return [*left, dialect.broken()], ending
        case "ended":
            return left, ending
        case "closed":
            return left, Ending.CLOSE
        case "reset":
            return left, Ending.RESET


def _dripped(good: Reply, interval_s: float) -> Reply:
    wire = b"".join(good.frames)
    drops = [wire[at : at + 1] for at in range(len(wire))]
    return Reply(drops, good.first_s, interval_s, good.ending)
