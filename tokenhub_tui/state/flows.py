"""Orchestrations as rows, and the steps of one as bars over its time. Times are Unix seconds.

A step is a row of the request log, which does not know the step's name; the events do. Of a step
that nobody heard of, the name follows from its place: plans ask in a fixed order.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from copy import copy

import msgspec

from tokenhub.client.text import cells, local, milliseconds, of_state
from tokenhub.filters import Field, Fields
from tokenhub.wire.events import Event
from tokenhub.wire.observe import RequestLog
from tokenhub.wire.orchestrations import Orchestration, OrchestrationDetail, Workflow
from tokenhub_tui.state.candidates import price
from tokenhub_tui.state.cells import Cell, Column, Row
from tokenhub_tui.state.decisions import at
from tokenhub_tui.state.feed import Line, unix
from tokenhub_tui.state.reasons import trouble

STEP, STARTED = "orchestration_step", "started"
TYPES = frozenset({STEP, "workflow_started", "workflow_completed", "workflow_failed"})
# More steps than the plans on the screen have.
KEPT = 5000
MARKS: Mapping[str, str] = {
    "succeeded": "✓", "partial": "!", "running": "⇢", "failed": "✗", "cancelled": "·", "lost": "✗",
}  # fmt: skip
COLUMNS = (
    Column(id="time", title="time", width=8, most=11),
    Column(id="mark", title="", width=1),
    Column(id="mode", title="mode", width=11),
    Column(id="status", title="state", width=9),
    Column(id="steps", title="steps", width=5, right=True),
    Column(id="took", title="took", width=8, right=True),
    Column(id="cost", title="cost", width=9, most=12, right=True),
    Column(id="expected", title="expected", width=9, most=12, right=True, rank=2),
    Column(id="error", title="trouble", width=12, most=24, rank=1),
    Column(id="dialect", title="by", width=9, rank=5),
    Column(id="key", title="key", width=10, most=32, rank=4),
    Column(id="id", title="id", width=32, most=36, rank=3),
)
WORKFLOWS = (
    Column(id="time", title="started", width=19),
    Column(id="type", title="type", width=14, most=30),
    Column(id="status", title="state", width=12, most=18),
    Column(id="id", title="id", width=16, most=60),
    Column(id="run", title="run", width=12, most=40, rank=1),
)
FIELDS: Fields = {
    "mode": Field(("mode",)),
    "status": Field(("status",)),
    "key": Field(("api_key_id",)),
    "by": Field(("dialect",)),
    "error": Field(("error_class",)),
    "steps": Field(("step_count",), "number"),
    "ms": Field(("latency_ms",), "duration", 1000),
    "cost": Field(("cost_usd",), "money", 10**9),
    "id": Field(("id",)),
    "since": Field(("timestamp",), "time", 1000),
    "until": Field(("timestamp",), "time", 1000),
}
# What each mode asks for, in words.
SHAPES: Mapping[str, str] = {
    "planning": "one request, to the best planner",
    "adversarial": "a plan, then critiques and revisions",
    "vote": "several answer at once, a judge chooses",
    "refine": "an answer that its model goes over again",
}
# Cells of a step beside its bar, but for its route and what is noted of it.
_BESIDE = 4 + 1 + 11 + 8 + 10 + 6
_ROUTE, _NOTE, _LEAST_BAR = 30, 24, 8


class Step(msgspec.Struct, kw_only=True):
    """A step that began, and how it has ended; `took_s` is None while it goes on."""

    request_id: str
    name: str
    begun: float
    took_s: float | None = None
    route: str = ""
    cost_usd: float | None = None
    error_class: str = ""
    attempts: int = 0


class Heard:
    """What events tell of steps, long before the log is asked again."""

    def __init__(self) -> None:
        self._steps: OrderedDict[str, tuple[str, Step]] = OrderedDict()

    def apply(self, events: Sequence[Event]) -> bool:
        """Take events in; whether any was about a plan."""
        about = [event for event in events if event.type in TYPES]
        for event in about:
            if event.type == STEP and event.request_id:
                self._take(event)
        while len(self._steps) > KEPT:
            self._steps.popitem(last=False)
        return bool(about)

    def _take(self, event: Event) -> None:
        at_s, took_s = unix(event.timestamp), event.latency_ms / 1000
        over = event.new_state != STARTED
        new = Step(request_id=event.request_id, name="", begun=at_s - took_s if over else at_s)
        step = self._steps.setdefault(event.request_id, (event.workflow_id, new))[1]
        step.name = event.activity_type
        if over:
            step.took_s, step.route = took_s, _joined(event.provider_id, event.model_id)
            # An event leaves out both nothing and what nobody knows; the log tells them apart.
            step.cost_usd = event.cost_usd
            step.error_class, step.attempts = event.error_class, event.attempt_count

    def name(self, request_id: str) -> str:
        """What a step is called; empty where nobody said."""
        known = self._steps.get(request_id)
        return known[1].name if known else ""

    def of(self, plan_id: str) -> list[Step]:
        """The steps of a plan that were heard of."""
        return [copy(step) for parent, step in self._steps.values() if parent == plan_id]


def row(one: Orchestration, now: float) -> Row:
    """A plan as a row."""
    running = one.status == "running"
    took_ms = (now - unix(one.timestamp)) * 1000 if running else one.latency_ms
    tone = "key" if running else of_state(one.status)
    return Row(
        id=one.id,
        cells=(
            at(unix(one.timestamp), now),
            Cell(MARKS.get(one.status, "?"), tone),
            one.mode,
            Cell(one.status, tone),
            str(one.step_count) if one.step_count or not running else "…",
            f"{milliseconds(max(0.0, took_ms))}{'…' if running else ''}",
            "" if running and not one.cost_usd else _cost(one.cost_usd),
            Cell(_cost(one.cost_estimate_usd), "dim"),
            Cell(trouble(one.error_class), "bad" if one.status == "failed" else "warn"),
            Cell(one.dialect, "dim"),
            Cell(one.api_key_id, "dim"),
            Cell(one.id, "dim"),
        ),
    )


def workflow(one: Workflow) -> Row:
    """A workflow of Temporal's as a row."""
    status = one.status.lower()
    tone = {"running": "key", "completed": "good"}.get(status, "bad")
    when = local(one.start_time)
    return Row(
        id=one.workflow_id,
        cells=(when, one.type, Cell(status, tone), one.workflow_id, one.run_id),
    )


