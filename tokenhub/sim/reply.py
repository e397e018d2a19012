"""From a turn to what goes over the wire, faults and all."""

import msgspec

from tokenhub.sim import framing
from tokenhub.sim.answer import Part, Spent
from tokenhub.sim.fault import (
    NONE,
    Body,
    Broken,
    Cut,
    Drip,
    Garbage,
    Hang,
    Headers,
    Nonsense,
    NoUsage,
    Overflow,
    Overloaded,
    Raw,
    Reset,
    Split,
    Stall,
    Status,
    Unstreamed,
)
from tokenhub.sim.hostile import hostile
from tokenhub.sim.playing import Dialect, Ending, Reply
from tokenhub.sim.script import Turn

NO_TEXT = b"\xff\xfe\x00garbage\x80\n\n"


def reply(turn: Turn, dialect: Dialect, *, drip_s: float, chunked: bool = True) -> Reply:
    """What the turn looks like on the wire, faults and all."""
    if turn.fault is NONE:
        return _good(turn, dialect, chunked=chunked)
    if (instead := _instead(turn, dialect)) is not None:
        return instead
    turn = _changed(turn)
    good = _good(turn, dialect, chunked=chunked)
    if isinstance(turn.fault, Split):
        return _split(good, turn.fault.size)
    if isinstance(turn.fault, Drip):
        return _dripped(good, turn.fault, drip_s)
    return hostile(turn, dialect, good) or good


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


def _changed(turn: Turn) -> Turn:
    """The turn with what the fault changes in the answer itself."""
    match turn.fault:
        case NoUsage():
            return msgspec.structs.replace(turn, spent=Spent(0, 0))
        case Unstreamed():
            call = msgspec.structs.replace(turn.call, stream=not turn.call.stream)
            return msgspec.structs.replace(turn, call=call)
        case Split(text=text) if text and turn.body is None:
            return msgspec.structs.replace(turn, parts=(Part("text", (text,)),), finish="stop")
        case _:
            return turn


def _good(turn: Turn, dialect: Dialect, *, chunked: bool) -> Reply:
    if turn.call.stream and turn.body is None:
        return _streamed(turn, dialect, chunked=chunked)
    return _whole(turn, dialect, dialect.whole(turn) if turn.body is None else turn.body)


def _whole(  # noqa: PLR0911  # a table: one line a fault
    turn: Turn, dialect: Dialect, body: bytes
) -> Reply:
    headers = dialect.headers(turn.id)
    late = turn.whole_s()
    half = len(body) // 2
    wire = framing.whole(200, body, headers=headers)
    match turn.fault:
        case Cut(how="reset"):
            return Reply((wire[: -len(body) // 2],), late, ending=Ending.RESET)
        case Cut(how="closed"):
            return Reply((wire[: -len(body) // 2],), late, ending=Ending.CLOSE)
        case Stall():
            return Reply((wire[: -len(body) // 2],), late, ending=Ending.HANG)
        case Cut() | Nonsense():  # a body that is whole to HTTP, but half
            return Reply((framing.whole(200, body[:half], headers=headers),), late)
        case Broken(status=status):
            return Reply((framing.whole(200, dialect.error(status, turn.id), headers=headers),))
        case Garbage():
            return Reply((framing.whole(200, NO_TEXT, headers=headers),), late)
        case _:
            return Reply((wire,), late)


def _streamed(turn: Turn, dialect: Dialect, *, chunked: bool) -> Reply:
    head = framing.stream_head(headers=dialect.headers(turn.id), chunked=chunked)
    events = dialect.events(turn)
    ending = Ending.KEEP if chunked else Ending.CLOSE
    last = framing.LAST_CHUNK if chunked else b""
    if turn.fault is not NONE:
        events, ending = _spoilt(events, turn, dialect, ending)
        last = last if ending in {Ending.KEEP, Ending.CLOSE} else b""
        if isinstance(turn.fault, Cut) and turn.fault.how == "closed":
            last = b""
    frames = [framing.chunk(event) for event in events] if chunked else events
    if not frames:
        return Reply((head + last,), turn.first_s, turn.gap_s, ending)
    frames[0] = head + frames[0]
    frames[-1] += last
    return Reply(frames, turn.first_s, turn.gap_s, ending)


def _spoilt(  # noqa: PLR0911  # a table: one line a fault
    events: list[bytes], turn: Turn, dialect: Dialect, ending: Ending
) -> tuple[list[bytes], Ending]:
    """The events as the fault leaves them; a cut takes the closing ones, the last entry."""
    match turn.fault:
        case Nonsense():
            return _inserted(events, dialect.nonsense()), ending
        case Garbage():
            return _inserted(events, b"data: " + NO_TEXT), ending
        case Broken(status=status, after=after):
            return [*_until(events, after), dialect.broken(status)], ending
        case Stall(after=after):
            return _until(events, after), Ending.HANG
        case Cut(how="error", after=after):
            return [*_until(events, after), dialect.broken()], ending
        case Cut(how="ended", after=after):
            return _until(events, after), ending
        case Cut(how="closed", after=after):
            return _until(events, after), Ending.CLOSE
        case Cut(how="reset", after=after):
            return _until(events, after), Ending.RESET
        case _:
            return events, ending


def _until(events: list[bytes], after: int | None) -> list[bytes]:
    return events[: min(len(events) // 2 if after is None else after, len(events) - 1)]


def _inserted(events: list[bytes], event: bytes) -> list[bytes]:
    middle = len(events) // 2
    return [*events[:middle], event, *events[middle:]]


def _split(good: Reply, size: int) -> Reply:
    """The body anew in HTTP chunks of this size; a whole answer in writes of it."""
    head, _, body = b"".join(good.frames).partition(b"\r\n\r\n")
    head += b"\r\n\r\n"
    if b"transfer-encoding: chunked" not in head:
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        return Reply([head, *pieces], good.first_s, 0.0, good.ending)
    plain = framing.unchunked(body)
    chunks = [framing.chunk(plain[at : at + size]) for at in range(0, len(plain), size)]
    return Reply([head, *chunks, framing.LAST_CHUNK], good.first_s, 0.0, good.ending)


def _dripped(good: Reply, drip: Drip, usual_s: float) -> Reply:
    interval_s = usual_s if drip.interval_s is None else drip.interval_s
    wire = b"".join(good.frames)
    head = len(wire) if drip.part == "all" else wire.index(b"\r\n\r\n") + 4
    slow, fast = (wire[head:], wire[:head]) if drip.part == "body" else (wire[:head], wire[head:])
    drops = [slow[at : at + 1] for at in range(len(slow))]
    frames = [fast, *drops] if drip.part == "body" else [*drops, *([fast] if fast else [])]
    return Reply(frames, good.first_s, interval_s, good.ending)
