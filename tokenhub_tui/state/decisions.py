"""The feed of decisions as rows, and the five figures above it."""

from datetime import datetime

import msgspec

from tokenhub.client.text import milliseconds, usd
from tokenhub.wire.stats import Stats
from tokenhub_tui.state.candidates import term
from tokenhub_tui.state.cells import Cell, Column, Row
from tokenhub_tui.state.feed import (
    FAILED,
    MARKS,
    OK,
    RESCUED,
    RUNNING,
    STREAMING,
    Gap,
    Line,
)
from tokenhub_tui.state.standing import clock

__all__ = ["COLUMNS", "Figure", "clock", "figures", "row"]

COLUMNS = (
    Column(id="time", title="time", width=8),
    Column(id="mark", title="", width=1),
    Column(id="model", title="model", width=18, most=40),
    Column(id="provider", title="provider", width=10, most=20, rank=8),
    Column(id="mode", title="mode", width=9, rank=7),
    Column(id="key", title="key", width=8, most=16, rank=9),
    Column(id="ms", title="ms", width=7, right=True),
    Column(id="first", title="first", width=7, right=True, rank=11),
    Column(id="tokens", title="in/out", width=11, right=True, rank=10),
    Column(id="cost", title="cost", width=8, most=11, right=True),
    Column(id="score", title="score", width=6, right=True, rank=2),
    Column(id="why", title="why", width=14, most=60),
)
_TONES = {OK: "good", RESCUED: "warn", FAILED: "bad", STREAMING: "key", RUNNING: "dim"}


def row(line: Line, now: float) -> Row:
    """A request as a row of the feed."""
    return Row(
        id=line.request_id,
        tone="dim" if line.state == RUNNING else "",
        cells=(
            at(line.at),
            Cell(MARKS[line.state], _TONES[line.state]),
            line.model_id or "…",
            line.provider_id,
            line.mode,
            line.key,
            milliseconds(line.latency_ms) if line.over else running(line, now),
            milliseconds(line.first_ms) if line.first_ms else "",
            f"{line.input_tokens}/{line.output_tokens}" if line.over else "",
            _cost(line),
            "" if line.score is None else term(line.score),
            Cell(
                _why(line), "bad" if line.state == FAILED else "warn" if line.attempts[1:] else ""
            ),
        ),
    )


def at(unix_s: float) -> str:
    """The time of day, on this machine's clock."""
    return f"{datetime.fromtimestamp(unix_s):%H:%M:%S}" if unix_s else ""  # noqa: DTZ006 - local


def running(line: Line, now: float) -> str:
    """How long it has taken yet."""
    return f"{milliseconds(max(0.0, now - line.at) * 1000)}…"


def _cost(line: Line) -> str:
    if not line.over:
        return ""
    return "?" if line.cost_usd is None else usd(line.cost_usd) if line.cost_usd else "$0"


def _why(line: Line) -> str:
    said = line.error_class or (line.reason if line.over else "")
    if line.state == STREAMING:
        return "stream"
    if line.state == RESCUED:
        failed = next((one for one in line.attempts if one.error_class), None)
        if failed is not None:
            return f"{failed.error_class} at {failed.provider_id}/{failed.model_id}, then this"
    if line.decision is not None and not line.error_class:
        candidates = len(line.decision.candidates)
        if candidates > 1 and said in {"", "scored", "best_score"}:
            return f"best of {candidates}"
    return said.replace("_", " ")


def filled(gap: Gap, found: int) -> str:
    """What was missed, and how much of it the log had, in a sentence."""
    lost = (
        "The server was started anew"
        if gap.count is None
        else f"{_many(gap.count, 'event')} missed"
    )
    return f"{lost}; {_many(found, 'request')} filled in from the log."


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A number of the top line, with how it stands against the hour before the last minutes."""

    title: str
    value: str
    change: str = ""
    tone: str = ""


def figures(stats: Stats) -> list[Figure]:
    """Requests, time, money, errors and tokens of the last minutes, against the last hour."""
    rows = {one.window: one for one in stats.total or [] if one is not None}
    now, before = rows.get("5m") or rows.get("1m"), rows.get("1h")
    if now is None:
        nothing = "-"
        return [Figure(title=title, value=nothing) for title in _TITLES]
    hour = before.p95_latency_ms if before else None
    spent = before.total_cost_usd if before else None
    minutes = 5 if now.window == "5m" else 1
    tokens = now.total_tokens / minutes
    return [
        Figure(title=_TITLES[0], value=f"{now.request_count / minutes:,.0f}",
               **_moved(now.rps, before.rps if before else None, bad_up=None)),
        Figure(title=_TITLES[1], value=_number(now.p95_latency_ms),
               **_moved(now.p95_latency_ms, hour, bad_up=True)),
        Figure(title=_TITLES[2], value=f"${now.total_cost_usd * 60 / minutes:,.2f}",
               **_moved(now.total_cost_usd * 60 / minutes, spent, bad_up=True)),
        Figure(title=_TITLES[3], value=f"{now.error_rate:.1%}",
               tone="bad" if now.error_rate >= _MANY_ERRORS else ""),
        Figure(title=_TITLES[4], value=_short(tokens),
               **_moved(tokens, before.total_tokens / 60 if before else None, bad_up=None)),
    ]  # fmt: skip


_TITLES = ("req/min", "p95 ms", "cost/h", "errors", "tokens/min")
_MANY_ERRORS = 0.05


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def _short(value: float) -> str:
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.1f}{unit}" if value < 10 * size else f"{value / size:.0f}{unit}"
    return f"{value:.0f}"


def _moved(value: float | None, usual: float | None, *, bad_up: bool | None) -> dict[str, str]:
    """How a value stands against what is usual; nothing where that is within 2 %."""
    if not value or not usual:
        return {}
    part = value / usual - 1
    if abs(part) < 0.02:  # noqa: PLR2004 - less is noise
        return {}
    tone = "" if bad_up is None else "warn" if (part > 0) is bad_up else "good"
    shown = f"{abs(part):.0%}" if abs(part) < 10 else "×" + f"{part + 1:.0f}"  # noqa: PLR2004
    return {"change": f"{'▲' if part > 0 else '▼'}{shown}", "tone": tone}
