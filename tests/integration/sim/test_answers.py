"""Thinking, tools, stops, usage and scripted answers, as each vendor puts them on the wire."""

import asyncio
import json

import anthropic
import msgspec
import openai
import pytest

from tokenhub.sim.answer import Spent
from tokenhub.sim.profile import Constant, Latency

pytestmark = pytest.mark.anyio

CHAT = "/v1/chat/completions"
USER = {"role": "user", "content": "Use get_weather and get_time"}
SCHEMA = {"type": "object", "properties": {"x": {"const": 1}}, "required": ["x"]}
NAMES = ("get_weather", "get_time")
OPENAI_TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": SCHEMA}} for name in NAMES
]
TOOLS = [{"name": name, "input_schema": SCHEMA} for name in NAMES]
THINKS = {"max_tokens": 2000, "thinking": {"type": "enabled", "budget_tokens": 1024}}


@pytest.fixture
async def claude(sim):
    made = anthropic.AsyncAnthropic(base_url=sim.url, api_key="k", max_retries=0)
    async with made as client:
        yield client


@pytest.fixture
async def gpt(sim):
    made = openai.AsyncOpenAI(base_url=f"{sim.url}/v1", api_key="k", max_retries=0)
    async with made as client:
        yield client


async def streamed(claude, **ask):
    async with claude.messages.stream(model="sim-large", **ask) as stream:
        return await stream.get_final_message()


async def test_thinking_comes_back_signed_in_the_next_turn(claude) -> None:
    ask = {"messages": [USER], "tools": TOOLS, **THINKS}
    first = await streamed(claude, **ask)
    results = [
        {"type": "tool_result", "tool_use_id": block.id, "content": "ok"}
        for block in first.content
        if block.type == "tool_use"
    ]
    turns = [USER, {"role": "assistant", "content": first.content}]
    turns += [{"role": "user", "content": results}]
    second = await streamed(claude, **ask | {"messages": turns})
    first.content[0].signature = "lost"

    with pytest.raises(anthropic.BadRequestError, match="Invalid `signature`"):
        await streamed(claude, **ask | {"messages": turns})

    assert ["thinking", "tool_use", "tool_use"] == [block.type for block in first.content]
    assert [{"x": 1}, {"x": 1}] == [block.input for block in first.content[1:]]
    assert ["thinking", "text"] == [block.type for block in second.content]


async def test_sealed_thinking_is_redacted(claude) -> None:
    said = await streamed(claude, messages=[{"role": "user", "content": "[[sealed]]"}], **THINKS)

    assert ["redacted_thinking", "text"] == [block.type for block in said.content]


@pytest.mark.parametrize("dialect", ["openai", "vllm"])
async def test_reasoning_is_counted_and_shown_by_vllm_alone(gpt, sim, dialect) -> None:
    sim.profile = msgspec.structs.replace(sim.profile, dialect=dialect)
    said = await gpt.chat.completions.create(
        model="sim-large", messages=[USER], reasoning_effort="high"
    )

    shown = (said.choices[0].message.model_extra or {}).get("reasoning_content", "")
    assert (dialect == "vllm") == shown.startswith("Simulated thinking:")
    assert said.usage.completion_tokens_details.reasoning_tokens > 0


async def test_parallel_calls_are_streamed_one_after_the_other(gpt) -> None:
    async with gpt.chat.completions.stream(
        model="sim-large", messages=[USER], tools=OPENAI_TOOLS
    ) as stream:
        final = await stream.get_final_completion()

    calls = final.choices[0].message.tool_calls
    assert list(NAMES) == [call.function.name for call in calls]
    assert [{"x": 1}] * 2 == [json.loads(call.function.arguments) for call in calls]
    assert 2 == len({call.id for call in calls})


async def test_one_call_at_a_time_where_that_is_asked(gpt, claude) -> None:
    one = await gpt.chat.completions.create(
        model="sim-large", messages=[USER], tools=OPENAI_TOOLS, parallel_tool_calls=False
    )
    other = await claude.messages.create(
        model="sim-large",
        messages=[USER],
        max_tokens=99,
        tools=TOOLS,
        tool_choice={"type": "auto", "disable_parallel_tool_use": True},
    )

    assert 1 == len(one.choices[0].message.tool_calls) == len(other.content)


