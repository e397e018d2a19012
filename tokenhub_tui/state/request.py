"""One request in rows and lines: its attempts in time, its policy, its money, what was said of it.

Attempts are told with how long each took, not with when it began: one after the other is how they
are drawn, and where that is longer than the request (two at once), each ends by its end.
"""

from collections.abc import Iterator, Sequence

import msgspec

from tokenhub.client.text import local, milliseconds, money, usd
from tokenhub.wire.feedback import FeedbackRow
from tokenhub.wire.keys import ApiKey
from tokenhub.wire.observe import AttemptLog, Policy, RequestDetail
from tokenhub.wire.rewards import Reward
from tokenhub.wire.simulate import Simulation
from tokenhub_tui.state.cells import Cell, Column, Row
from tokenhub_tui.state.feed import FAILED, MARKS, RESCUED
from tokenhub_tui.state.reasons import reason, trouble
from tokenhub_tui.state.requests import TONES, outcome

MONEY = (
    Column(id="n", title="#", width=2),
    Column(id="route", title="route", width=16, most=40),
    Column(id="state", title="money", width=7),
    Column(id="in", title="in", width=6, right=True),
    Column(id="cached", title="cached", width=6, right=True, rank=3),
    Column(id="written", title="to cache", width=8, right=True, rank=4),
    Column(id="out", title="out", width=6, right=True),
    Column(id="reasoned", title="reason.", width=7, right=True, rank=5),
    Column(id="cost", title="cost", width=9, most=14, right=True),
    Column(id="note", title="", width=13, rank=1),
)
POLICY = (
    Column(id="field", title="field", width=12),
    Column(id="value", title="value", width=14, most=40),
    Column(id="origin", title="from", width=9, most=12),
)
JUDGED = (
    Column(id="score", title="score", width=5, right=True),
    Column(id="weight", title="weight", width=6, right=True),
    Column(id="source", title="by", width=8, most=16),
    Column(id="said", title="said", width=12, most=60),
    Column(id="when", title="when", width=19, rank=1),
)
_STATES = {"settled": "", "voided": "dim", "unknown": "warn"}


