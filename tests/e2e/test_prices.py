"""What a request cost, from outside: by the class of its tokens, and unknown where a price is."""

import pytest
from msgspec.structs import replace

from tests.e2e.conftest import PROFILE
from tokenhub.sim.answer import Spent
from tokenhub.sim.app import Sim

pytestmark = pytest.mark.anyio

STREAMED = pytest.mark.parametrize("stream", [False, True])
HELLO = [{"role": "user", "content": "Hello"}]
# 1,000 tokens in, 300 of them read from a cache and 200 written to one; 100 out, 40 of reasoning.
SPENT = Spent(1000, 100, 40, 300, 200)
PRICES = {
    "input_per_1k": 0.001,
    "output_per_1k": 0.005,
    "cached_input_per_1k": 0.0001,
    "cache_write_per_1k": 0.00125,
    "reasoning_per_1k": 0.01,
}
LONG = "word " * 1_100
OPENAI = {"id": "openai", "base_url": "https://api.openai.com/v1"}


@pytest.fixture(params=["openai", "anthropic"])
async def upstream(request, hub):
    """A simulated provider that speaks each of the formats."""
    async with Sim(replace(PROFILE, dialect=request.param)) as sim:
        await hub.provider("one", sim, type=request.param, models=["gpt"], model=PRICES)
        yield sim


@pytest.fixture
def ask(hub, key):
    async def one(path="/v1/chat/completions", messages=HELLO, **fields):
        body = {"model": "gpt", "messages": messages, "max_tokens": 50, **fields}
        answer = await hub.http.post(path, json=body, headers={"x-api-key": key})
        assert 200 == answer.status_code, answer.text
        return await hub.log(answer)

    return one


@STREAMED
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_every_class_of_tokens_is_charged_at_its_price(ask, upstream, path, stream):
    upstream.say("Hello", spent=SPENT)

    row = await ask(path, stream=stream)

    (attempt,) = row["attempts"]
    assert (1000, 100, 300) == (
        attempt["input_tokens"],
        attempt["output_tokens"],
        attempt["cached_tokens"],
    )
    if "anthropic" == upstream.profile.dialect:
        # 500 plain, 300 cached, 200 written; the simulation tells no tokens of thinking.
        assert 200 == attempt["cache_write_tokens"]
        assert 0.0005 + 0.00003 + 0.00025 + 0.0005 == pytest.approx(row["estimated_cost_usd"])
    else:
        # 700 plain, 300 cached; 60 written, 40 of reasoning.
        assert 40 == attempt["reasoning_tokens"]
        assert 0.0007 + 0.00003 + 0.0003 + 0.0004 == pytest.approx(row["estimated_cost_usd"])
    assert row["estimated_cost_usd"] == attempt["cost_usd"]


async def test_a_prompt_that_came_before_is_cheaper_by_what_was_cached(ask, upstream):
    marked = {"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}
    system = {"system": [marked]} if "anthropic" == upstream.profile.dialect else {}
    first_turn = [] if system else [{"role": "system", "content": LONG}]
    path = "/v1/messages" if system else "/v1/chat/completions"

    rows = [await ask(path, first_turn + HELLO, **system) for _ in range(2)]

    first, second = (row["attempts"][0] for row in rows)
    cached = second["cached_tokens"]
    assert first["input_tokens"] == second["input_tokens"]
    assert not first["cached_tokens"]
    assert 1024 <= cached
    written = first["cache_write_tokens"] or 0
    full, less = (row["estimated_cost_usd"] for row in rows)
    saved = cached * 0.0009 + written * 0.00025
    assert saved / 1000 == pytest.approx(full - less, abs=2e-9)


async def test_a_long_prompt_is_charged_by_its_tier(ask, hub, upstream):
    dear = {"above_tokens": 999, "input_per_1k": 0.1, "output_per_1k": 0.2}
    await hub.model("gpt", "one", input_per_1k=0.001, output_per_1k=0.005, tiers=[dear])
    upstream.say("Hello", spent=Spent(999, 100))
    short = await ask()
    upstream.say("Hello", spent=Spent(1000, 100))

    long = await ask()

    assert pytest.approx(0.000999 + 0.0005) == short["estimated_cost_usd"]
    assert pytest.approx(0.1 + 0.02) == long["estimated_cost_usd"]


async def test_a_model_that_is_said_to_be_free_costs_0(ask, hub, upstream):
    await hub.model("gpt", "one", input_per_1k=0, output_per_1k=0)

    free = await ask()

    assert (0, 0) == (free["estimated_cost_usd"], free["attempts"][0]["cost_usd"])


async def test_a_price_is_not_lost_when_its_model_is_replaced_without_one(hub, upstream):
    made = await hub.admin("POST", "models", {"id": "gpt", "provider_id": "one", "weight": 7})

    assert ("manual", 0.001, 7) == (
        made["model"]["pricing_source"],
        made["model"]["input_per_1k"],
        made["model"]["weight"],
    )


async def test_a_model_that_nobody_has_priced_costs_null_and_not_0(hub, key, sim):
    await hub.provider("own", sim)
    made = await hub.admin("POST", "models", {"id": "gpt", "provider_id": "own"})

    answer = await hub.http.post(
        "/v1/chat/completions",
        json={"model": "gpt", "messages": HELLO},
        headers={"x-api-key": key},
    )

    row = await hub.log(answer)
    assert ("unknown", None) == (
        made["model"]["pricing_source"],
        made["model"]["input_per_1k"],
    )
    assert (None, None) == (row["estimated_cost_usd"], row["attempts"][0]["cost_usd"])


async def test_an_operators_price_stands_over_the_catalogue(hub):
    await hub.admin("POST", "providers", OPENAI)
    mine = {"input_per_1k": 0.5, "output_per_1k": 0.7}
    own = await hub.admin("POST", "models", {"id": "gpt-4o", "provider_id": "openai", **mine})
    listed = await hub.admin("POST", "models", {"id": "gpt-4o-mini", "provider_id": "openai"})

    done = await hub.admin("POST", "models/prices/sync", {})

    assert ("manual", 0.5, None) == (
        own["model"]["pricing_source"],
        own["model"]["input_per_1k"],
        own["model"]["cached_input_per_1k"],
    )
    assert ("catalogue", 0.00015, 0.000075, 0.0006) == (
        listed["model"]["pricing_source"],
        listed["model"]["input_per_1k"],
        listed["model"]["cached_input_per_1k"],
        listed["model"]["output_per_1k"],
    )
    assert {"gpt-4o": ("kept", "manual"), "gpt-4o-mini": ("same", "")} == {
        one["id"]: (one["result"], one["reason"]) for one in done["models"]
    }
    assert done["catalogue"].startswith("genai-prices ")


async def test_a_server_that_only_has_a_vendors_model_names_is_not_priced_as_the_vendor(hub):
    await hub.admin("POST", "providers", {"id": "mine", "base_url": "https://llm.example.com/v1"})

    made = await hub.admin("POST", "models", {"id": "gpt-4o", "provider_id": "mine"})

    assert ("unknown", None) == (
        made["model"]["pricing_source"],
        made["model"]["input_per_1k"],
    )
