"""Both official SDKs, each through TokenHub to providers of every type: nothing is lost between."""

import base64
import json

import anthropic
import openai
import pytest
from msgspec.structs import replace

from tests.e2e.conftest import PROFILE
from tokenhub.sim.answer import Spent
from tokenhub.sim.app import Sim
from tokenhub.sim.fault import Fault
from tokenhub.sim.profile import Model
from tokenhub.sim.sealed import signed

pytestmark = pytest.mark.anyio

TYPES = ["openai", "anthropic", "vllm"]
HELLO = [{"role": "user", "content": "Hello"}]
# One red pixel.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
)
PICTURE = "https://example.com/a.png"
SEEN = f"I see 2 images (image/png of {len(PNG)} bytes; {PICTURE})"
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
NAMES = ("weather", "clock")
BOTH = [{"role": "user", "content": "Ask weather and clock"}]
THINK = [{"role": "user", "content": "[[think]] Hello"}]
FUNCTIONS = [{"type": "function", "function": {"name": name, "parameters": CITY}} for name in NAMES]
TOOLS = [{"name": name, "description": f"A {name}.", "input_schema": CITY} for name in NAMES]
MODEL = {"max_context_tokens": 4_000}
# Told a budget where it is to think, so that it shows what it thought.
THINKER = "claude-sonnet-4-5"
OFFERED = (*PROFILE.models, Model(id=THINKER, context_tokens=64_000))
BUDGET = {"type": "enabled", "budget_tokens": 1024}


@pytest.fixture(params=TYPES)
async def upstream(request, hub):
    """A simulated provider of each type, registered with its key."""
    async with Sim(
        replace(PROFILE, dialect=request.param, models=OFFERED, api_key="sk-upstream")
    ) as sim:
        await hub.provider(
            "one", sim, type=request.param, models=["gpt"], api_key="sk-upstream", model=MODEL
        )
        yield sim


@pytest.fixture
async def gpt(upstream, sdk):
    """OpenAI's SDK before that provider."""
    return sdk


@pytest.fixture
async def claude(upstream, hub, key):
    """Anthropic's SDK before that provider."""
    http = anthropic.DefaultAsyncHttpxClient(verify=False)  # there is no TLS to be verified
    async with anthropic.AsyncAnthropic(
        base_url=hub.url, api_key=key, max_retries=0, timeout=20.0, http_client=http
    ) as client:
        yield client


# --- OpenAI's SDK


async def test_openai_reads_a_whole_answer(gpt, upstream):
    upstream.say("Hello", " there", spent=Spent(20, 2))

    answer = await gpt.chat.completions.create(model="gpt", messages=HELLO)

    choice = answer.choices[0]
    assert ("Hello there", "stop", "gpt") == (
        choice.message.content,
        choice.finish_reason,
        answer.model,
    )
    assert ("assistant", "chat.completion") == (choice.message.role, answer.object)
    usage = answer.usage
    assert (20, 2, 22) == (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens)
    assert "sk-upstream" == upstream.requests[0].key()


async def test_openai_reads_a_stream_in_order_and_sees_no_usage(gpt, upstream):
    upstream.say("Hello", " there")

    stream = await gpt.chat.completions.create(model="gpt", messages=HELLO, stream=True)
    chunks = [chunk async for chunk in stream]

    assert "assistant" == chunks[0].choices[0].delta.role
    assert ["Hello", " there"] == [
        chunk.choices[0].delta.content for chunk in chunks if chunk.choices[0].delta.content
    ]
    assert ["stop"] == [c.choices[0].finish_reason for c in chunks if c.choices[0].finish_reason]
    assert {None} == {chunk.usage for chunk in chunks}
    assert 1 == len({(chunk.id, chunk.created, chunk.model) for chunk in chunks})


async def test_openai_reads_usage_at_the_end_where_it_asked(gpt, upstream):
    upstream.say("Hello", " there", spent=Spent(20, 2))

    stream = await gpt.chat.completions.create(
        model="gpt", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]

    assert [] == chunks[-1].choices
    assert {None} == {chunk.usage for chunk in chunks[:-1]}
    assert (20, 2, 22) == (
        chunks[-1].usage.prompt_tokens,
        chunks[-1].usage.completion_tokens,
        chunks[-1].usage.total_tokens,
    )


async def test_openai_follows_a_stream_with_its_helper(gpt, upstream):
    upstream.say("Hello", " there")

    async with gpt.chat.completions.stream(model="gpt", messages=HELLO) as stream:
        kinds = [event.type async for event in stream]
        final = await stream.get_final_completion()

    # The first is of the chunk that tells the role.
    assert [*["content.delta"] * 3, "content.done"] == [kind for kind in kinds if kind != "chunk"]
    assert ("Hello there", "stop") == (
        final.choices[0].message.content,
        final.choices[0].finish_reason,
    )