async def test_json_fits_its_schema_at_both_vendors(gpt, claude) -> None:
    wish = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
    one = await gpt.chat.completions.create(
        model="sim-large", messages=[USER], response_format=wish
    )
    schema = SCHEMA | {"additionalProperties": False}
    other = await claude.messages.create(
        model="sim-large",
        messages=[USER],
        max_tokens=99,
        extra_body={"output_config": {"format": {"type": "json_schema", "schema": schema}}},
    )

    assert '{"x":1}' == one.choices[0].message.content == other.content[0].text


async def test_a_script_is_said_word_for_word_and_ends_at_a_stop(sim, gpt, claude) -> None:
    for _ in range(3):
        sim.say("Hel", "lo ", "STOP", " never")
    whole = await gpt.chat.completions.create(model="sim-large", messages=[USER])
    cut = await gpt.chat.completions.create(model="sim-large", messages=[USER], stop="STOP")
    other = await streamed(claude, messages=[USER], max_tokens=9, stop_sequences=["STOP"])

    assert "Hello STOP never" == whole.choices[0].message.content
    assert ("Hello ", "stop") == (cut.choices[0].message.content, cut.choices[0].finish_reason)
    assert ("Hello ", "stop_sequence", "STOP") == (
        other.content[0].text,
        other.stop_reason,
        other.stop_sequence,
    )


async def test_a_scripts_pieces_are_the_streams_chunks(sim, gpt) -> None:
    sim.say("a", "b c", "d")
    stream = await gpt.chat.completions.create(model="sim-large", messages=[USER], stream=True)

    chunks = [chunk.choices[0].delta.content async for chunk in stream]

    assert ["", "a", "b c", "d", None] == chunks


async def test_refusals_and_filters_are_each_vendors_own(gpt, claude) -> None:
    ends = []
    for mark in ("refuse", "filter"):
        messages = [{"role": "user", "content": f"[[{mark}]]"}]
        one = await gpt.chat.completions.create(model="sim-large", messages=messages)
        other = await claude.messages.create(model="sim-large", messages=messages, max_tokens=9)
        refusal = one.choices[0].message.refusal
        ends.append((one.choices[0].finish_reason, bool(refusal), other.stop_reason))

    assert [("stop", True, "refusal"), ("content_filter", False, "refusal")] == ends


async def test_a_repeated_prefix_is_counted_as_cached(gpt, claude) -> None:
    long = {"role": "user", "content": "x" * 5000}
    mark = {"type": "ephemeral"}
    block = {"type": "text", "text": "x" * 5000, "cache_control": mark}
    marked = [{"role": "user", "content": [block]}, USER]
    ones, others = [], []
    for _ in range(2):
        one = await gpt.chat.completions.create(model="sim-large", messages=[long, USER])
        ones.append(one.usage.prompt_tokens_details.cached_tokens)
        usage = (
            await claude.messages.create(model="sim-large", messages=marked, max_tokens=9)
        ).usage
        others.append((usage.cache_creation_input_tokens, usage.cache_read_input_tokens))

    assert [0, 1152] == ones
    assert [(1254, 0), (0, 1254)] == others


async def test_usage_may_be_scripted(sim, claude) -> None:
    sim.say("x", spent=Spent(100, 50, cached=30, written=20))

    usage = (await streamed(claude, messages=[USER], max_tokens=9)).usage

    assert (50, 50, 30, 20) == (
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_input_tokens,
        usage.cache_creation_input_tokens,
    )


async def test_tokens_are_counted_without_an_answer(claude) -> None:
    counted = await claude.messages.count_tokens(model="sim-large", messages=[USER])

    assert 3 + 4 + 7 == counted.input_tokens


async def test_a_paced_stream_keeps_its_time(sim, http, chat) -> None:
    latency = Latency(first_token_s=Constant(value=0.0), tokens_per_s=500.0)
    sim.profile = msgspec.structs.replace(
        sim.profile, latency=latency, answer_tokens=Constant(value=64)
    )
    loop = asyncio.get_running_loop()
    begun = loop.time()
    async with http.post(CHAT, json={**chat, "stream": True}) as response:
        text = await response.text()

    assert loop.time() - begun >= 64 * 0.002 - 0.005
    assert 64 + 3 == text.count("data: ")
