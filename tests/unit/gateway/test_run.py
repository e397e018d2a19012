"""The bookkeeping of attempts: what each cost, and what is certain of it."""

import pytest
from msgspec.structs import replace

from tests.support.builders import a_catalog, a_key, a_model, an_ask, signals
from tokenhub.core.ask import Ask
from tokenhub.core.catalog import Catalog
from tokenhub.core.decide import decide
from tokenhub.core.failures import MAYBE_BILLED, Kind
from tokenhub.core.outcome import Usage
from tokenhub.core.policy import interpret
from tokenhub.gateway.run import GONE, HEDGE_LOST, Arrival, Caller, Run

BIG = a_model("big", "a", per_1k=(0.003, 0.006), weight=9)
SMALL = a_model("small", "b", per_1k=(0.001, 0.002), weight=2)


def a_run(ask: Ask, catalog: Catalog) -> Run:
    _, key = a_key()
    return Run(ask, caller=Caller(key, Arrival("req_1", 1.7e9, 1000.0)), catalog=catalog)


def decided(ask: Ask) -> Run:
    run = a_run(ask, a_catalog(BIG, SMALL))
    run.intent = interpret(ask, run.catalog.defaults)
    run.decision = decide(run.intent, run.catalog, signals(), 1)
    return run


def test_answer_is_charged_by_the_providers_own_count() -> None:
    run = decided(an_ask(input_tokens=1))
    route = run.catalog.by_route["a/big"]

    run.answered(route, Usage(1000, 500), output_tokens=7, latency_s=0.25)

    (attempt,) = run.attempts
    assert ("settled", 200, False) == (attempt.state, attempt.status, attempt.estimated)
    assert (1000, 500) == (attempt.input_tokens, attempt.output_tokens)
    assert 3_000_000 + 3_000_000 == attempt.cost_nusd
    assert 0.25 == run.upstream_s
    assert route is run.route


@pytest.mark.parametrize(
    ("usage", "tokens", "estimated"),
    [
        (None, (40, 7), True),
        (Usage(), (40, 7), True),
        (Usage(None, 3), (40, 3), True),
        (Usage(5, None), (5, 7), True),
        (Usage(0, 0), (40, 7), True),
        (Usage(0, 3), (40, 3), True),
        (Usage(5, 0), (5, 0), False),
    ],
)
def test_count_that_is_missing_or_cannot_be_is_estimated(
    usage: Usage | None,
    tokens: tuple[int, int],
    estimated: bool,  # noqa: FBT001 - a table's column
) -> None:
    run = decided(an_ask(input_tokens=40))

    run.answered(run.catalog.by_route["a/big"], usage, output_tokens=7, latency_s=0.1)

    attempt = run.attempts[0]
    assert tokens == (attempt.input_tokens, attempt.output_tokens)
    assert estimated is attempt.estimated


@pytest.mark.parametrize("kind", list(Kind))
def test_failed_attempt_is_charged_only_where_the_provider_may_have_worked(kind: Kind) -> None:
    run = decided(an_ask(input_tokens=1000, max_tokens=100))

    run.failed(run.catalog.by_route["b/small"], kind, status=500, latency_s=0.5)

    (attempt,) = run.attempts
    billed = kind in MAYBE_BILLED
    assert ("unknown" if billed else "voided") == attempt.state
    assert (1_000_000 + 200_000 if billed else 0) == attempt.cost_nusd
    assert (billed, str(kind)) == (attempt.estimated, attempt.kind)
    assert run.route is None


def test_failed_attempt_is_charged_what_its_route_usually_writes() -> None:
    """The estimate that let it pass the budget, however long the answer might have been."""
    ask = an_ask(input_tokens=1000, max_tokens=4000)
    run = a_run(ask, a_catalog(BIG, SMALL))
    run.intent = interpret(ask, run.catalog.defaults)
    known = signals({"b/small": (0.5, 0.0, 50)})
    run.decision = decide(run.intent, run.catalog, known, 1)
    route = run.catalog.by_route["b/small"]

    run.failed(route, HEDGE_LOST, status=0, latency_s=0.5)

    (attempt,) = run.attempts
    assert (50, 1_100_000) == (attempt.output_tokens, attempt.cost_nusd)
    assert run.expected_nusd(route) == attempt.cost_nusd


@pytest.mark.parametrize("task", ["count", "embeddings"])
def test_zero_of_what_is_no_chat_is_a_zero(task: str) -> None:
    run = decided(an_ask(input_tokens=40, task=task))

    run.answered(run.catalog.by_route["a/big"], Usage(0, 0), output_tokens=7, latency_s=0.1)

    attempt = run.attempts[0]
    assert (0, 0, 0) == (attempt.input_tokens, attempt.output_tokens, attempt.cost_nusd)
    assert not attempt.estimated


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (Usage(100, 50, 60, 20, 30), (60, 20, 30)),
        (Usage(1, 2, 0), (0, None, None)),
        (None, (None,) * 3),
    ],
)
def test_counts_within_the_counts_are_kept(
    usage: Usage | None, counts: tuple[int | None, ...]
) -> None:
    run = decided(an_ask())

    run.answered(run.catalog.by_route["a/big"], usage, output_tokens=7, latency_s=0.1)

    (attempt,) = run.attempts
    assert counts == (attempt.cached_tokens, attempt.cache_write_tokens, attempt.reasoning_tokens)