@pytest.mark.parametrize("streamed", [False, True])
async def test_openai_calls_two_tools_at_once_and_tells_their_results(gpt, upstream, streamed):
    first = await _completed(gpt, streamed, messages=BOTH, tools=FUNCTIONS)
    message = first.choices[0].message
    calls = message.tool_calls
    messages = [*BOTH, _shown(message)]
    messages += [{"role": "tool", "tool_call_id": c.id, "content": c.function.name} for c in calls]

    second = await _completed(gpt, streamed, messages=messages, tools=FUNCTIONS)

    assert "tool_calls" == first.choices[0].finish_reason
    assert NAMES == tuple(call.function.name for call in calls)
    assert [{"city"}] * 2 == [set(json.loads(call.function.arguments)) for call in calls]
    assert 2 == len({call.id for call in calls})
    assert "stop" == second.choices[0].finish_reason
    assert [(call.id, call.function.name) for call in calls] == _results(upstream)


async def test_openai_shows_images(gpt):
    urls = ["data:image/png;base64," + base64.b64encode(PNG).decode(), PICTURE]
    parts = [{"type": "image_url", "image_url": {"url": url}} for url in urls]

    answer = await gpt.chat.completions.create(
        model="gpt", messages=[{"role": "user", "content": parts}]
    )

    assert SEEN in answer.choices[0].message.content


@pytest.mark.parametrize("streamed", [False, True])
async def test_openai_asks_for_a_schema(gpt, streamed):
    named = {"name": "city", "strict": True, "schema": CITY}
    wanted = {"type": "json_schema", "json_schema": named}

    answer = await _completed(gpt, streamed, messages=HELLO, response_format=wanted)

    assert {"city"} == set(json.loads(answer.choices[0].message.content))
    assert "stop" == answer.choices[0].finish_reason


@pytest.mark.parametrize("upstream", ["anthropic", "vllm"], indirect=True)
@pytest.mark.parametrize("streamed", [False, True])
async def test_openai_keeps_reasoning_for_the_next_turn(gpt, hub, upstream, streamed):
    await hub.model(THINKER, "one", max_context_tokens=64_000)
    ask = {"model": THINKER, "reasoning_effort": "low"}
    first = await _completed(gpt, streamed, messages=THINK, **ask)
    told = first.choices[0].message.to_dict()
    told.pop("parsed", None)
    more = {"role": "user", "content": "And then?"}

    second = await _completed(gpt, streamed, messages=[*THINK, told, more], **ask)

    assert second.choices[0].message.content.startswith("Simulated answer:")
    assert told["reasoning_content"].startswith("Simulated thinking:")
    thought = upstream.requests[-1].json()["messages"][1]
    if "anthropic" == upstream.profile.dialect:  # which refuses a signature that is not its own
        thought = thought["content"][0]
        assert "thinking" == thought["type"]
        assert signed(thought["thinking"], thought["signature"])
        thought["reasoning_content"] = thought["thinking"]
    assert told["reasoning_content"] == thought["reasoning_content"]


# --- Anthropic's


async def test_anthropic_reads_a_whole_answer(claude, upstream):
    upstream.say("Hello", " there", spent=Spent(20, 2))

    answer = await claude.messages.create(model="gpt", max_tokens=100, messages=HELLO)

    assert ("message", "assistant", "gpt", "end_turn") == (
        answer.type,
        answer.role,
        answer.model,
        answer.stop_reason,
    )
    assert [("text", "Hello there")] == [(block.type, block.text) for block in answer.content]
    assert (20, 2) == (answer.usage.input_tokens, answer.usage.output_tokens)


async def test_anthropic_reads_a_stream_in_order(claude, upstream):
    upstream.say("Hello", " there", spent=Spent(20, 2))

    stream = await claude.messages.create(model="gpt", max_tokens=100, messages=HELLO, stream=True)
    events = [event async for event in stream]

    assert [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ] == [event.type for event in events if event.type != "ping"]
    assert 2 == events[-2].usage.output_tokens


async def test_anthropic_follows_a_stream_with_its_helper(claude, upstream):
    upstream.say("Hello", " there", spent=Spent(20, 2))

    async with claude.messages.stream(model="gpt", max_tokens=100, messages=HELLO) as stream:
        texts = [text async for text in stream.text_stream]
        final = await stream.get_final_message()

    assert ["Hello", " there"] == texts
    assert ("end_turn", "Hello there") == (final.stop_reason, final.content[0].text)
    assert 2 == final.usage.output_tokens


