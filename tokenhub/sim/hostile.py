"""Wires that no vendor would send: far too long, compressed to burst, or no HTTP.

What is huge is repeated from one small frame, so that playing it takes no memory here.
"""

import struct
import zlib

from tokenhub.sim import framing
from tokenhub.sim.fault import BadChunk, Bomb, Endless, Headers, Hints, Line, LongHeader
from tokenhub.sim.playing import Dialect, Ending, Repeated, Reply
from tokenhub.sim.script import Turn

PIECE = 65_536
MIB = 1024 * 1024
BOMB_MIB = 500
# CRC-32 of 500 MiB of zeros, by zlib.crc32: half a second of work, so it stands here.
BOMB_CRC = 0x876BEF2A
FOR_EVER = 2**40
HINT = b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n"


def hostile(  # noqa: PLR0911  # a table: one line a fault
    turn: Turn, dialect: Dialect, good: Reply
) -> Reply | None:
    """The reply of a hostile wire, made from the good one where it needs one."""
    match turn.fault:
        case Line(size=size):
            return _line(turn, dialect, size)
        case Bomb():
            return _bomb(turn, dialect)
        case Endless() as fault:
            return _endless(turn, dialect, fault)
        case LongHeader(size=size):
            start, rest = good.frames[0].split(b"\r\n", 1)
            frame = b"%b\r\nx-filler: %b\r\n%b" % (start, b"x" * size, rest)
            return _opened(good, frame)
        case Hints(count=count):
            return _opened(good, HINT * count + good.frames[0])
        case BadChunk():
            return _bad_chunk(turn, dialect, good)
        case _:
            return None


def _line(turn: Turn, dialect: Dialect, size: int) -> Reply:
    start = b'data: {"id":"' if turn.call.stream else b'{"id":"'
    tail = b'"}\n\n' if turn.call.stream else b'"}'
    head = _head(turn, dialect) + framing.chunk(start)
    frame = framing.chunk(b"x" * PIECE)
    last = framing.chunk(tail) + framing.LAST_CHUNK
    return Reply(Repeated(head, frame, -(-size // PIECE), last), ending=Ending.CLOSE)


def _bomb(turn: Turn, dialect: Dialect) -> Reply:
    """A gzip file (RFC 1952) whose blocks were flushed, so that one can stand for all."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    opening = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    trailer = packer.flush() + struct.pack("<II", BOMB_CRC, BOMB_MIB * MIB)
    head = _head(turn, dialect, (("content-encoding", "gzip"),)) + framing.chunk(opening)
    last = framing.chunk(trailer) + framing.LAST_CHUNK
    return Reply(Repeated(head, framing.chunk(block), BOMB_MIB, last), ending=Ending.CLOSE)


def _endless(turn: Turn, dialect: Dialect, fault: Endless) -> Reply:
    idle = dialect.ping() if fault.what == "ping" else b": still here\n\n"
    frame = framing.chunk(idle if turn.call.stream else b" " * 16)
    frames = Repeated(_head(turn, dialect), frame, FOR_EVER)
    return Reply(frames, turn.first_s, fault.gap_s, Ending.CLOSE)


def _bad_chunk(turn: Turn, dialect: Dialect, good: Reply) -> Reply:
    bad = b"zz\r\n{}\r\n"
    if turn.call.stream:
        return Reply((good.frames[0], bad), turn.first_s, turn.gap_s, Ending.CLOSE)
    start = framing.chunk(dialect.whole(turn)[:8])
    return Reply((_head(turn, dialect) + start, bad), turn.first_s, ending=Ending.CLOSE)


def _head(turn: Turn, dialect: Dialect, more: Headers = ()) -> bytes:
    kind = framing.SSE if turn.call.stream else framing.JSON
    headers = dialect.headers(turn.id) + more
    return framing.stream_head(headers=headers, chunked=True, content_type=kind)


def _opened(good: Reply, frame: bytes) -> Reply:
    return Reply((frame, *good.frames[1:]), good.first_s, good.gap_s, good.ending)
