"""The log's requests as rows of a table, and their number over time as bars."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec

from tokenhub.client.text import milliseconds, plain, seconds
from tokenhub.wire.logs import LogHistogram
from tokenhub.wire.observe import LogPage, RequestLog
from tokenhub_tui.state.candidates import price
from tokenhub_tui.state.cells import Cell, Column, Row
from tokenhub_tui.state.decisions import at
from tokenhub_tui.state.feed import FAILED, MARKS, OK, RESCUED, unix
from tokenhub_tui.state.reasons import reason, trouble

COLUMNS = (
    Column(id="timestamp", title="time", width=8, most=11),
    Column(id="mark", title="", width=1),
    Column(id="status_code", title="st", width=3, right=True),
    Column(id="model_id", title="model", width=13, most=44),
    Column(id="provider_id", title="provider", width=10, most=24, rank=8),
    Column(id="mode", title="mode", width=7, most=12, rank=7),
    Column(id="latency_ms", title="ms", width=6, right=True),
    Column(id="tokens", title="in/out", width=7, most=13, right=True, rank=5),
    Column(id="estimated_cost_usd", title="cost", width=10, most=12, right=True),
    Column(id="api_key_name", title="key", width=8, most=20, rank=6),
    Column(id="error_class", title="error", width=8, most=24, rank=1),
    Column(id="reason", title="why", width=10, most=24, rank=9),
    Column(id="request_id", title="request", width=14, most=40, rank=10),
)
TONES = {OK: "good", RESCUED: "warn", FAILED: "bad"}
# Steps of an eighth of a cell's height; a bar that is not nothing is always seen.
_A_DAY_S = 20 * 3600
_MINUTE_S = 60.0
_EIGHTHS = " ▁▂▃▄▅▆▇█"


def outcome(row: RequestLog) -> str:
    """Whether it went well at once, after others were asked, or not."""
    if row.error_class:
        return FAILED
    return RESCUED if len(row.attempts) > 1 and row.answered else OK


def columns(names: Sequence[str]) -> tuple[Column, ...]:
    """The columns of a view; the usual ones where it names none."""
    usual = {one.id: one for one in COLUMNS}
    if not names:
        return COLUMNS
    return tuple(
        usual.get(name) or Column(id=name, title=name, width=8, most=32, rank=place)
        for place, name in enumerate(names)
    )


def row(one: RequestLog, now: float, shown: Sequence[Column] = COLUMNS) -> Row:
    """A request as a row of these columns."""
    return Row(id=one.request_id, cells=tuple(_cell(one, column.id, now) for column in shown))


def _cell(one: RequestLog, name: str, now: float) -> str | Cell:
    if name == "timestamp":
        return at(unix(one.timestamp), now)
    special = _CELLS.get(name)
    return special(one) if special else plain(getattr(one, name, None))


def _model(one: RequestLog) -> str:
    """Who answered, before all: it must not be cut. Then who was asked first, where others were."""
    last = one.model_id
    if not last:
        return one.requested_model or "nobody"
    if len(one.attempts) < 2:  # noqa: PLR2004 - one is who answered
        return last
    first = one.attempts[0]
    if first.model_id != last:
        return f"{last}←{first.model_id}"
    return last if first.provider_id == one.provider_id else f"{last}←{first.provider_id}"


def _status(one: RequestLog) -> Cell:
    state = outcome(one)
    return Cell(str(one.status_code or "-"), TONES[state] if state != OK else "")


_CELLS: Mapping[str, Callable[[RequestLog], str | Cell]] = {
    "mark": lambda one: Cell(MARKS[outcome(one)], TONES[outcome(one)]),
    "status_code": _status,
    "model_id": _model,
    "latency_ms": lambda one: milliseconds(one.latency_ms),
    "tokens": lambda one: f"{one.input_tokens}/{one.output_tokens}",
    "estimated_cost_usd": lambda one: (
        "?" if one.estimated_cost_usd is None else price(one.estimated_cost_usd)
    ),
    "api_key_name": lambda one: one.api_key_name or one.api_key_id,
    "error_class": lambda one: Cell(trouble(one.error_class) if one.error_class else "", "bad"),
    "reason": lambda one: reason(one.reason) if one.reason else "",
}


def counted(page: LogPage) -> str:
    """How many there are in all: `5,210`, `2,000+`."""
    return f"{page.total:,}{'' if page.total_exact else '+'}"


class Bars(msgspec.Struct, frozen=True, kw_only=True):
    """Two lines of bars, requests and errors, each with what its highest stands for.

    `since` and `until` are Unix seconds.
    """

    requests: Sequence[int] = ()
    errors: Sequence[int] = ()
    since: float = 0.0
    until: float = 0.0
    step_s: float = 0.0


def bars(found: LogHistogram) -> Bars:
    """What the chart is drawn of."""
    return Bars(
        requests=[one.total for one in found.buckets],
        errors=[one.client_errors + one.server_errors for one in found.buckets],
        since=unix(found.since),
        until=unix(found.until),
        step_s=found.step_s,
    )


def filled(values: Sequence[int]) -> int:
    """How many there are from the first that is not zero on."""
    return next((len(values) - place for place, one in enumerate(values) if one), 0)


def grouped(values: Sequence[int], width: int) -> Sequence[int]:
    """The same in at most `width` values, each the sum of as many."""
    several = merged(len(values), width)
    return [sum(values[n : n + several]) for n in range(0, len(values), several)]


def drawn(values: Sequence[int]) -> str:
    """The values as bars, one cell each."""
    most = max(values, default=0)
    return "".join(_EIGHTHS[-(-value * 8 // most)] if value else " " for value in values)


def axis(bars: Bars, width: int) -> str:
    """What stands below the bars: from when, to when, how long a bar is, and the highest."""
    requests, errors = grouped(bars.requests, width), grouped(bars.errors, width)
    whole_s = bars.until - bars.since
    shown = (
        "%m-%d %H:%M" if whole_s > _A_DAY_S else "%H:%M" if bars.step_s >= _MINUTE_S else "%H:%M:%S"
    )
    # On this machine's clock, as all that is shown.
    left, right = (f"{datetime.fromtimestamp(one):{shown}}" for one in (bars.since, bars.until))  # noqa: DTZ006
    step = seconds(bars.step_s * merged(len(bars.requests), width)).removesuffix(" 0s")
    said = f"a bar {step.removesuffix(' 0m')} · most {max(requests)}, {max(errors)} failed"
    space = max(0, len(requests) - len(left) - len(right))
    if len(said) + 2 <= space:
        return f"{left}{said.center(space)}{right}"
    return f"{left}{' ' * space}{right} {said}"


def merged(count: int, width: int) -> int:
    """How many values stand in one cell of that width."""
    return max(1, -(-count // max(1, width)))