@pytest.mark.parametrize("streamed", [False, True])
async def test_anthropic_calls_two_tools_at_once_and_tells_their_results(
    claude, upstream, streamed
):
    first = await _messaged(claude, streamed, messages=BOTH, tools=TOOLS)
    uses = [block for block in first.content if block.type == "tool_use"]
    told = [{"type": "tool_result", "tool_use_id": u.id, "content": u.name} for u in uses]
    messages = [*BOTH, {"role": "assistant", "content": first.content}]
    messages += [{"role": "user", "content": told}]

    second = await _messaged(claude, streamed, messages=messages, tools=TOOLS)

    assert "tool_use" == first.stop_reason
    assert NAMES == tuple(use.name for use in uses)
    assert [{"city"}] * 2 == [set(use.input) for use in uses]
    assert "end_turn" == second.stop_reason
    assert [(use.id, use.name) for use in uses] == _results(upstream)


async def test_anthropic_shows_images(claude):
    inline = {
        "type": "base64",
        "media_type": "image/png",
        "data": base64.b64encode(PNG).decode(),
    }
    sources = [inline, {"type": "url", "url": PICTURE}]
    blocks = [{"type": "image", "source": source} for source in sources]

    answer = await claude.messages.create(
        model="gpt", max_tokens=100, messages=[{"role": "user", "content": blocks}]
    )

    assert SEEN in answer.content[0].text


@pytest.mark.parametrize("streamed", [False, True])
async def test_anthropic_asks_for_a_schema(claude, streamed):
    wanted = {"format": {"type": "json_schema", "schema": CITY}}

    answer = await _messaged(claude, streamed, messages=HELLO, output_config=wanted)

    assert {"city"} == set(json.loads(answer.content[0].text))
    assert "end_turn" == answer.stop_reason


@pytest.mark.parametrize("upstream", ["anthropic", "vllm"], indirect=True)
@pytest.mark.parametrize("streamed", [False, True])
async def test_anthropic_keeps_thinking_for_the_next_turn(claude, upstream, streamed):
    first = await _messaged(claude, streamed, messages=THINK, thinking=BUDGET)
    told = {"role": "assistant", "content": [block.to_dict() for block in first.content]}
    for block in told["content"]:
        block.pop("parsed_output", None)
    more = {"role": "user", "content": "And then?"}

    second = await _messaged(claude, streamed, messages=[*THINK, told, more], thinking=BUDGET)

    thought = first.content[0]
    assert ["thinking", "text"] == [block.type for block in first.content]
    assert "end_turn" == second.stop_reason
    sent = upstream.requests[-1].body.decode()
    assert thought.thinking in sent
    assert ("anthropic" == upstream.profile.dialect) == bool(thought.signature)
    assert thought.signature in sent


async def test_anthropic_counts_a_prompt(claude):
    counted = await claude.messages.count_tokens(model="gpt", messages=HELLO)

    assert 1 <= counted.input_tokens <= len("Hello") + 10


# --- both


async def test_both_list_the_models(gpt, claude):
    listed = [model async for model in gpt.models.list()]
    shown = [model async for model in claude.models.list()]

    assert [("gpt", "model", "one")] == [(m.id, m.object, m.owned_by) for m in listed]
    assert [("gpt", "model")] == [(model.id, model.type) for model in shown]
    assert "gpt" == (await gpt.models.retrieve("gpt")).id
    assert "gpt" == (await claude.models.retrieve("gpt")).id


@pytest.mark.parametrize("upstream", ["openai", "vllm"], indirect=True)
async def test_embeddings_are_what_the_provider_told(upstream, hub, sdk):
    client = sdk.with_options(api_key=await hub.key("embeddings"))

    told = await client.embeddings.create(model="gpt", input=["a", "b"])

    assert [0, 1] == [one.index for one in told.data]
    assert {256} == {len(one.embedding) for one in told.data}
    assert told.data[0].embedding != told.data[1].embedding


# --- errors, as each SDK raises them


# What the provider does, the status of it here, and our code for it.
FAILURES = [
    pytest.param(Fault.rate_limited("7"), 429, "upstream_throttled", id="throttled"),
    pytest.param(Fault.status(401), 502, "upstream_credential", id="credential"),
    pytest.param(Fault.body(b"<html>"), 502, "upstream_invalid_response", id="broken"),
    pytest.param(Fault.context_overflow(), 400, "context_length_exceeded", id="overflow"),
]
# With room for a shorter answer, or since it may pass.
ASKED_AGAIN = {"context_length_exceeded", "upstream_invalid_response"}
CLASSES = {400: "BadRequestError", 429: "RateLimitError", 502: "InternalServerError"}