class Detail(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a request. `key` is None where it is gone, or may not be seen."""

    request: RequestDetail
    key: ApiKey | None = None
    feedback: Sequence[FeedbackRow] = ()
    rewards: Sequence[Reward] = ()
    first_ms: float = 0.0


def title(one: RequestDetail) -> str:
    """`↻ 200 after 1 fail-over · 912ms · $0.0011`."""
    state = outcome(one)
    status = f"{one.status_code}" if one.status_code else "no answer"
    if state == RESCUED:
        others = len(one.attempts) - 1
        status += f" after {others} fail-over{'s' if others > 1 else ''}"
    cost = "cost unknown" if one.estimated_cost_usd is None else money(one.estimated_cost_usd)
    took = milliseconds(one.latency_ms)
    return f"{MARKS[state]} {status} · {took} · {cost}"


def tone(one: RequestDetail) -> str:
    """The tone of the title."""
    return TONES[outcome(one)]


def facts(one: RequestDetail, first_ms: float = 0.0) -> Iterator[tuple[str, str, str]]:
    """What stands above all: a title, a text and its tone each."""
    yield "request", one.request_id, ""
    who = f"{one.provider_id}/{one.model_id}" if one.answered else "nobody"
    yield "answered", who, "good" if outcome(one) != FAILED else "bad"
    asked = one.requested_model or "any model"
    by = one.api_key_name or one.api_key_id or "nobody"
    yield "asked", f"{asked}, by {by}, {local(one.timestamp)}", ""
    if one.error_class:
        yield "error", trouble(one.error_class), "bad"
    elif one.reason:
        yield "why", reason(one.reason, len(one.decision.candidates) if one.decision else 0), ""
    took = f"{milliseconds(one.latency_ms)}, {milliseconds(one.overhead_ms)} of it in TokenHub"
    yield "took", f"{took}, first token after {milliseconds(first_ms)}" if first_ms else took, ""
    yield "tokens", _tokens(one), ""
    if one.task:
        yield "kind", f"{one.task.replace('_', ' ')}{', as a stream' if one.stream else ''}", ""
    if one.parent_id:
        yield "step of", one.parent_id, "key"


def _tokens(one: RequestDetail) -> str:
    real = f"{one.input_tokens:,} in, {one.output_tokens:,} out"
    if one.decision is None:
        return real
    expected = f"{one.decision.input_tokens:,} in, {one.decision.output_tokens:,} out"
    return f"{real}; expected {expected}"


# --- Attempts ---


def attempt_columns(bar: int) -> tuple[Column, ...]:
    """The columns, with `bar` cells for the time."""
    return (
        Column(id="n", title="#", width=2),
        Column(id="route", title="route", width=16, most=40),
        Column(id="status", title="st", width=3, right=True),
        Column(id="bar", title="time", width=bar),
        Column(id="ms", title="ms", width=7, right=True),
        Column(id="first", title="first", width=7, right=True, rank=2),
        Column(id="error", title="", width=10, most=30, rank=1),
    )


def attempt_rows(one: RequestDetail, bar: int, first_ms: float = 0.0) -> list[Row]:
    """A row for each attempt, with its time drawn in `bar` cells."""
    starts = begun(one)
    whole = max(one.latency_ms, *(a + t.latency_ms for a, t in zip(starts, one.attempts)), 1.0)  # noqa: B905 - begun gives one each
    return [
        _attempt(attempt, start, one, Scale(whole_ms=whole, cells=bar, first_ms=first_ms))
        for start, attempt in zip(starts, one.attempts, strict=True)
    ]


def begun(one: RequestDetail) -> list[float]:
    """When each attempt began, in milliseconds from the request's begin, as well as is known."""
    starts, clock = [], 0.0
    for attempt in one.attempts:
        starts.append(max(0.0, min(clock, one.latency_ms - attempt.latency_ms)))
        clock += attempt.latency_ms
    return starts


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """So many cells for so many milliseconds; `first_ms` is the wait for the first tokens."""

    whole_ms: float
    cells: int
    first_ms: float = 0.0

    def cell(self, at_ms: float) -> int:
        """The cell of a moment."""
        return round(max(0.0, min(1.0, at_ms / self.whole_ms)) * self.cells)


def _attempt(attempt: AttemptLog, start: float, one: RequestDetail, scale: Scale) -> Row:
    failed = attempt.error_class or attempt.status_code >= 400  # noqa: PLR2004 - RFC 9110
    last = attempt.attempt == one.attempts[-1].attempt
    first_ms = scale.first_ms if last and not failed else 0.0
    return Row(
        id=str(attempt.attempt),
        cells=(
            str(attempt.attempt),
            f"{attempt.provider_id}/{attempt.model_id}",
            Cell(str(attempt.status_code or "-"), "bad" if failed else "good"),
            Cell(waterfall(start, attempt.latency_ms, first_ms, scale), "bad" if failed else "key"),
            milliseconds(attempt.latency_ms),
            milliseconds(first_ms) if first_ms else "",
            Cell(trouble(attempt.error_class) if attempt.error_class else "", "bad"),
        ),
    )


def waterfall(start_ms: float, took_ms: float, first_ms: float, scale: Scale) -> str:
    """`···░░▓▓▓▓`: the wait before, light until the first tokens, full while they come."""
    begin = min(scale.cell(start_ms), scale.cells - 1)
    end = max(begin + 1, scale.cell(start_ms + took_ms))
    light = min(end, max(begin, scale.cell(first_ms))) if first_ms else begin
    return "·" * begin + "░" * (light - begin) + "▓" * (end - light)


# --- Policy ---


def policy_rows(policy: Policy) -> list[Row]:
    """Each field of the policy, and where it came from."""
    budget = "no limit" if policy.max_budget_usd is None else usd(policy.max_budget_usd)
    latency = milliseconds(policy.max_latency_ms) if policy.max_latency_ms else "no limit"
    told = {
        "mode": policy.mode,
        "max_budget_usd": budget,
        "max_latency_ms": latency,
        "min_weight": str(policy.min_weight),
    }
    if policy.weights is not None:
        parts = msgspec.structs.asdict(policy.weights)
        told["weights"] = " ".join(f"{name} {part:.2f}" for name, part in parts.items())
    if policy.worth is not None:
        told["worth"] = f"{policy.worth.usd:g} a dollar, {policy.worth.second:g} a second"
    return [
        _policy(field, value, policy.origin.get(field, "default")) for field, value in told.items()
    ]


_TITLES = {"max_budget_usd": "budget", "max_latency_ms": "latency", "min_weight": "min weight"}


def _policy(field: str, value: str, origin: str) -> Row:
    own = origin != "default"
    return Row(
        id=field,
        cells=(_TITLES.get(field, field), Cell(value, "head" if own else ""),
               Cell(origin, "key" if own else "dim")),
    )  # fmt: skip


# --- Money ---


def money_rows(one: RequestDetail) -> list[Row]:
    """What the ledger has of each attempt."""
    return [
        Row(
            id=str(attempt.attempt),
            cells=(
                str(attempt.attempt),
                f"{attempt.provider_id}/{attempt.model_id}",
                Cell(attempt.state, _STATES.get(attempt.state, "warn")),
                f"{attempt.input_tokens:,}",
                _count(attempt.cached_tokens),
                _count(attempt.cache_write_tokens),
                f"{attempt.output_tokens:,}",
                _count(attempt.reasoning_tokens),
                "no price" if attempt.cost_usd is None else money(attempt.cost_usd),
                Cell(_note(attempt), "warn" if attempt.state == "unknown" else "dim"),
            ),
        )
        for attempt in one.attempts
    ]


def _count(tokens: int | None) -> str:
    return "" if tokens is None else f"{tokens:,}"


def _note(attempt: AttemptLog) -> str:
    if attempt.state == "unknown":
        return "may be billed"
    if attempt.state == "voided":
        return "not charged"
    return "counted by us" if attempt.estimated else ""


def budget(detail: Detail) -> str:
    """What the request might cost, and what its key has spent."""
    one, key = detail.request, detail.key
    told = []
    if one.decision is not None and one.decision.policy.max_budget_usd is not None:
        told.append(f"budget of the request {usd(one.decision.policy.max_budget_usd)}")
    if key is None:
        told.append(f"key {one.api_key_name or one.api_key_id or 'none'}")
    elif key.monthly_budget_usd:
        spent = key.current_spend_usd or 0.0
        part = spent / key.monthly_budget_usd
        told.append(
            f"key {key.name} has spent {money(spent)} of {usd(key.monthly_budget_usd)} "
            f"this month ({part:.0%})"
        )
    else:
        told.append(f"key {key.name} has no budget")
    return " · ".join(told)


# --- What was said of it ---


def judged_rows(detail: Detail) -> list[Row]:
    """Feedback, and judgements that are no feedback."""
    said = {one.source for one in detail.feedback}
    return [
        *(
            _judged(f"f{place}", one, one.score, one.comment or one.label)
            for place, one in enumerate(detail.feedback)
        ),
        *(
            _judged(f"r{one.id}", one, one.reward, "")
            for one in detail.rewards
            if one.source not in said
        ),
    ]


def _judged(row_id: str, one: FeedbackRow | Reward, score: float, said: str) -> Row:
    when = Cell(local(one.timestamp), "dim")
    return Row(id=row_id, cells=(f"{score:.2f}", f"{one.weight:g}", one.source, said, when))


# --- Simulated ---

# What a simulation takes: the integers that JSON has everywhere.
_MOST_SEED = 2**53


def simulation(one: RequestDetail) -> Simulation:
    """The same request as a question to the router: its size, its policy, its key."""
    decision = one.decision
    if decision is None:
        return Simulation(
            token_count=one.input_tokens, model_hint=one.requested_model, api_key_id=one.api_key_id
        )
    policy = decision.policy
    return Simulation(
        mode=policy.mode,
        max_budget_usd=policy.max_budget_usd,
        max_latency_ms=round(policy.max_latency_ms) if policy.max_latency_ms else None,
        min_weight=policy.min_weight,
        weights=None if policy.weights is None else msgspec.structs.asdict(policy.weights),
        token_count=decision.input_tokens,
        max_tokens=decision.output_limit,
        model_hint=decision.hint,
        models=decision.fallbacks,
        substitute=decision.substitute or "any",
        seed=decision.seed if decision.seed < _MOST_SEED else 0,
        api_key_id=one.api_key_id,
    )
