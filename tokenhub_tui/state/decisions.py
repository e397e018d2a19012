"""The feed of decisions as rows."""

from datetime import datetime

from tokenhub.client.text import milliseconds
from tokenhub_tui.state.candidates import price, term
from tokenhub_tui.state.cells import Cell, Column, Row
from tokenhub_tui.state.feed import (
    FAILED,
    LOST,
    MARKS,
    OK,
    PARENT,
    RESCUED,
    RUNNING,
    STREAMING,
    Gap,
    Line,
)
from tokenhub_tui.state.reasons import reason, trouble
from tokenhub_tui.state.standing import clock

__all__ = ["COLUMNS", "clock", "row"]

COLUMNS = (
    Column(id="time", title="time", width=8, most=11),
    Column(id="mark", title="", width=1),
    Column(id="model", title="model", width=16, most=40),
    Column(id="provider", title="provider", width=10, most=20, rank=8),
    Column(id="mode", title="mode", width=9, most=15, rank=7),
    Column(id="key", title="key", width=6, most=16, rank=9),
    Column(id="ms", title="ms", width=7, right=True),
    Column(id="first", title="first", width=7, right=True, rank=11),
    Column(id="tokens", title="in/out", width=9, most=13, right=True, rank=10),
    Column(id="cost", title="cost", width=10, most=11, right=True),
    Column(id="score", title="score", width=5, most=6, right=True, rank=2),
    Column(id="why", title="why", width=20, most=60),
)
_TONES = {
    OK: "good", RESCUED: "warn", FAILED: "bad", LOST: "warn", STREAMING: "key", RUNNING: "dim",
}  # fmt: skip


def row(line: Line, now: float) -> Row:
    """A request as a row of the feed."""
    known = line.over and line.state != LOST
    return Row(
        id=line.request_id,
        tone="dim" if line.state == RUNNING else "",
        cells=(
            at(line.at, now),
            Cell(PARENT if line.parent else MARKS[line.state], _TONES[line.state]),
            line.model_id or _nobody(line),
            line.provider_id,
            line.mode,
            line.key,
            "" if line.state == LOST else _took(line, now),
            milliseconds(line.first_ms) if line.first_ms else "",
            f"{line.input_tokens}/{line.output_tokens}" if known and not line.parent else "",
            _cost(line) if known else "",
            _score(line),
            Cell(_why(line), _tone(line)),
        ),
    )


def _nobody(line: Line) -> str:
    """What stands in the place of a model where none was asked: the one that was wanted."""
    if line.parent:
        return line.plan
    wanted = line.decision.hint if line.decision is not None else ""
    return wanted or ("nobody" if line.over else "…")


def at(unix_s: float, now: float) -> str:
    """The time of day, on this machine's clock; of another day than today's with the day."""
    if not unix_s:
        return ""
    then, today = datetime.fromtimestamp(unix_s), datetime.fromtimestamp(now)  # noqa: DTZ006 - local
    return f"{then:%H:%M:%S}" if then.date() == today.date() else f"{then:%m-%d %H:%M}"


def _took(line: Line, now: float) -> str:
    if line.over:
        return milliseconds(line.latency_ms)
    return f"{milliseconds(max(0.0, now - line.at) * 1000)}…"


def _cost(line: Line) -> str:
    return "?" if line.cost_usd is None else price(line.cost_usd)


def _score(line: Line) -> str:
    one = line.candidate
    if one is None:
        return ""
    return term(one.score) if one.sample is None else f"θ{term(one.sample.draw, places=2)}"


def _tone(line: Line) -> str:
    if line.state in {FAILED, LOST}:
        return _TONES[line.state]
    return "warn" if line.attempts[1:] else ""


def _why(line: Line) -> str:
    """Why it went where it went, or what went wrong; what is most of use first."""
    said = _went(line)
    return f"{line.step}: {said}" if line.step and said else said or line.step


def _went(line: Line) -> str:
    if line.state == LOST:
        return "end unknown, the server was started anew"
    if line.error_class:
        return trouble(line.error_class)
    if line.parent:
        return f"{_many(line.steps, 'step')}{'' if line.over else '…'}" if line.steps else ""
    if not line.over:
        return "streams" if line.state == STREAMING else ""
    failed = next((one for one in line.attempts if one.error_class), None)
    if line.state == RESCUED and failed is not None:
        return f"{trouble(failed.error_class)}: {failed.provider_id}/{failed.model_id}"
    return reason(line.reason, len(line.decision.candidates) if line.decision else 0)


def undecided(line: Line | None) -> str:
    """Why there are no candidates to show."""
    if line is None:
        return ""
    if line.parent:
        return "An orchestration: each of its steps has a decision of its own."
    if line.over:
        return "It was refused before a route was looked for, or its decision is not on record."
    return "No route has been chosen yet."


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
