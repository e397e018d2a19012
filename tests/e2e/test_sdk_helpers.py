"""What the official SDKs build upon an answer: models of pydantic, events, accumulated messages.

Their sync clients too, which are other programs than the async ones.
"""

import asyncio
from contextlib import contextmanager

import anthropic
import openai
import pytest
from pydantic import BaseModel

from tests.e2e import test_sdks as sdks
from tests.e2e.test_sdks import BOTH, BUDGET, HELLO, NAMES, THINK, TOOLS
from tokenhub.sim.answer import Spent
from tokenhub.sim.fault import Fault

pytestmark = pytest.mark.anyio

upstream, gpt, claude = sdks.upstream, sdks.gpt, sdks.claude

ASK = {"model": "gpt", "messages": HELLO}
REFUSED = {"model": "gpt", "messages": [{"role": "user", "content": "[[refuse]] Hello"}]}
MESSAGE = {**ASK, "max_tokens": 100}


class Place(BaseModel):
    city: str
    country: str | None
    size: int


class City(BaseModel):
    """Where to look."""

    city: str


CITIES = [openai.pydantic_function_tool(City, name=name) for name in NAMES]


# --- OpenAI's SDK


async def test_openai_parses_an_answer_into_a_model(gpt):
    answer = await gpt.chat.completions.parse(**ASK, response_format=Place)

    choice = answer.choices[0]
    assert (Place, "stop") == (type(choice.message.parsed), choice.finish_reason)
    assert choice.message.parsed == Place.model_validate_json(choice.message.content)


async def test_openai_streams_an_answer_into_a_model(gpt):
    async with gpt.chat.completions.stream(**ASK, response_format=Place) as stream:
        events = [event async for event in stream]
        final = await stream.get_final_completion()

    parsed = final.choices[0].message.parsed
    assert Place is type(parsed)
    assert [parsed] == [event.parsed for event in events if event.type == "content.done"]
    deltas = [event for event in events if event.type == "content.delta"]
    assert final.choices[0].message.content == "".join(event.delta for event in deltas)
    assert final.choices[0].message.content == deltas[-1].snapshot


async def test_openai_parses_the_arguments_of_two_tools(gpt):
    answer = await gpt.chat.completions.parse(model="gpt", messages=BOTH, tools=CITIES)

    assert "tool_calls" == answer.choices[0].finish_reason
    _are_cities(answer)


async def test_openai_streams_the_arguments_of_two_tools(gpt):
    async with gpt.chat.completions.stream(model="gpt", messages=BOTH, tools=CITIES) as stream:
        events = [event async for event in stream]
        final = await stream.get_final_completion()

    _are_cities(final)
    done = [e for e in events if e.type == "tool_calls.function.arguments.done"]
    pieces = [e for e in events if e.type == "tool_calls.function.arguments.delta"]
    for at, call in enumerate(final.choices[0].message.tool_calls):
        assert call.function.arguments == "".join(
            e.arguments_delta for e in pieces if e.index == at
        )
    assert list(enumerate(NAMES)) == [(event.index, event.name) for event in done]


@pytest.mark.parametrize("upstream", ["openai", "vllm"], indirect=True)
@pytest.mark.parametrize("streamed", [False, True])
async def test_openai_hears_a_refusal_where_it_wanted_a_model(gpt, streamed):
    answer = await _parsed(gpt, streamed, **REFUSED, response_format=Place)

    message = answer.choices[0].message
    assert (None, "Simulated refusal.") == (message.parsed, message.refusal)


@pytest.mark.parametrize("upstream", ["anthropic"], indirect=True)
async def test_openai_hears_that_anthropic_refused(gpt):
    """There it is a reason to stop, and what was said until then is text."""
    with pytest.raises(openai.ContentFilterFinishReasonError):
        await gpt.chat.completions.parse(**REFUSED, response_format=Place)


@pytest.mark.parametrize("streamed", [False, True])
async def test_openai_is_told_that_a_model_is_cut_short(gpt, upstream, streamed):
    upstream.say('{"city": "B', finish="length")

    with pytest.raises(openai.LengthFinishReasonError):
        await _parsed(gpt, streamed, **ASK, response_format=City)


def _are_cities(completion):
    calls = completion.choices[0].message.tool_calls
    assert NAMES == tuple(call.function.name for call in calls)
    for call in calls:
        given = call.function.parsed_arguments
        assert (City, given) == (type(given), City.model_validate_json(call.function.arguments))


async def _parsed(client, streamed, **request):
    if not streamed:
        return await client.chat.completions.parse(**request)
    async with client.chat.completions.stream(**request) as stream:
        return await stream.get_final_completion()


# --- Anthropic's


@pytest.mark.parametrize("streamed", [False, True])
async def test_anthropic_parses_an_answer_into_a_model(claude, streamed):
    if streamed:
        async with claude.messages.stream(**MESSAGE, output_format=Place) as stream:
            answer = await stream.get_final_message()
    else:
        answer = await claude.messages.parse(**MESSAGE, output_format=Place)

    assert (Place, "end_turn") == (type(answer.parsed_output), answer.stop_reason)
    assert answer.parsed_output == Place.model_validate_json(answer.content[0].text)


