"""F17 and F18: errors of the provider's, and errors that it finds in the request."""

import pytest

from tests.faults.harness import FORMATS, LARGER, MODEL, calls, kinds
from tests.faults.table import LONG
from tokenhub.sim.fault import Fault

pytestmark = pytest.mark.anyio

ASKED = 200 if LONG else 40
MOST = 1.25
BUSY = [500, 502, 503, 504, 408, 529]
MINE = [400, 413, 422]


@pytest.mark.parametrize("status", BUSY)
async def test_f17_another_provider_answers_at_few_more_calls(bench, sim, second, figure, status):
    await bench.both(sim, second)
    sim.next(*[Fault.status(status)] * ASKED)
    wish = bench.at("one")

    acks = [await bench.ask(model=wish, stream=bool(number % 2)) for number in range(ASKED)]

    times = calls(sim, second) / ASKED
    figure("F17", f"{status}: calls a request", times)
    assert [200] * ASKED == [ack.status for ack in acks]
    assert times <= MOST


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("speech", "vendor"), [(a, b) for a in FORMATS for b in FORMATS])
@pytest.mark.parametrize("status", MINE)
async def test_f18_the_caller_is_told_after_one_call(  # noqa: PLR0917 - a table of cases
    bench, sim, second, figure, status, speech, vendor, stream
):
    """413 is a prompt that no other model of this size can take either."""
    await bench.both(sim, second, type=vendor)
    sim.next(*[Fault.status(status, message="so it is wrong")] * 4)

    ack = await bench.ask(speech=speech, stream=stream)

    row = await bench.row(ack)
    figure("F18", f"{status}: calls", calls(sim, second))
    assert 1 == calls(sim, second)
    assert (400 if status == 413 else status) == ack.status
    assert ["context" if status == 413 else "client"] == kinds(row)
    assert ("error" == ack.answer.json().get("type")) == (speech == "anthropic")
    assert ["voided"] == [attempt["state"] for attempt in row["attempts"]]


async def test_f18_a_413_goes_to_one_larger_model_and_no_further(bench, sim, second, figure):
    small = {"max_context_tokens": 8_000}
    large = {"max_context_tokens": 64_000}
    await bench.provider("one", sim, weight=10, fields=small)
    await bench.provider("two", second, models=[LARGER], weight=1, fields=large)
    sim.next(*[Fault.status(413)] * 4)
    second.next(Fault.none(), *[Fault.status(413)] * 4)

    acks = [await bench.ask(stream=stream) for stream in (False, True)]

    figure("F18", "413, a larger model is there: calls", calls(sim, second) / 2)
    assert [200, 400] == [ack.status for ack in acks]
    assert (2, 2) == (calls(sim), calls(second))


async def test_f18_a_model_that_one_does_not_know_another_may(bench, sim, second, figure):
    """A 404 is about the route: whoever does not know the model is passed over."""
    await bench.both(sim, second)
    sim.next(Fault.status(404))

    ack = await bench.ask()

    figure("F18", "404, known elsewhere: calls", calls(sim, second))
    assert ("two", ["missing", ""]) == (ack.provider, kinds(await bench.row(ack)))


@pytest.mark.parametrize("speech", FORMATS)
async def test_f18_a_model_that_nobody_knows_is_told_in_the_providers_words(bench, sim, speech):
    await bench.provider("one", sim, models=[MODEL])
    sim.next(*[Fault.status(404, code="model_not_found", message="no such model")] * 4)

    ack = await bench.ask(speech=speech)

    assert (404, 1) == (ack.status, calls(sim))
    assert "no such model" in ack.answer.text
