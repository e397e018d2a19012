"""Which failure is told after several, what a count costs, and what an answer is taken to be."""

import threading

import pytest

from tests.support.builders import a_body, an_ask
from tests.unit.gateway.house import PATIENCE_S, House, settled, whole
from tokenhub.core.ask import Ask, Wish
from tokenhub.core.errors import BadRequest, ProviderFailed, ProviderRefused
from tokenhub.core.failures import CODES, Kind
from tokenhub.core.idempotency import ending
from tokenhub.core.outcome import Usage
from tokenhub.dialects.anthropic.ask import to_count
from tokenhub.gateway.dispatch import LONG_CHARS
from tokenhub.gateway.signals import COUNT
from tokenhub.ports.provider import UpstreamError
from tokenhub.web.errors import ANTHROPIC, render, status_of

pytestmark = pytest.mark.anyio

UNSAID = UpstreamError(
    Kind.UNSUPPORTED,
    status=400,
    message="cannot carry sound",
    code="unsupported_content",
    field="messages[0]",
)
OVERLOADED = UpstreamError(Kind.OVERLOADED, status=503)
TIMED_OUT = UpstreamError(Kind.TIMEOUT)
NO_MODEL = UpstreamError(
    Kind.CLIENT, status=404, message="no model big", code="model_not_found", field="model"
)
NO_OTHER = UpstreamError(Kind.CLIENT, status=404, message="no model small", code="not_found")
SCHEMA = '{"type":"array"}'


async def told(house, ask=None):
    with pytest.raises((BadRequest, ProviderFailed)) as caught:
        await house.complete(ask or an_ask())
    return caught.value


def a_count(**changes) -> Ask:
    return an_ask(task="count", dialect=COUNT, input_tokens=10_000, **changes)


# --- which failure is told


@pytest.mark.parametrize(
    "ends", [(OVERLOADED, UNSAID, OVERLOADED), (UNSAID, OVERLOADED, OVERLOADED)]
)
async def test_what_passes_is_not_hidden_by_a_route_that_cannot_carry_it(ends) -> None:
    house = House(*ends)

    error = await told(house)

    assert (503, "upstream_overloaded") == (status_of(error), error.code)
    assert 3 == len(error.attempts)


async def test_request_that_no_route_can_carry_is_told_in_our_words_and_not_kept() -> None:
    house = House(UNSAID, UNSAID)

    error = await told(house)

    assert ("cannot carry sound", "unsupported_content") == (str(error), error.code)
    assert "messages[0]" == error.field
    assert ending(400, (await house.outcome()).attempts) is None


@pytest.mark.parametrize("substitute", ["any", "never", "same-model"])
async def test_model_that_the_caller_named_and_nobody_knows_is_the_providers_404(
    substitute: str,
) -> None:
    house = House(NO_MODEL, NO_OTHER)

    error = await told(house, an_ask(model="big", substitute=substitute))

    assert isinstance(error, ProviderRefused)
    assert (404, "no model big") == (status_of(error), str(error))
    assert ("model_not_found", "model") == (error.code, error.field)


async def test_model_that_one_provider_does_not_know_is_asked_for_elsewhere() -> None:
    house = House(NO_MODEL, whole())

    answered = await house.complete(an_ask(model="big"))

    assert ["missing", ""] == [attempt.kind for attempt in answered.outcome.attempts]


@pytest.mark.parametrize(
    ("model", "ends", "code"),
    [
        ("", (NO_MODEL, NO_OTHER), "upstream_not_found"),
        ("big", (TIMED_OUT, NO_OTHER), "upstream_not_found"),
        ("big", (UNSAID, NO_OTHER), "upstream_not_found"),
        ("big", (NO_MODEL, TIMED_OUT), "upstream_timeout"),
    ],
)
async def test_model_that_the_caller_did_not_name_is_no_404_of_theirs(model, ends, code) -> None:
    error = await told(House(*ends), an_ask(model=model))

    assert code == error.code
    assert "no model" not in str(error)


async def test_log_has_no_word_of_a_provider() -> None:
    refused = UpstreamError(Kind.CLIENT, status=400, message="my secret", code="my_secret")
    house = House(refused)

    error = await told(house)

    assert "my_secret" == error.code
    assert (400, "upstream_refused") == (
        (await house.outcome()).status,
        (await house.outcome()).error_class,
    )


# --- counting


@pytest.mark.parametrize("model", ["", "big"])
async def test_count_that_comes_to_nothing_is_free_and_says_nothing_of_the_routes(model) -> None:
    house = House(*[UpstreamError(Kind.TIMEOUT)] * 2)
    house.straw.took_s = PATIENCE_S

    answered = await house.complete(a_count(model=model))

    await settled()
    assert b"" == answered.body
    assert {"voided"} == {attempt.state for attempt in answered.outcome.attempts}
    assert (0, 0) == (answered.outcome.cost_nusd, answered.outcome.input_tokens)
    assert 0.0 == house.signal("a/big").failure_rate