async def test_anthropic_accumulates_what_its_events_tell(claude, upstream):
    upstream.say("Hello", " there", spent=Spent(20, 2))

    async with claude.messages.stream(**MESSAGE) as stream:
        events = [event async for event in stream]
        final = await stream.get_final_message()

    texts = [event for event in events if event.type == "text"]
    assert [("Hello", "Hello"), (" there", "Hello there")] == [(e.text, e.snapshot) for e in texts]
    assert [final.content[0]] == [e.content_block for e in events if e.type == "content_block_stop"]
    assert ("message_stop", final) == (events[-1].type, events[-1].message)
    assert (20, 2) == (final.usage.input_tokens, final.usage.output_tokens)
    assert ("message", "assistant", "gpt") == (final.type, final.role, final.model)


async def test_anthropic_accumulates_the_input_of_two_tools(claude):
    ask = {"model": "gpt", "max_tokens": 1_000, "messages": BOTH, "tools": TOOLS}

    async with claude.messages.stream(**ask) as stream:
        events = [event async for event in stream]
        final = await stream.get_final_message()

    stops = [event.content_block for event in events if event.type == "content_block_stop"]
    assert final.content == stops
    assert NAMES == tuple(block.name for block in stops)
    for at, block in enumerate(stops):
        raw = [e for e in events if e.type == "content_block_delta" and e.index == at]
        text = "".join(event.delta.partial_json for event in raw)
        assert block.input == City.model_validate_json(text).model_dump()
    snapshots = [event.snapshot for event in events if event.type == "input_json"]
    assert all(block.input in snapshots for block in stops)


@pytest.mark.parametrize("upstream", ["anthropic", "vllm"], indirect=True)
async def test_anthropic_accumulates_thinking_and_its_signature(claude, upstream):
    ask = {"model": "gpt", "max_tokens": 2_000, "messages": THINK, "thinking": BUDGET}

    async with claude.messages.stream(**ask) as stream:
        events = [event async for event in stream]
        final = await stream.get_final_message()

    thought, text = final.content
    assert thought.thinking == "".join(e.thinking for e in events if e.type == "thinking")
    assert text.text == "".join(event.text for event in events if event.type == "text")
    signed = [thought.signature] if "anthropic" == upstream.profile.dialect else []
    assert signed == [event.signature for event in events if event.type == "signature"]


# --- the sync clients of both


async def test_the_sync_client_of_openai_works_in_every_way(hub, key, upstream):
    def ask():
        with _openai(hub, key) as client:
            completions = client.chat.completions
            whole = completions.create(**ASK)
            pieces = [chunk.choices[0] for chunk in completions.create(**ASK, stream=True)]
            with completions.stream(**ASK, response_format=Place) as stream:
                followed = stream.get_final_completion()
            parsed = completions.parse(**ASK, response_format=Place)
            return whole.choices[0], pieces, followed.choices[0], parsed.choices[0]

    whole, pieces, followed, parsed = await asyncio.to_thread(ask)

    assert ["stop"] * 3 == [choice.finish_reason for choice in (whole, followed, parsed)]
    assert whole.message.content.startswith("Simulated answer:")
    text = "".join(choice.delta.content or "" for choice in pieces)
    assert ("stop", True) == (pieces[-1].finish_reason, text.startswith("Simulated answer:"))
    assert [Place] * 2 == [type(choice.message.parsed) for choice in (followed, parsed)]
    assert 4 == len(upstream.requests)


async def test_the_sync_client_of_anthropic_works_in_every_way(hub, key, upstream):
    def ask():
        with _anthropic(hub, key) as client:
            whole = client.messages.create(**MESSAGE)
            events = list(client.messages.create(**MESSAGE, stream=True))
            with client.messages.stream(**MESSAGE) as stream:
                texts = list(stream.text_stream)
                followed = stream.get_final_message()
            return (
                whole,
                events,
                texts,
                followed,
                client.messages.parse(**MESSAGE, output_format=Place),
            )

    whole, events, texts, followed, parsed = await asyncio.to_thread(ask)

    assert ["end_turn"] * 3 == [answer.stop_reason for answer in (whole, followed, parsed)]
    assert whole.content[0].text.startswith("Simulated answer:")
    assert ("message_start", "message_stop") == (events[0].type, events[-1].type)
    assert followed.content[0].text == "".join(texts)
    assert Place is type(parsed.parsed_output)
    assert 4 == len(upstream.requests)


@pytest.mark.parametrize("streamed", [False, True])
async def test_the_sync_clients_raise_the_right_errors(hub, key, upstream, streamed):
    def ours():
        with _openai(hub, key) as client, pytest.raises(openai.RateLimitError) as raised:
            client.chat.completions.create(**ASK, stream=streamed)
        return raised.value

    def theirs():
        with _anthropic(hub, key) as client, pytest.raises(anthropic.RateLimitError) as raised:
            client.messages.create(**MESSAGE, stream=streamed)
        return raised.value

    for ask in (ours, theirs):
        await hub.forget("one")
        upstream.next(Fault.rate_limited("7"))

        error = await asyncio.to_thread(ask)

        assert (429, "upstream_throttled") == (error.status_code, sdks._told(error)["code"])
        assert "7" == error.response.headers["retry-after"]


@contextmanager
def _openai(hub, key):
    http = openai.DefaultHttpxClient(verify=False)  # there is no TLS to be verified
    with openai.OpenAI(
        base_url=f"{hub.url}/v1", api_key=key, max_retries=0, timeout=20.0, http_client=http
    ) as client:
        yield client


@contextmanager
def _anthropic(hub, key):
    http = anthropic.DefaultHttpxClient(verify=False)  # there is no TLS to be verified
    with anthropic.Anthropic(
        base_url=hub.url, api_key=key, max_retries=0, timeout=20.0, http_client=http
    ) as client:
        yield client