@pytest.mark.parametrize("kind", [*Kind, GONE])
def test_count_of_tokens_is_free_however_it_ends(kind: str) -> None:
    run = decided(an_ask(input_tokens=1000, task="count"))

    run.failed(run.catalog.by_route["b/small"], kind, status=0, latency_s=0.5)

    (attempt,) = run.attempts
    assert ("voided", 0, 0) == (attempt.state, attempt.input_tokens, attempt.cost_nusd)


def test_failure_before_the_policy_is_known_has_no_output() -> None:
    run = a_run(an_ask(input_tokens=1000), a_catalog(SMALL))

    run.failed(run.catalog.by_route["b/small"], Kind.LOST, status=0, latency_s=0.5)

    assert (1000, 0) == (run.attempts[0].input_tokens, run.attempts[0].output_tokens)


def test_unknown_price_gives_an_unknown_cost_but_nothing_done_costs_nothing() -> None:
    catalog = a_catalog(a_model("free", "a", per_1k=None))
    run = a_run(an_ask(input_tokens=1000), catalog)
    route = catalog.routes[0]

    run.failed(route, Kind.OVERLOADED, status=503, latency_s=0.1)
    run.failed(route, Kind.LOST, status=0, latency_s=0.1)

    assert [0, None] == [attempt.cost_nusd for attempt in run.attempts]


def test_attempts_are_numbered_and_their_times_add_up() -> None:
    run = decided(an_ask())
    route = run.catalog.by_route["a/big"]

    run.failed(route, Kind.OVERLOADED, status=503, latency_s=0.25)
    run.failed(route, "client_gone", status=0, latency_s=0.25)
    run.answered(route, None, output_tokens=0, latency_s=0.5, kind="lost")

    assert [1, 2, 3] == [attempt.number for attempt in run.attempts]
    assert ["overloaded", "client_gone", "lost"] == [attempt.kind for attempt in run.attempts]
    assert ["voided", "unknown", "settled"] == [attempt.state for attempt in run.attempts]
    assert 1.0 == run.upstream_s


def test_reason_is_empty_until_there_is_a_decision() -> None:
    assert "" == a_run(an_ask(), a_catalog(BIG)).reason


def test_reason_is_the_decisions_while_its_first_route_answers() -> None:
    run = decided(an_ask(model="big"))

    assert "routed-hint-exact" == run.reason

    run.route = run.catalog.by_route["a/big"]
    assert "routed-hint-exact" == run.reason


def test_reason_names_the_weight_of_the_route_that_stepped_in() -> None:
    run = decided(an_ask(model="big"))

    run.route = run.catalog.by_route["b/small"]

    assert "routed-weight-2" == run.reason


def test_reason_of_a_stream_that_stepped_in() -> None:
    run = decided(an_ask(model="big", stream=True))

    run.route = run.catalog.by_route["b/small"]

    assert "stream-fallback" == run.reason


@pytest.mark.parametrize("kind", [GONE, HEDGE_LOST])
def test_attempt_that_nobody_waited_for_is_charged_at_the_estimate(kind: str) -> None:
    run = decided(an_ask(input_tokens=1000, max_tokens=100))

    run.failed(run.catalog.by_route["b/small"], kind, status=0, latency_s=0.5, passed_s=0.25)

    (attempt,) = run.attempts
    assert ("unknown", 1_200_000) == (attempt.state, attempt.cost_nusd)
    assert (0.5, 0.25) == (attempt.latency_s, run.upstream_s)


@pytest.mark.parametrize(
    ("budget_nusd", "alone", "beside"),
    [(None, True, True), (1_200_000, True, False), (4_800_000, True, True), (1, False, False)],
)
def test_budget_counts_what_is_under_way(
    budget_nusd: int | None,
    alone: bool,  # noqa: FBT001 - a table's column
    beside: bool,  # noqa: FBT001 - a table's column
) -> None:
    run = decided(an_ask(input_tokens=1000, max_tokens=100))
    assert run.intent is not None
    policy = replace(run.intent.policy, max_budget_nusd=budget_nusd)
    run.intent = replace(run.intent, policy=policy)
    small, big = run.catalog.by_route["b/small"], run.catalog.by_route["a/big"]

    assert (alone, beside) == (run.affords(small), run.affords(small, beside=big))


def test_reason_tells_how_the_answer_came() -> None:
    run = decided(an_ask(model="big"))
    run.route = run.catalog.by_route["a/big"]

    run.how = "retried-transient"

    assert "retried-transient" == run.reason
