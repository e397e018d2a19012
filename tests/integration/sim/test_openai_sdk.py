"""The official OpenAI SDK against the simulated provider."""

import json

import msgspec
import openai
import pytest

from tokenhub.sim.fault import Fault

pytestmark = pytest.mark.anyio

USER = {"role": "user", "content": "What is the weather in Oslo?"}
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer", "maximum": 9}},
            "required": ["city", "days"],
        },
    },
}


@pytest.fixture
async def client(sim):
    async with openai.AsyncOpenAI(base_url=f"{sim.url}/v1", api_key="k", max_retries=0) as made:
        yield made


async def test_a_whole_answer_has_text_usage_and_its_label(client) -> None:
    raw = await client.chat.completions.with_raw_response.create(model="sim-large", messages=[USER])

    answer = raw.parse()
    assert "true" == raw.headers["x-tokenhub-simulation"]
    assert answer.choices[0].message.content.startswith("Simulated answer:")
    assert "stop" == answer.choices[0].finish_reason
    assert (12, answer.usage.prompt_tokens + 12) == (
        answer.usage.completion_tokens,
        answer.usage.total_tokens,
    )


async def test_a_limit_cuts_the_answer(client) -> None:
    answer = await client.chat.completions.create(
        model="sim-large", messages=[USER], max_completion_tokens=3
    )

    assert "length" == answer.choices[0].finish_reason
    assert 3 == answer.usage.completion_tokens


async def test_a_stream_without_usage_has_none(client) -> None:
    stream = await client.chat.completions.create(model="sim-large", messages=[USER], stream=True)

    chunks = [chunk async for chunk in stream]

    assert "assistant" == chunks[0].choices[0].delta.role
    assert 12 == sum(bool(chunk.choices[0].delta.content) for chunk in chunks)
    assert "stop" == chunks[-1].choices[0].finish_reason
    assert not any("usage" in chunk.model_fields_set for chunk in chunks)


async def test_a_stream_with_usage_has_it_in_a_last_chunk_without_choices(client) -> None:
    stream = await client.chat.completions.create(
        model="sim-large", messages=[USER], stream=True, stream_options={"include_usage": True}
    )

    *chunks, last = [chunk async for chunk in stream]

    assert all(chunk.usage is None and "usage" in chunk.model_fields_set for chunk in chunks)
    assert [] == last.choices
    assert 12 == last.usage.completion_tokens


async def test_whole_and_streamed_say_the_same(client, sim) -> None:
    whole = await client.chat.completions.create(model="sim-large", messages=[USER])
    sim.profile = sim.profile  # the same script; only the request's number moves on
    stream = await client.chat.completions.create(model="sim-large", messages=[USER], stream=True)
    text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    assert len(whole.choices[0].message.content.split()) == len(text.split())


async def test_a_tools_round_trip(client) -> None:
    first = await client.chat.completions.create(
        model="sim-large", messages=[USER], tools=[WEATHER]
    )
    message = first.choices[0].message
    used = message.tool_calls[0]
    result = {"role": "tool", "tool_call_id": used.id, "content": "cold"}
    second = await client.chat.completions.create(
        model="sim-large", messages=[USER, message, result], tools=[WEATHER]
    )

    assert "tool_calls" == first.choices[0].finish_reason
    assert message.content is None
    assert "get_weather" == used.function.name
    assert {"city", "days"} == set(json.loads(used.function.arguments))
    assert second.choices[0].message.content.startswith("Simulated")


async def test_a_tool_call_is_streamed_in_pieces_of_its_arguments(client) -> None:
    async with client.chat.completions.stream(
        model="sim-large", messages=[USER], tools=[WEATHER], tool_choice="required"
    ) as stream:
        events = [event async for event in stream]
        final = await stream.get_final_completion()

    pieces = [event for event in events if event.type == "tool_calls.function.arguments.delta"]
    used = final.choices[0].message.tool_calls[0]
    assert len(pieces) > 1
    assert "tool_calls" == final.choices[0].finish_reason
    assert "get_weather" == used.function.name
    assert json.loads(used.function.arguments)["days"] <= 9


async def test_embeddings_are_the_same_for_the_same_text(client) -> None:
    once = await client.embeddings.create(model="sim-large", input=["a", "b"])
    again = await client.embeddings.create(
        model="sim-large", input="a", encoding_format="float", dimensions=256
    )

    assert 256 == len(once.data[0].embedding)
    assert once.data[0].embedding == pytest.approx(again.data[0].embedding, abs=1e-6)
    assert once.data[0].embedding != once.data[1].embedding
    assert pytest.approx(1) == sum(value**2 for value in again.data[0].embedding)


async def test_models_are_listed_and_found_by_an_id_with_a_slash(client) -> None:
    listed = [model.id async for model in client.models.list()]
    found = await client.models.retrieve("org/small")

    assert ["sim-large", "org/small"] == listed
    assert "org/small" == found.id


async def test_vllm_lists_its_context(client, sim) -> None:
    sim.profile = msgspec.structs.replace(sim.profile, dialect="vllm")

    listed = await client.models.list()

    assert 128_000 == listed.data[0].max_model_len


async def test_errors_are_the_sdks_own_classes(client, sim) -> None:
    ask = client.chat.completions.create
    sim.next(Fault.rate_limited("7"), Fault.status(500), Fault.overloaded())
    with pytest.raises(openai.RateLimitError) as limited:
        await ask(model="sim-large", messages=[USER])
    with pytest.raises(openai.InternalServerError):
        await ask(model="sim-large", messages=[USER])
    with pytest.raises(openai.InternalServerError) as overloaded:
        await ask(model="sim-large", messages=[USER])
    with pytest.raises(openai.NotFoundError) as unknown:
        await ask(model="none", messages=[USER])

    assert "7" == limited.value.response.headers["retry-after"]
    assert "rate_limit_exceeded" == limited.value.code
    assert 503 == overloaded.value.status_code
    assert "model_not_found" == unknown.value.code


@pytest.mark.parametrize("dialect", ["openai", "vllm"])
async def test_a_prompt_longer_than_the_context_is_refused(client, sim, dialect) -> None:
    sim.profile = msgspec.structs.replace(sim.profile, dialect=dialect)

    with pytest.raises(openai.BadRequestError, match="maximum context length is 100") as caught:
        await client.chat.completions.create(
            model="org/small", messages=[{"role": "user", "content": "x" * 400}]
        )

    assert ("context_length_exceeded" if dialect == "openai" else "400") == caught.value.code


async def test_a_key_is_wanted_where_the_profile_has_one(client, sim) -> None:
    sim.profile = msgspec.structs.replace(sim.profile, api_key="other")

    with pytest.raises(openai.AuthenticationError) as caught:
        await client.models.list()

    assert "invalid_api_key" == caught.value.code


async def test_an_error_event_within_a_stream_reaches_the_caller(client, sim) -> None:
    sim.next(Fault.cut("error", after=2))
    stream = await client.chat.completions.create(model="sim-large", messages=[USER], stream=True)

    with pytest.raises(openai.APIError, match="had an error"):
        [chunk async for chunk in stream]