def steps(plan: OrchestrationDetail, heard: Heard, lines: Sequence[Line]) -> list[Step]:
    """The steps of a plan in the order of their asking, with those under way.

    `lines` are the requests that the feed knows: steps that began before this screen listened are
    there.
    """
    known = {one.request_id: one for one in heard.of(plan.id)}
    for line in lines:
        if line.parent_id == plan.id and not line.over and line.request_id not in known:
            known[line.request_id] = Step(request_id=line.request_id, name="", begun=line.at)
    known |= {log.request_id: _ended(log) for log in plan.steps}
    routes = {one.request_id: _joined(one.provider_id, one.model_id) for one in lines}
    every = [one for one in known.values() if one.took_s is not None or plan.status == "running"]
    every.sort(key=lambda one: (one.begun, one.request_id))
    for place, one in enumerate(every):
        one.name = heard.name(one.request_id) or _name(plan, place, every)
        one.route = one.route or routes.get(one.request_id, "")
    return every


def _ended(log: RequestLog) -> Step:
    return Step(
        request_id=log.request_id,
        name="",
        begun=unix(log.timestamp),
        took_s=log.latency_ms / 1000,
        route=_joined(log.provider_id, log.model_id),
        cost_usd=log.estimated_cost_usd,
        error_class=log.error_class,
        attempts=len(log.attempts),
    )