async def test_count_of_the_route_is_logged_under_its_name_and_learned_nothing_from() -> None:
    """The name that the dialect gives is the one that the signals leave out."""
    house = House(whole(b'{"input_tokens":7}', Usage(0, 0)))
    ask = to_count(a_body("hi", model="big"))

    answered = await house.complete(ask)

    await settled()
    assert COUNT == answered.outcome.dialect
    assert 0 == answered.outcome.cost_nusd
    assert house.signal("a/big").latency_s is None


async def test_mistake_in_a_count_is_told() -> None:
    refused = UpstreamError(Kind.CLIENT, status=400, message="no such block", code="bad")

    error = await told(House(refused), a_count())

    assert ("no such block", 1) == (str(error), len(error.attempts))


# --- what an answer is taken to be


async def test_estimate_of_several_answers_is_not_cut_to_one() -> None:
    house = House(whole(b"x" * 4000))

    answered = await house.complete(
        an_ask(max_tokens=100, answers=5, wish=Wish(max_budget_nusd=10**10))
    )

    assert 500 == answered.outcome.output_tokens


async def test_embeddings_without_usage_cost_what_the_prompt_costs() -> None:
    house = House(whole(b"x" * 4000))

    answered = await house.complete(an_ask(task="embeddings", input_tokens=30))

    assert (30, 0) == (answered.outcome.input_tokens, answered.outcome.output_tokens)


@pytest.mark.parametrize(("size", "beside"), [(10, False), (LONG_CHARS, True)])
async def test_long_text_is_checked_beside_the_loop(size: int, beside) -> None:
    text = '["' + "x" * size + '"]'
    house = House(whole(text.encode(), Usage(1, 1), text=text))
    threads = []

    def complaint(schema, text):
        threads.append(threading.get_ident())

    house.dispatch._complaint = complaint

    await house.complete(an_ask(schema=SCHEMA))

    assert [beside] == [threading.get_ident() != thread for thread in threads]


async def test_second_try_at_a_schema_counts_for_the_health_of_its_route() -> None:
    house = House(whole(b"{}", text="{}"), OVERLOADED, whole(b"{}", text="{}"), whole(text="[]"))

    with pytest.raises(ProviderFailed):
        await house.complete(an_ask(schema=SCHEMA))
    failed = house.board.known()["a/big"]
    await house.gateway.complete(house.admit(an_ask(schema=SCHEMA), number=2))
    mended = house.board.known()["a/big"]

    assert (2, 1) == (failed.calls, failed.errors)
    assert (4, 1) == (mended.calls, mended.errors)


async def test_fault_of_ours_in_the_second_try_at_a_schema_is_charged() -> None:
    house = House(whole(b"{}", text="{}"), ValueError("a mistake of ours"))

    with pytest.raises(ValueError, match="ours"):
        await house.complete(an_ask(schema=SCHEMA))

    ends = [(attempt.kind, attempt.state) for attempt in (await house.outcome()).attempts]
    assert [("", "settled"), ("internal_error", "unknown")] == ends


# --- broken off in the middle


@pytest.mark.parametrize("kind", list(Kind))
async def test_every_class_of_failure_ends_a_stream_with_an_error_of_ours(kind: Kind) -> None:
    house = House(b"", b"one", UpstreamError(kind, message="their words"))
    streaming = await house.stream(an_ask(stream=True))
    await streaming.next()

    with pytest.raises(ProviderFailed) as caught:
        await streaming.next()

    mistaken = kind in {Kind.CLIENT, Kind.CONTEXT, Kind.UNSUPPORTED}
    known = Kind.BROKEN if mistaken else kind
    assert CODES.get(known, "upstream_timeout") == caught.value.code
    assert [str(known)] == [attempt.kind for attempt in caught.value.attempts]
    assert "their words" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (Kind.OVERLOADED, b'"overloaded_error"'),
        (Kind.THROTTLED, b'"rate_limit_error"'),
        (Kind.TIMEOUT, b'"timeout_error"'),
        (Kind.LOST, b'"api_error"'),
    ],
)
async def test_class_of_a_break_has_its_name_in_anthropics_format(kind: Kind, name: bytes) -> None:
    house = House(b"", UpstreamError(kind))
    streaming = await house.stream(an_ask(stream=True))

    with pytest.raises(ProviderFailed) as caught:
        await streaming.next()

    assert name in render(caught.value, dialect=ANTHROPIC, request_id="req_1")[2]
