"""The fault list of reliability.md: what each row is, and what it promises."""

import os
from typing import NamedTuple

import pytest

# By words and unit, what was seen.
Figures = dict[tuple[str, str], list[float]]


class Row(NamedTuple):
    """A fault, and what TokenHub promises then."""

    fault: str
    promise: str


ROWS = {
    "F1": Row(
        "kill -9 under load",
        "every acknowledged request is in the log; the log and the ledger have the same sum",
    ),
    "F2": Row(
        "kill -9 with calls under way",
        "each is charged at what was reserved, and marked unknown; none stays open",
    ),
    "F3": Row(
        "a crash within any write of a change of database or admin token, and any loss of power",
        "the old or the new, never neither; the new where it was acknowledged",
    ),
    "F4": Row(
        "the vault's rows edited: each byte, rows swapped, older rows put back, truncated, 4 GiB",
        "refused with a clear code, or left out; never a wrong secret, no large allocation",
    ),
    "F5": Row(
        "200 requests at once on a key with money for 10",
        "exactly 10 are let through; afterwards nothing is held, and nothing overspent",
    ),
    "F6": Row(
        "budget with a ledger that cannot be written",
        "503 `ledger_unavailable`, and no call for free",
    ),
    "F7": Row(
        "a flood from one address on 200 connections, with forged headers, spread over a /64",
        "one caller: no more than its limit is let in",
    ),
    "F8": Row(
        "10,000 random keys, 10,000 keys with one letter changed",
        "one answer and one cost for all; 0 reads of the database",
    ),
    "F9": Row(
        "1,000 keys disabled, stripped of scopes, expired, deleted, rotated under load",
        "nothing is accepted after the call has returned",
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
    "F26": Row(
        "50 at once with the same Idempotency-Key",
        "one call; the others have its answer, and are told so",
    ),
    "F27": Row("the same Idempotency-Key with another body", "422, no call"),
    "F28": Row(
        "a repeat after kill -9 and restart; by another key",
        "the same bytes again and no second call; another key runs its own",
    ),
    "F29": Row(
        "callers who hang up: midway, while nothing comes, before the first byte",
        "the provider's connection is closed within 50 ms (p99), and what came is settled",
    ),
    "F32": Row(
        "backups under load, restored elsewhere; bits flipped in the copy",
        "all that was acknowledged before is in it, its sums agree; a flipped bit is found",
    ),
    "F34": Row(
        "half a head, half a body, silence, 10,000 headers, a header of 1 MB",
        "408 or 431 and an end of the connection; nobody else notices",
    ),
    "F35": Row(
        "twice as many requests as can be answered",
        "goodput 90 % of the peak; the rest is refused within 20 ms; memory flat",
    ),
    "F36": Row(
        "SIGTERM while answers are on their way",
        "none is cut short in the time to drain; what is cut is told so; exit 1 s later at most",
    ),
    "F37": Row(
        "SIGHUP again and again under load, every fourth time with a broken file",
        "0 failed requests; a broken file changes nothing and is told",
    ),
    "F38": Row(
        "marked prompts, keys, tokens, headers and paths over every route and error",
        "0 hits in logs, databases, metrics, audit trail and errors",
    ),
    "F39": Row(
        "clock set by an hour or a month, and the turn of a month",
        "no month's budget is spent twice",
    ),
    "F40": Row(
        "a disk that is full, fails, turns read-only; a damaged page",
        "reads go on, writes are refused, nothing acknowledged is lost; back without a restart",
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