@pytest.mark.parametrize(("fault", "status", "code"), FAILURES)
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_failing_provider_is_the_right_error(  # noqa: PLR0917 - fixtures and a table
    hub, gpt, claude, upstream, fault, status, code, streamed
):
    for client in (gpt, claude):
        await hub.forget("one")
        upstream.next(*[fault] * (2 if code in ASKED_AGAIN else 1))

        error = await _raised(client, stream=streamed)

        assert isinstance(error, getattr(_vendor(client), CLASSES[status]))
        assert (status, code) == (error.status_code, _told(error)["code"])
        assert _told(error)["message"]
    assert ("7" if status == 429 else None) == error.response.headers.get("retry-after")


async def test_a_refusal_of_the_provider_has_its_words(gpt, claude, upstream):
    for client in (gpt, claude):
        upstream.next(Fault.status(400, message="no dice"))

        error = await _raised(client)

        assert isinstance(error, _vendor(client).BadRequestError)
        assert ("no dice", "invalid_request_error") == (_told(error)["message"], error.type)


async def test_a_bad_key_is_an_authentication_error(gpt, claude, upstream):
    for client in (gpt, claude):
        error = await _raised(client.with_options(api_key="sk-other"))

        assert isinstance(error, _vendor(client).AuthenticationError)
        assert (401, "invalid_api_key") == (error.status_code, _told(error)["code"])
        assert "authentication_error" == error.type
    assert [] == upstream.requests


async def test_an_unknown_model_is_not_found(gpt, claude, upstream):
    for client in (gpt, claude):
        error = await _raised(
            client, model="nope", extra_headers={"X-TokenHub-Substitute": "never"}
        )

        assert isinstance(error, _vendor(client).NotFoundError)
        assert (404, "model_not_found") == (error.status_code, _told(error)["code"])
        assert "'nope' does not exist" in _told(error)["message"]
    assert [] == upstream.requests


async def test_a_bad_field_is_named(gpt, claude, upstream):
    for client in (gpt, claude):
        error = await _raised(client, max_tokens=-1)

        assert isinstance(error, _vendor(client).BadRequestError)
        assert "max_tokens must be between" in _told(error)["message"]
    assert [] == upstream.requests


async def test_a_stream_that_breaks_is_never_a_whole_one(hub, gpt, claude, upstream):
    for client, kind in ((gpt, openai.APIError), (claude, anthropic.APIStatusError)):
        for fault in (Fault.broken(after=2), Fault.cut("ended", after=2), Fault.cut(after=2)):
            await hub.forget("one")
            upstream.next(fault)
            stream = await _ask(client, stream=True)
            heard = []

            with pytest.raises(kind, match="broke off in the middle"):
                await _hear(stream, heard)

            assert heard
            assert "message_stop" not in {getattr(event, "type", "") for event in heard}


def _vendor(client):
    return openai if isinstance(client, openai.AsyncOpenAI) else anthropic


def _ask(client, **fields):
    asked = {"model": "gpt", "messages": HELLO, "max_tokens": 100, **fields}
    if _vendor(client) is openai:
        return client.chat.completions.create(**asked)
    return client.messages.create(**asked)


async def _raised(client, **fields):
    with pytest.raises(_vendor(client).APIStatusError) as caught:
        await _ask(client, **fields)
    return caught.value


async def _hear(stream, heard):
    async for event in stream:
        heard.append(event)


def _told(error):
    """What the body says; OpenAI's SDK has unwrapped it already."""
    return error.body.get("error", error.body)


async def _completed(client, streamed, **request):
    if not streamed:
        return await client.chat.completions.create(**{"model": "gpt", **request})
    async with client.chat.completions.stream(**{"model": "gpt", **request}) as stream:
        return await stream.get_final_completion()


def _shown(message):
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.function.name, "arguments": call.function.arguments},
        }
        for call in message.tool_calls
    ]
    return {"role": "assistant", "content": message.content, "tool_calls": calls}


def _results(upstream):
    """The results of tools in the last request that came, whichever format it has."""
    messages = upstream.requests[-1].json()["messages"]
    if "anthropic" != upstream.profile.dialect:
        told = [message for message in messages if message["role"] == "tool"]
        return [(message["tool_call_id"], message["content"]) for message in told]
    told = [block for block in messages[-1]["content"] if block["type"] == "tool_result"]
    return [(block["tool_use_id"], block["content"]) for block in told]


async def _messaged(client, streamed, **request):
    asked = {"model": "gpt", "max_tokens": 2_000, **request}
    if not streamed:
        return await client.messages.create(**asked)
    async with client.messages.stream(**asked) as stream:
        return await stream.get_final_message()
