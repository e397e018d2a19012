"""The fault list: what each row is, and what it promises."""

import os
from typing import NamedTuple

import pytest

# By words and unit, what was seen.
Figures = dict[tuple[str, str], list[float]]


class Row(NamedTuple):
    """A fault of a provider, and what TokenHub promises then."""

    fault: str
    promise: str


ROWS = {
    "F3": Row(
        "a crash within any write of a change of database or admin token, and any loss of power",
        "the old or the new, never neither; the new where it was acknowledged",
    ),
    "F10": Row(
        "connection refused, unknown name",
        "another provider answers; alone 502 `upstream_unreachable`, nothing charged",
    ),
    "F11": Row(
        "reset in the middle of the headers",
        "tried again, within the retry budget; every attempt is in the ledger",
    ),
    "F12": Row(
        "reset after a chunk of a stream",
        "never tried again; an error event; what was sent is charged",
    ),
    "F13": Row(
        "a clean end without the last event",
        "told as an error event, charged, counted against the provider",
    ),
    "F14": Row("silence before the headers", "the first-byte limit ends it; another answers"),
    "F15": Row(
        "a byte each 250 ms, in the head and in the body",
        "bytes alone are no progress; the deadline ends the rest",
    ),
    "F16": Row(
        "429 with every kind of Retry-After, and without; an empty account",
        "no call while it cools down; at most 60 s; passed on; an empty account is never retried",
    ),
    "F17": Row("500, 502, 503, 504, 529, 408", "another provider answers, at few more calls"),
    "F18": Row("400, 404, 413, 422", "told in the caller's dialect after one call"),
    "F19": Row(
        "half a JSON, a web page, nothing, null",
        "502 `upstream_invalid_response`; no byte of it reaches caller or log",
    ),
    "F20": Row("one line of 100 MB", "502 in under 8 MB of memory"),
    "F21": Row("500 MB as half a MB of gzip", "not unpacked: 502 in under 8 MB of memory"),
    "F22": Row(
        "302, 307 to another server and to 169.254.169.254",
        "502; the other server sees neither key nor call",
    ),
    "F23": Row(
        "bad chunk size, NUL and CR in a header, 400 KB header, 2,000 x 103",
        "502; early hints are read over, under the first-byte limit",
    ),
    "F24": Row(
        "TLS: expired, wrong host, self-signed, unknown CA",
        "refused before a byte is sent; no switch turns that off",
    ),
    "F25": Row(
        "a provider down for 60 s at steady load",
        "at most 1.25 calls a request; back within one ejection period; no herd",
    ),
    "F38": Row(
        "marked prompts, keys, tokens, headers and paths over every route and error",
        "0 hits in logs, databases, metrics, audit trail and errors",
    ),
    "Load": Row(
        "60 s on three providers: one killed, one slow, one throttling",
        "0 failed requests; at most 1.25 calls a request; back within one ejection period",
    ),
}
# `just faults` sets it: the long forms, and the table at the end.
LONG = os.environ.get("FAULTS") == "long"  # noqa: TID251 - of the tests, no setting
FIGURES = pytest.StashKey[dict[str, Figures]]()
ENDS = pytest.StashKey[dict[str, list[str]]]()


def lines(figures: dict[str, Figures], ends: dict[str, list[str]]) -> list[str]:
    """The table: a line for each row of the list."""
    found = ["| | Fault | Promise | Figure | Tests |", "|---|---|---|---|---|"]
    for name, row in ROWS.items():
        values = figures.get(name, {})
        said = "; ".join([told(what, unit, seen) for (what, unit), seen in values.items()])
        found.append(
            f"| {name} | {row.fault} | {row.promise} | {said or 'none'} | {_sum(ends, name)} |"
        )
    return found


def told(what: str, unit: str, values: list[float]) -> str:
    """The figure in words: the least and the most of what was seen."""
    least, most = _short(min(values)), _short(max(values))
    seen = least if least == most else f"{least} to {most}"
    return f"{what} {seen} {unit}".rstrip()


def _short(value: float) -> str:
    """Three digits, or all of those before the point."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _sum(ends: dict[str, list[str]], name: str) -> str:
    had = ends.get(name, [])
    return ", ".join(f"{had.count(end)} {end}" for end in sorted(set(had), reverse=True)) or "none"
