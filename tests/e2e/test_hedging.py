"""Second requests over real connections: who answers, what the other leg costs, who hangs up.

One server for all tests here, taught once that provider `one` is slow now and then: beside what
takes longer than LEAST_S provider `two` is asked.
"""

import asyncio
import json
from collections import Counter

import pytest
from msgspec.structs import replace

from tests.e2e.conftest import PROFILE
from tests.support.server import running
from tokenhub.sim.app import Sim
from tokenhub.sim.fault import Fault
from tokenhub.sim.profile import Constant, Latency

pytestmark = pytest.mark.anyio

LEAST_S = 0.06
LATE_S = 0.2
# Longer than any test waits: whoever is so slow is let go.
NEVER_S = 20.0
TAUGHT, AT_ONCE, SLOW_EACH = 96, 32, 12
PATHS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}
WAYS = [(speech, stream) for speech in PATHS for stream in (False, True)]
BODY = {"model": "one/gpt", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 40}
HEDGED = "hedged-dispatch"


@pytest.fixture(scope="module")
def anyio_backend():
    return ("asyncio", {"use_uvloop": True})


class Races:
    """The server, its two providers, and a caller."""

    def __init__(self, hub, key, one, two):
        self.hub = hub
        self.key = key
        self.one = one
        self.two = two

    async def ask(self, way=("openai", False), **fields):
        speech, stream = way
        body = BODY | {"stream": stream} | fields
        return await self.send(PATHS[speech], body)

    async def send(self, path, body, **headers):
        return await self.hub.http.post(path, json=body, headers={"x-api-key": self.key, **headers})

    async def teach(self, *, stream):
        """Let every twelfth call be slow, on both kinds of calls that are learned apart."""
        faults = [Fault.slow(LATE_S)] + [Fault.none()] * (SLOW_EACH - 1)
        self.one.next(*faults * (TAUGHT // SLOW_EACH))
        for _ in range(TAUGHT // AT_ONCE):
            await asyncio.gather(*(self.ask(("openai", stream)) for _ in range(AT_ONCE)))


@pytest.fixture(scope="module")
async def taught(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hedging")
    variables = {"HEDGE_AFTER_MS": f"{1000 * LEAST_S:.0f}", "HEDGE_MAX_EXTRA_PERCENT": "100"}
    async with running(folder, **variables) as hub, Sim(PROFILE) as one, Sim(PROFILE) as two:
        await hub.provider("one", one, models=["gpt"])
        await hub.provider("two", two, models=["gpt"])
        found = Races(hub, await hub.key(), one, two)
        await found.teach(stream=False)
        await found.teach(stream=True)
        yield found


@pytest.fixture
async def races(taught):
    """As if nothing had happened since it was taught."""
    for name, sim in (("one", taught.one), ("two", taught.two)):
        await taught.hub.forget(name)
        sim.profile = PROFILE
        sim.requests.clear()
        sim.hangups = 0
    return taught


def late(seconds):
    return replace(PROFILE, latency=Latency(first_token_s=Constant(value=seconds)))


def legs(row):
    return [(leg["provider_id"], leg["error_class"], leg["state"]) for leg in row["attempts"]]


def told(answer):
    headers = answer.headers
    return (
        answer.status_code,
        headers["x-tokenhub-provider"],
        headers["x-tokenhub-reason"],
        headers["x-tokenhub-attempts"],
    )


def texts(answer, way):
    """What the answer says, whole or in pieces."""
    speech, stream = way
    if not stream:
        body = answer.json()
        return (
            body["choices"][0]["message"]["content"]
            if speech == "openai"
            else body["content"][0]["text"]
        )
    lines = [line[6:] for line in answer.text.splitlines() if line.startswith("data: {")]
    said = ""
    for event in map(json.loads, lines):
        if speech == "openai":
            said += "".join(one["delta"].get("content") or "" for one in event["choices"])
        else:
            said += event.get("delta", {}).get("text", "")
    return said


def charged(row):
    """Whether the row's cost is the sum of its attempts, each of which costs something."""
    costs = [leg["cost_usd"] for leg in row["attempts"]]
    return all(cost > 0 for cost in costs) and abs(sum(costs) - row["estimated_cost_usd"]) < 1e-12


@pytest.mark.parametrize("way", WAYS, ids=["openai", "openai-sse", "anthropic", "anthropic-sse"])
async def test_second_provider_answers_for_a_slow_first(races, way):
    """The answer is its own and whole; the loser is hung up on, and charged at the estimate."""
    races.one.next(Fault.slow(NEVER_S))
    races.two.say("Answered ", "by ", "two")

    answer = await races.ask(way)

    async with asyncio.timeout(2):
        await races.one.abandoned(1)
    row = await races.hub.log(answer)
    assert (200, "two", HEDGED, "2") == told(answer)
    assert "Answered by two" == texts(answer, way)
    assert [("one", "hedge_lost", "unknown"), ("two", "", "settled")] == legs(row)
    assert ("two", HEDGED, 200) == (row["provider_id"], row["reason"], row["status_code"])
    assert charged(row)
    assert (1, 1, 0) == (len(races.one.requests), len(races.two.requests), races.two.hangups)


@pytest.mark.parametrize("stream", [False, True])
async def test_first_provider_may_win_after_all(races, stream):
    races.one.next(Fault.slow(LATE_S))
    races.two.next(Fault.slow(NEVER_S))

    answer = await races.ask(("openai", stream))

    async with asyncio.timeout(2):
        await races.two.abandoned(1)
    row = await races.hub.log(answer)
    assert (200, "one", "2") == (*told(answer)[:2], told(answer)[3])
    assert HEDGED != row["reason"]
    assert [("two", "hedge_lost", "unknown"), ("one", "", "settled")] == legs(row)
    assert charged(row)


async def test_loser_that_sends_without_beginning_is_no_answer(races):
    """Comments are bytes, and no piece of an answer: they end no race."""
    races.one.next(Fault.endless("comment", gap_s=0.01))
    races.two.say("Answered ", "by ", "two")

    answer = await races.ask(("openai", True))

    async with asyncio.timeout(2):
        await races.one.abandoned(1)
    assert (200, "two", HEDGED, "2") == told(answer)
    assert "Answered by two" == texts(answer, ("openai", True))
    assert [("one", "hedge_lost", "unknown"), ("two", "", "settled")] == legs(
        await races.hub.log(answer)
    )


async def test_stream_that_won_and_breaks_off_is_not_asked_again(races):
    """After its first byte there is no other leg, nor any other try."""
    races.one.next(Fault.slow(NEVER_S))
    races.two.next(Fault.cut("reset", after=2))

    answer = await races.ask(("openai", True))

    assert 200 == answer.status_code
    assert "[DONE]" not in answer.text
    assert [("one", "hedge_lost", "unknown"), ("two", "lost", "settled")] == legs(
        await races.hub.log(answer)
    )
    assert (1, 1) == (len(races.one.requests), len(races.two.requests))


async def test_first_that_fails_leaves_the_race_to_the_second(races):
    races.one.profile = late(LATE_S)
    races.one.next(Fault.cut("closed"))
    races.two.next(Fault.slow(2 * LATE_S))

    answer = await races.ask()

    assert (200, "two", HEDGED, "2") == told(answer)
    assert [("one", "lost", "unknown"), ("two", "", "settled")] == legs(await races.hub.log(answer))


async def test_second_that_fails_leaves_the_race_to_the_first(races):
    races.one.next(Fault.slow(LATE_S))
    races.two.next(Fault.status(503))

    answer = await races.ask()

    row = await races.hub.log(answer)
    assert (200, "one", "2") == (*told(answer)[:2], told(answer)[3])
    assert [("two", "overloaded", "voided"), ("one", "", "settled")] == legs(row)
    assert 0 == races.one.hangups


async def test_clients_mistake_ends_the_race(races):
    """What one provider blames on the caller is told at once, and the other is let go."""
    races.one.next(Fault.slow(NEVER_S))
    races.two.next(Fault.status(400, message="no such parameter"))

    answer = await races.ask()

    async with asyncio.timeout(2):
        await races.one.abandoned(1)
    row = await races.hub.log(answer)
    assert (400, 400) == (answer.status_code, row["status_code"])
    assert [("two", "client", "voided"), ("one", "hedge_lost", "unknown")] == legs(row)


@pytest.mark.parametrize("stream", [False, True])
async def test_caller_who_leaves_ends_and_pays_both(races, stream):
    before = (await races.hub.logs(limit=1))[0]["request_id"]
    races.one.next(Fault.slow(NEVER_S))
    races.two.next(Fault.slow(NEVER_S))
    asking = asyncio.ensure_future(races.ask(("openai", stream)))
    async with asyncio.timeout(2):
        await races.two.arrived(1)

    asking.cancel()

    async with asyncio.timeout(2):
        await races.one.abandoned(1)
        await races.two.abandoned(1)
        while (row := (await races.hub.logs(limit=1))[0])["request_id"] == before:
            pass
    assert ("client_gone", 499) == (row["error_class"], row["status_code"])
    gone = [("one", "client_gone", "unknown"), ("two", "client_gone", "unknown")]
    assert gone == legs(row)
    assert charged(row)


async def test_idempotent_request_is_raced_once_for_all_who_ask(races):
    races.one.next(Fault.slow(NEVER_S))
    races.two.say("Once")
    once = {"idempotency-key": "a race"}

    answers = await asyncio.gather(*(races.send(PATHS["openai"], BODY, **once) for _ in range(5)))

    assert {200} == {answer.status_code for answer in answers}
    assert 1 == len({answer.content for answer in answers})
    replays = Counter(answer.headers.get("idempotency-replay") for answer in answers)
    assert 4 == replays["true"]
    assert (1, 1) == (len(races.one.requests), len(races.two.requests))


async def test_budget_that_bears_one_call_is_not_spent_on_two(races):
    """The first leg is under way and may be charged: a second would go beyond the budget."""
    for name in ("one", "two"):
        known = await races.hub.log(await races.ask(model=f"{name}/gpt"))
    races.one.next(Fault.slow(LATE_S))
    races.two.requests.clear()
    ask = {"model_hint": "one/gpt", "messages": BODY["messages"]}
    budget = {"max_budget_usd": 1.5 * known["estimated_cost_usd"]}

    answer = await races.send("/v1/chat", ask | {"policy": budget})

    assert 200 == answer.status_code
    assert [("one", "", "settled")] == legs(await races.hub.log(answer))
    assert [] == races.two.requests


async def test_who_is_asked_by_name_only_is_asked_again_itself(races):
    """No other provider may answer: the second request goes to the same one."""
    races.one.next(Fault.slow(NEVER_S))

    answer = await races.send(PATHS["openai"], BODY, **{"x-tokenhub-substitute": "never"})

    row = await races.hub.log(answer)
    assert [("one", "hedge_lost", "unknown"), ("one", "", "settled")] == legs(row)
    assert HEDGED == row["reason"]


async def test_second_requests_stay_under_the_cap(tmp_path):
    """Some are sent, and of so many calls no more than the cap's share."""
    cap, count, at_once = 10, 320, 16
    variables = {"HEDGE_AFTER_MS": "auto", "HEDGE_MAX_EXTRA_PERCENT": str(cap)}
    async with running(tmp_path, **variables) as hub, Sim(PROFILE) as one, Sim(PROFILE) as two:
        await hub.provider("one", one, models=["gpt"])
        await hub.provider("two", two, models=["gpt"])
        races = Races(hub, await hub.key(), one, two)
        one.next(*([Fault.slow(LATE_S)] + [Fault.none()] * (at_once - 1)) * (count // at_once))

        for _ in range(count // at_once):
            await asyncio.gather(*(races.ask() for _ in range(at_once)))

        rows = await hub.logs(limit=count)
    assert count == len(rows)
    assert {200} == {row["status_code"] for row in rows}
    calls = sum(len(row["attempts"]) for row in rows)
    assert count < calls <= count * (1 + cap / 100)
    # A call that loses before its request is written is an attempt, and reaches nobody.
    assert count < len(one.requests) + len(two.requests) <= calls


async def test_off_nobody_is_asked_twice(tmp_path):
    async with running(tmp_path) as hub, Sim(PROFILE) as one, Sim(PROFILE) as two:
        await hub.provider("one", one, models=["gpt"])
        await hub.provider("two", two, models=["gpt"])
        races = Races(hub, await hub.key(), one, two)
        await races.teach(stream=False)

        one.next(Fault.slow(LATE_S))
        answer = await races.ask()

    assert "one" == answer.headers["x-tokenhub-provider"]
    assert [] == two.requests
