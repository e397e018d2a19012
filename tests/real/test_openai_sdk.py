"""The official OpenAI SDK, through TokenHub, to a real model on a real inference server.

Run by `just e2e-real`, which installs the server and the model first. What the model says is its
own affair; what is held here is that it arrives whole, counted, priced and logged.
"""

import asyncio
import json
import sys
from pathlib import Path

import openai
import pytest

from tests.support.server import running

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

MODEL = "smollm2-135m"
QUESTION = [{"role": "user", "content": "Name three colours."}]
SEEN = [("Rome", "Rain"), ("Oslo", "Snow"), ("Berlin", "Wind"), ("Madrid", "Sun"), ("Lima", "Fog")]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "maxLength": 20}},
            "required": ["city"],
        },
    },
}


@pytest.fixture
async def engine():
    """The URL of the inference server, a process that ends with its input."""
    script = Path(__file__).with_name("inference.py")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(script),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()
    yield url
    process.kill()
    await process.communicate()


@pytest.fixture
async def hub(tmp_path, engine):
    async with running(tmp_path) as server:
        await server.provider("llama", engine, type="vllm")
        found = await server.admin("GET", "providers/llama/discover")
        assert [MODEL] == [model["id"] for model in found["models"]]
        await server.model(MODEL, "llama", max_context_tokens=4096)
        yield server


@pytest.fixture
async def client(hub):
    async with openai.AsyncOpenAI(base_url=f"{hub.url}/v1", api_key=await hub.key()) as sdk:
        yield sdk


async def test_a_whole_answer(hub, client):
    raw = await client.chat.completions.with_raw_response.create(
        model=MODEL, messages=QUESTION, max_tokens=40
    )

    answer = raw.parse()
    row = await hub.log(raw)
    tell("whole", answer.choices[0].message.content)
    assert answer.choices[0].message.content
    assert MODEL == raw.headers["x-negotiated-model"]
    assert "llama" == raw.headers["x-tokenhub-provider"]
    assert answer.usage.prompt_tokens == row["input_tokens"]
    assert answer.usage.completion_tokens == row["output_tokens"]
    assert not row["estimated"]
    assert row["estimated_cost_usd"] > 0


async def test_a_streamed_answer_has_the_same_words_and_its_usage(client):
    whole = await client.chat.completions.create(
        model=MODEL, messages=QUESTION, max_tokens=40, temperature=0, seed=1
    )

    stream = await client.chat.completions.create(
        model=MODEL,
        messages=QUESTION,
        max_tokens=40,
        temperature=0,
        seed=1,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]

    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    tell("streamed", text)
    assert whole.choices[0].message.content == text
    assert whole.usage.completion_tokens == chunks[-1].usage.completion_tokens
    assert len(chunks) > 5


async def test_a_stream_shows_no_usage_that_was_not_asked_for(hub, client):
    stream = await client.chat.completions.create(
        model=MODEL, messages=QUESTION, max_tokens=20, stream=True
    )
    chunks = [chunk async for chunk in stream]

    row = (await hub.logs(limit=1))[0]
    assert all(chunk.choices for chunk in chunks)
    assert row["stream"]
    assert not row["estimated"]
    assert row["output_tokens"] > 0


async def test_a_tools_round_trip(client):
    # So small a model calls a tool only when it has just seen it done, five times over.
    asked = [turn for city, answer in SEEN for turn in weather(city, answer)] + [question("Paris")]
    first = await client.chat.completions.create(
        model=MODEL,
        messages=asked,
        tools=[WEATHER],
        tool_choice="required",
        max_tokens=100,
        temperature=0,
    )
    call = first.choices[0].message.tool_calls[0]
    tell("tool call", f"{call.function.name}({call.function.arguments})")

    result = {"role": "tool", "tool_call_id": call.id, "content": "Sunny, 22 degrees"}
    said = first.choices[0].message.model_dump(exclude_none=True)
    last = await client.chat.completions.create(
        model=MODEL, messages=[*asked, said, result], tools=[WEATHER], max_tokens=60
    )

    tell("after the tool", last.choices[0].message.content)
    assert "tool_calls" == first.choices[0].finish_reason
    assert "get_weather" == call.function.name
    assert "city" in json.loads(call.function.arguments)
    assert last.choices[0].message.content or last.choices[0].message.tool_calls


async def test_the_model_is_listed(client):
    listed = [model async for model in await client.models.list()]

    one = await client.models.retrieve(MODEL)
    assert [MODEL] == [model.id for model in listed]
    assert "llama" == one.owned_by


async def test_a_prompt_that_does_not_fit_is_the_callers_error(client):
    with pytest.raises(openai.BadRequestError) as caught:
        await client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": "colour " * 6000}]
        )

    assert "context_length_exceeded" == caught.value.code


def question(city):
    return {"role": "user", "content": f"get_weather {city}"}


def weather(city, answer):
    """A call of the tool as it was made and answered before."""
    call = {"name": "get_weather", "arguments": json.dumps({"city": city})}
    return [
        question(city),
        {"role": "assistant", "tool_calls": [{"id": city, "type": "function", "function": call}]},
        {"role": "tool", "tool_call_id": city, "content": answer},
    ]


def tell(what: str, text: str | None) -> None:
    """What the model said, for whoever runs this with -s."""
    sys.stdout.write(f"\n  {what}: {text!r}\n")
