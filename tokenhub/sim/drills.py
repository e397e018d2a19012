"""Fault drills: what a simulated provider does wrong, and what TokenHub promises its caller then.

    sim.next(DRILLS["gzip bomb"].fault)

`whole` and `streamed` say how the caller's request ends with one provider: "good" is the whole
answer, "error" an error in the caller's dialect, as a status before the answer has begun or as an
event after that; never a clean end of half an answer. A drill is to be played with a deadline:
what hangs, stalls or drips ends by it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

from tokenhub.sim.fault import AnyFault, Fault

Ends = Literal["good", "error"]
WORDS = "Grüße aus Zürich, 世界 🙂"
PAGE = b"<!doctype html><title>proxy</title><p>Simulated gateway page"


class Drill(msgspec.Struct, frozen=True, kw_only=True):
    """A fault, how a request ends that meets it, and the promise in one line."""

    fault: AnyFault
    whole: Ends = "error"
    streamed: Ends = "error"
    promise: str


def _bad(fault: AnyFault, promise: str) -> Drill:
    return Drill(fault=fault, promise=promise)


def _fine(fault: AnyFault, promise: str) -> Drill:
    return Drill(fault=fault, whole="good", streamed="good", promise=promise)


def _fine_whole(fault: AnyFault, promise: str) -> Drill:
    return Drill(fault=fault, whole="good", promise=promise)


# What a test adds by itself, as it needs a second simulation to point to: Fault.redirect.
DRILLS: Mapping[str, Drill] = MappingProxyType(
    {
        # before the answer
        "throttled": _bad(Fault.rate_limited(), "another provider is asked; Retry-After is passed"),
        "overloaded": _bad(Fault.overloaded(), "another provider is asked"),
        "server error": _bad(Fault.status(500), "another provider is asked"),
        "wrong key": _bad(Fault.status(401), "the caller's own key is not blamed"),
        "context overflow": _bad(Fault.context_overflow(), "a larger model is asked, or 400"),
        "hang": _bad(Fault.hang(), "the first-byte deadline ends it"),
        "reset": _bad(Fault.reset(), "another provider is asked"),
        "reset in the head": _bad(Fault.reset(within_headers=True), "another provider is asked"),
        "closed in the head": _bad(
            Fault.raw(b"HTTP/1.1 200 OK\r\ncontent-t"), "another provider is asked"
        ),
        "long header": _bad(Fault.long_header(), "the head's limit ends it, in little memory"),
        "hints": _fine(
            Fault.early_hints(), "2,000 early hints are read over, under the first-byte deadline"
        ),
        "head drip": _bad(Fault.slow_drip(0.25, part="head"), "the first-byte deadline ends it"),
        "web page": _bad(Fault.body(PAGE), "a page is no answer, whatever its status"),
        "null": _bad(
            Fault.body(b"null", content_type="application/json"),
            "JSON that is no answer is refused",
        ),
        # hostile bodies
        "long line": _bad(Fault.long_line(), "the line's limit ends it, in little memory"),
        "gzip bomb": _bad(Fault.gzip_bomb(), "it is not unpacked: identity was asked for"),
        "endless comments": _bad(Fault.endless(), "the limit of size or time ends it"),
        "endless pings": _bad(Fault.endless("ping", gap_s=0.01), "the deadline ends it"),
        "bad chunk": _bad(Fault.bad_chunk(), "what is no HTTP is an error"),
        "body drip": _bad(Fault.slow_drip(0.25, part="body"), "the total deadline ends it"),
        # within the answer
        "garbage": _bad(Fault.garbage(), "bytes that are no text are an error"),
        "half an event": _bad(Fault.invalid_json(), "JSON that breaks off is an error"),
        "cut by reset": _bad(Fault.cut("reset"), "half an answer has no clean end"),
        "cut by close": _bad(Fault.cut("closed"), "half an answer has no clean end"),
        "cut but ended": _bad(Fault.cut("ended"), "half an answer has no clean end"),
        "error event": _bad(Fault.cut("error"), "the error reaches the caller in its dialect"),
        "throttled midway": _bad(Fault.broken(429), "the error reaches the caller in its dialect"),
        "stall": _bad(Fault.stall(after=3), "the idle deadline ends it"),
        "no last event": _fine_whole(
            Fault.unterminated(), "a stream without its last event has no clean end"
        ),
        # odd, but good
        "duplicate finish": _fine(Fault.twice("finish"), "the caller sees one finish"),
        "duplicate usage": _fine(Fault.twice("usage"), "it is counted once"),
        "no usage": _fine(Fault.no_usage(), "tokens are estimated, not free"),
        "split bytes": _fine(Fault.split(1, text=WORDS), "no character and no line is torn"),
        "single bytes": _fine(Fault.slow_drip(0.0), "a slow answer is still an answer"),
    }
)
