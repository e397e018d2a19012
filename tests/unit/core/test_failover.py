"""What is tried after a failure, driven by values; no sequence of failures runs for ever."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.builders import a_catalog, a_model, a_provider, a_route
from tokenhub.core.catalog import Route
from tokenhub.core.failover import MAX_ATTEMPTS, Failover, GiveUp, Try
from tokenhub.core.failures import Kind

MODELS = [
    a_model(model, provider, max_context_tokens=size)
    for provider in "abc"
    for model, size in (("small", 4_000), ("large", 128_000), ("unsized", 0))
]
ROUTES = a_catalog(*MODELS).by_route

rankings = st.lists(st.sampled_from(sorted(ROUTES)), min_size=1, max_size=9, unique=True)
kinds = st.lists(st.sampled_from(Kind), min_size=12, max_size=12)
OUT = (Kind.CREDENTIAL, Kind.EXHAUSTED)
AGAIN = (Kind.UNREACHABLE, Kind.LOST)


def ranked(*names: str) -> list[Route]:
    return [ROUTES[name] for name in names]


def driven(
    names: Sequence[str], failures: Sequence[Kind], *, max_attempts: int = MAX_ATTEMPTS
) -> tuple[list[str], GiveUp]:
    """The routes in the order in which they were tried, and the end."""
    failover = Failover(ranked(*names), max_attempts=max_attempts)
    tried: list[str] = []
    for kind in failures:
        step = failover.next()
        if isinstance(step, GiveUp):
            return tried, step
        tried.append(step.route.id)
        failover.failed(kind)
    step = failover.next()
    assert isinstance(step, GiveUp)
    return tried, step


def test_best_route_is_tried_first() -> None:
    failover = Failover(ranked("a/small", "b/small"))

    assert Try(ROUTES["a/small"]) == failover.next()


def test_only_route_is_the_last() -> None:
    assert Try(ROUTES["a/small"], last=True) == Failover(ranked("a/small")).next()


def test_transient_failure_moves_to_another_provider_of_the_same_model() -> None:
    names = ["a/small", "b/large", "c/small", "a/large"]

    tried, end = driven(names, [Kind.OVERLOADED] * 4)

    assert ["a/small", "c/small", "b/large", "a/large"] == tried
    assert GiveUp(Kind.OVERLOADED, "attempts") == end


def test_clients_mistake_ends_it_at_once() -> None:
    tried, end = driven(["a/small", "b/small"], [Kind.CLIENT])

    assert ["a/small"] == tried
    assert GiveUp(Kind.CLIENT, "client") == end


@pytest.mark.parametrize("kind", OUT)
def test_bad_credential_takes_the_whole_provider_out(kind: Kind) -> None:
    tried, end = driven(["a/small", "a/large", "b/small"], [kind, Kind.OVERLOADED])

    assert ["a/small", "b/small"] == tried
    assert GiveUp(Kind.OVERLOADED, "routes") == end


def test_prompt_too_long_goes_to_the_smallest_larger_model_once() -> None:
    names = ["a/small", "b/small", "b/unsized", "a/large", "b/large"]

    tried, end = driven(names, [Kind.CONTEXT, Kind.CONTEXT])

    assert ["a/small", "a/large"] == tried
    assert GiveUp(Kind.CONTEXT, "routes") == end


def test_prompt_too_long_for_a_model_of_unknown_size_has_nowhere_larger_to_go() -> None:
    tried, end = driven(["a/unsized", "b/large"], [Kind.CONTEXT])

    assert ["a/unsized"] == tried
    assert GiveUp(Kind.CONTEXT, "routes") == end


@pytest.mark.parametrize("kind", AGAIN)
def test_broken_connection_is_tried_once_more_when_nobody_else_is_left(kind: Kind) -> None:
    tried, end = driven(["a/small"], [kind, kind])

    assert ["a/small", "a/small"] == tried
    assert GiveUp(kind, "routes") == end


@pytest.mark.parametrize("kind", sorted(set(Kind) - {*AGAIN, Kind.CLIENT}))
def test_no_other_failure_is_repeated(kind: Kind) -> None:
    tried, end = driven(["a/small"], [kind])

    assert ["a/small"] == tried
    assert GiveUp(kind, "routes") == end


def test_attempts_are_bounded() -> None:
    tried, end = driven(sorted(ROUTES), [Kind.OVERLOADED] * 9, max_attempts=2)

    assert 2 == len(tried)
    assert GiveUp(Kind.OVERLOADED, "attempts") == end


def test_last_attempt_says_so() -> None:
    failover = Failover(ranked("a/small", "b/small", "c/small"), max_attempts=2)
    failover.next()
    failover.failed(Kind.TIMEOUT)

    assert Try(ROUTES["b/small"], last=True) == failover.next()


def test_failure_without_an_attempt_changes_nothing() -> None:
    failover = Failover(ranked("a/small"))

    failover.failed(Kind.CLIENT)

    assert Try(ROUTES["a/small"], last=True) == failover.next()


def test_nothing_to_try_ends_at_once() -> None:
    assert GiveUp(None, "routes") == Failover([]).next()


def test_routes_that_are_all_passed_over_end_it() -> None:
    failover = Failover([a_route("m", "a"), a_route("m", "b")])
    for _ in range(2):
        assert isinstance(failover.next(), Try)
        failover.passed_over()

    assert GiveUp(None, "routes") == failover.next()


@pytest.mark.parametrize(
    ("names", "failures", "told"),
    [
        (["a/small", "b/small"], [Kind.OVERLOADED, Kind.LOST], Kind.LOST),
        (["a/small", "b/small"], [Kind.OVERLOADED, Kind.UNSUPPORTED], Kind.OVERLOADED),
        (["a/small", "b/small"], [Kind.UNSUPPORTED, Kind.OVERLOADED], Kind.OVERLOADED),
        (["a/small", "b/small"], [Kind.UNSUPPORTED, Kind.UNSUPPORTED], Kind.UNSUPPORTED),
        (["a/small", "b/small"], [Kind.THROTTLED, Kind.CLIENT], Kind.CLIENT),
        (["a/small", "b/small"], [Kind.OVERLOADED, Kind.CONTEXT], Kind.CONTEXT),
        (["a/large", "b/small"], [Kind.OVERLOADED, Kind.CONTEXT], Kind.OVERLOADED),
        (["a/large", "b/small"], [Kind.UNSUPPORTED, Kind.CONTEXT], Kind.CONTEXT),
        (["a/small", "b/large"], [Kind.CONTEXT, Kind.OVERLOADED], Kind.OVERLOADED),
    ],
)
def test_failure_that_says_most_is_told(names: list[str], failures: list[Kind], told: Kind) -> None:
    failover = Failover(ranked(*names))

    last = None
    for kind in failures:
        failover.next()
        last = kind if failover.failed(kind) else last

    assert told is last


def test_first_of_those_who_do_not_know_the_model_is_told() -> None:
    failover = Failover(ranked("a/small", "b/small"))
    failover.next()

    first = failover.failed(Kind.MISSING)
    failover.next()

    assert (True, False) == (first, failover.failed(Kind.MISSING))


@given(rankings, kinds)
def test_first_failure_is_told_until_another_is(names: list[str], failures: list[Kind]) -> None:
    failover = Failover(ranked(*names))
    failover.next()

    assert failover.failed(failures[0])


@given(rankings, kinds, st.integers(1, 6))
def test_every_sequence_of_failures_ends_within_the_attempts(
    names: list[str], failures: list[Kind], most: int
) -> None:
    tried, end = driven(names, failures, max_attempts=most)

    assert 1 <= len(tried) <= most
    assert failures[len(tried) - 1] is end.kind
    assert names[0] == tried[0]
    assert set(tried) <= set(names)


@given(rankings, kinds)
def test_no_route_is_tried_twice_but_for_one_repeat_of_a_broken_connection(
    names: list[str], failures: list[Kind]
) -> None:
    tried, _ = driven(names, failures, max_attempts=12)

    repeats = [place for place, name in enumerate(tried) if name in tried[:place]]
    assert len(repeats) <= 1
    for place in repeats:
        assert tried[place - 1] == tried[place]
        assert failures[place - 1] in AGAIN


@given(rankings, kinds)
def test_provider_without_a_good_credential_is_never_asked_again(
    names: list[str], failures: list[Kind]
) -> None:
    tried, _ = driven(names, failures, max_attempts=12)

    for place, name in enumerate(tried):
        if failures[place] in OUT:
            gone = ROUTES[name].provider.id
            assert gone not in {ROUTES[later].provider.id for later in tried[place + 1 :]}


@given(rankings, kinds)
def test_prompt_too_long_leads_only_to_larger_models_and_only_once(
    names: list[str], failures: list[Kind]
) -> None:
    tried, _ = driven(names, failures, max_attempts=12)

    overflows = [place for place in range(len(tried)) if failures[place] is Kind.CONTEXT]
    assert len(overflows) <= 2
    for place in overflows:
        size = ROUTES[tried[place]].model.max_context_tokens
        sizes = [ROUTES[name].model.max_context_tokens for name in tried[place + 1 :]]
        assert all(later > size > 0 for later in sizes)
    if len(overflows) == 2:
        assert len(tried) - 1 == overflows[1]


@given(rankings, kinds)
def test_clients_mistake_is_never_replayed(names: list[str], failures: list[Kind]) -> None:
    tried, _ = driven(names, failures, max_attempts=12)

    assert Kind.CLIENT not in failures[: len(tried) - 1]


@given(rankings, kinds)
def test_provider_in_trouble_waits_until_the_others_have_been_asked(
    names: list[str], failures: list[Kind]
) -> None:
    moving = [kind for kind in failures if kind not in {*OUT, Kind.CONTEXT, Kind.CLIENT}]
    tried, _ = driven(names, [*moving, *[Kind.BROKEN] * 12], max_attempts=12)

    providers = [ROUTES[name].provider.id for name in tried]
    everybody = {ROUTES[name].provider.id for name in names}
    assert everybody == set(providers[: len(everybody)])


def test_provider_with_several_endpoints_is_asked_at_each_before_anybody_else() -> None:
    provider = a_provider("local", type="vllm", endpoints=("http://a.test", "http://b.test"))
    local = Route(id="local/gpt", model=a_model("gpt", "local"), provider=provider)
    other = a_route("gpt", "other")
    failover = Failover((local, other))

    tried = []
    while isinstance(step := failover.next(), Try):
        tried.append(step.route.id)
        failover.failed(Kind.OVERLOADED)

    assert ["local/gpt", "local/gpt", "other/gpt"] == tried


def test_route_that_was_passed_over_is_no_attempt() -> None:
    failover = Failover([a_route("gpt", str(n)) for n in range(3)], max_attempts=2)
    failover.next()
    failover.failed(Kind.OVERLOADED)

    passed = failover.next()
    failover.passed_over()
    made = failover.next()

    assert isinstance(passed, Try)
    assert isinstance(made, Try)
    assert passed.route is not made.route