def _name(plan: Orchestration, place: int, every: Sequence[Step]) -> str:
    """What the step at this place is, by what the mode asks in which order."""
    if plan.mode == "vote":
        others = every[:-1]
        ends = [one.begun + one.took_s for one in others if one.took_s is not None]
        judged = len(ends) == len(others) > 1 and every[-1].begun >= max(ends) - _SLACK_S
        return "judge" if judged and place == len(others) else f"vote-{place + 1}"
    if place == 0:
        return {"adversarial": "plan", "refine": "initial"}.get(plan.mode, plan.mode or "answer")
    if plan.mode == "adversarial":
        return f"{'critique' if place % 2 else 'refine'}-{(place + 1) // 2}"
    return f"refine-{place}"


# Times are told in milliseconds: of two that meet, either may be rounded past the other.
_SLACK_S = 0.002


def step_columns(several: Sequence[Step], width: int) -> tuple[Column, ...]:
    """The columns of these steps on a screen so wide; the bars have what the others leave."""
    return (
        Column(id="mark", title="", width=1),
        Column(id="name", title="step", width=11),
        Column(id="route", title="route", width=16, most=_ROUTE),
        Column(id="bar", title="", width=bar_width(several, width)),
        Column(id="took", title="took", width=8, right=True),
        Column(id="cost", title="cost", width=10, right=True),
        Column(id="note", title="", width=0, most=_NOTE),
    )


def bar_width(several: Sequence[Step], width: int) -> int:
    """How many cells the bars of these steps have on a screen so wide."""
    routes = max((min(_ROUTE, cells(_route(one))) for one in several), default=_ROUTE)
    notes = max((min(_NOTE, cells(_note(one))) for one in several), default=0)
    return max(_LEAST_BAR, width - _BESIDE - routes - notes)


def step_rows(
    plan: OrchestrationDetail, several: Sequence[Step], *, now: float, width: int
) -> list[Row]:
    """The steps as rows, to the scale of the whole plan."""
    origin = min([unix(plan.timestamp), *(one.begun for one in several)])
    ends = [one.begun + (now - one.begun if one.took_s is None else one.took_s) for one in several]
    total_s = max([plan.latency_ms / 1000, *(end - origin for end in ends), 0.001])
    bars = bar_width(several, width)
    return [_step(one, origin, total_s, now=now, width=bars) for one in several]


def _step(one: Step, origin: float, total_s: float, *, now: float, width: int) -> Row:
    running = one.took_s is None
    took_s = max(0.0, now - one.begun) if one.took_s is None else one.took_s
    mark, tone = ("⇢", "key") if running else ("✗", "bad") if one.error_class else ("✓", "good")
    drawn = spanned((one.begun - origin) / total_s, took_s / total_s, width)
    return Row(
        id=one.request_id,
        cells=(
            Cell(mark, tone),
            one.name,
            _route(one),
            Cell(drawn, tone),
            f"{milliseconds(took_s * 1000)}{'…' if running else ''}",
            "" if running else _cost(one.cost_usd),
            Cell(_note(one), "bad" if one.error_class else "warn"),
        ),
    )


def _joined(provider_id: str, model_id: str) -> str:
    return f"{provider_id}/{model_id}" if provider_id else model_id


def _route(one: Step) -> str:
    return one.route or ("…" if one.took_s is None else "nobody")


def _note(one: Step) -> str:
    tries = f"{one.attempts} attempts" if one.attempts > 1 else ""
    return ", ".join(filter(None, (trouble(one.error_class), tries)))


def spanned(start: float, length: float, width: int) -> str:
    """A bar from `start` over `length`, both parts of 1, in so many cells; never quite nothing."""
    first = min(width - 1, max(0, int(start * width)))
    last = min(width, max(first + 1, round((start + length) * width)))
    return " " * first + "▓" * (last - first)


def caption(plan: OrchestrationDetail) -> str:
    """What kind of plan it is, and what was expected of it."""
    rounds = f", {plan.iterations} asked for" if plan.iterations else ""
    expected = (
        "" if plan.cost_estimate_usd is None else f" · expected {_cost(plan.cost_estimate_usd)}"
    )
    return f"{SHAPES.get(plan.mode, plan.mode)}{rounds}{expected}"


def _cost(amount: float | None) -> str:
    return "?" if amount is None else price(amount)
