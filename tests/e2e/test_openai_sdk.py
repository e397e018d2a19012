"""The official SDK, and raw requests where bytes matter, through TokenHub to a provider."""

import asyncio
import json

import msgspec
import openai
import pytest

from tokenhub.sim.fault import Fault

pytestmark = pytest.mark.anyio

HELLO = [{"role": "user", "content": "Hello"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
ROUTED = {
    "x-negotiated-model",
    "x-tokenhub-model",
    "x-tokenhub-attempts",
    "x-tokenhub-provider",
    "x-tokenhub-reason",
    "x-tokenhub-overhead-ms",
    "x-request-id",
}


@pytest.fixture
async def served(hub, sim):
    """One provider with three models, and its key."""
    models = ["gpt", "org/small", "large"]
    await hub.provider(
        "one", sim, models=models, model={"max_context_tokens": 4_000}, api_key="sk-upstream"
    )
    return hub


@pytest.fixture
async def sdk(served, sdk):
    return sdk


@pytest.fixture
def post(served, key):
    """Sends a body as it is; gives the response."""

    async def send(body, path="/v1/chat/completions", **headers):
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        given = {"authorization": f"Bearer {key}", "content-type": "application/json", **headers}
        return await served.http.post(path, content=content, headers=given)

    return send


# --- what works


async def test_a_whole_answer(sdk, served, sim):
    answer = await sdk.chat.completions.create(model="gpt", messages=HELLO)

    assert answer.choices[0].message.content.startswith("Simulated answer: ")
    assert ("stop", "gpt") == (answer.choices[0].finish_reason, answer.model)
    assert (12, 12) == (
        answer.usage.completion_tokens,
        answer.usage.total_tokens - answer.usage.prompt_tokens,
    )
    assert "Bearer sk-upstream" == sim.requests[0].headers["authorization"]
    row = (await served.logs())[0]
    assert ("gpt", "one", 200, 12) == (
        row["model_id"],
        row["provider_id"],
        row["status_code"],
        row["output_tokens"],
    )


async def test_a_whole_answer_to_the_sync_client(served, key, sim):
    def ask():
        with openai.OpenAI(base_url=f"{served.url}/v1", api_key=key, max_retries=0) as client:
            streamed = client.chat.completions.create(model="gpt", messages=HELLO, stream=True)
            pieces = [chunk.choices[0].delta.content or "" for chunk in streamed]
            return client.chat.completions.create(model="gpt", messages=HELLO), "".join(pieces)

    answer, streamed = await asyncio.to_thread(ask)

    assert "stop" == answer.choices[0].finish_reason
    assert streamed.startswith("Simulated answer: ")
    assert 2 == len(sim.requests)


async def test_a_stream_is_the_text_and_shows_no_usage(sdk, served):
    chunks = [
        chunk
        async for chunk in await sdk.chat.completions.create(
            model="gpt", messages=HELLO, stream=True
        )
    ]

    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text.startswith("Simulated answer: ")
    assert "stop" == chunks[-1].choices[0].finish_reason
    assert [None] == list({chunk.usage for chunk in chunks})
    row = (await served.logs())[0]
    assert (True, 12, False) == (row["stream"], row["output_tokens"], row["estimated"])


async def test_a_stream_with_usage_ends_with_it(sdk, served):
    chunks = [
        chunk
        async for chunk in await sdk.chat.completions.create(
            model="gpt", messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
    ]

    row = (await served.logs())[0]
    assert [] == chunks[-1].choices
    assert 12 == chunks[-1].usage.completion_tokens
    assert row["total_tokens"] == chunks[-1].usage.total_tokens


async def test_tools_in_two_turns_whole(sdk, sim):
    messages = [*HELLO]
    first = await sdk.chat.completions.create(model="gpt", messages=messages, tools=[WEATHER])
    message = first.choices[0].message
    call = message.tool_calls[0]
    messages += [
        message.to_dict(),
        {"role": "tool", "tool_call_id": call.id, "content": "sunny"},
    ]

    second = await sdk.chat.completions.create(model="gpt", messages=messages, tools=[WEATHER])

    assert ("tool_calls", "weather") == (first.choices[0].finish_reason, call.function.name)
    assert {"city"} == set(json.loads(call.function.arguments))
    assert "stop" == second.choices[0].finish_reason
    assert messages == sim.requests[1].json()["messages"]


async def test_tools_in_two_turns_streamed(sdk, sim):
    async with sdk.chat.completions.stream(model="gpt", messages=HELLO, tools=[WEATHER]) as stream:
        first = await stream.get_final_completion()
    message = first.choices[0].message
    call = message.tool_calls[0]
    shown = {
        "role": "assistant",
        "tool_calls": [call.to_dict() | {"function": call.function.to_dict()}],
    }
    shown["tool_calls"][0]["function"].pop("parsed_arguments", None)
    told = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}

    async with sdk.chat.completions.stream(
        model="gpt", messages=[*HELLO, shown, told], tools=[WEATHER]
    ) as stream:
        second = await stream.get_final_completion()

    assert ("tool_calls", "weather") == (first.choices[0].finish_reason, call.function.name)
    assert {"city"} == set(json.loads(call.function.arguments))
    assert "stop" == second.choices[0].finish_reason
    assert told == sim.requests[1].json()["messages"][2]


async def test_models_are_listed_and_found_by_ids_with_slashes(sdk):
    listed = [model.id async for model in sdk.models.list()]
    small = await sdk.models.retrieve("org/small")
    by_route = await sdk.models.retrieve("one/gpt")

    assert ["gpt", "large", "org/small"] == sorted(listed)
    assert ("org/small", "one") == (small.id, small.owned_by)
    assert "gpt" == by_route.id


async def test_a_percent_sign_in_a_model_id_is_itself(hub, sim):
    await hub.provider("one", sim, models=["a%2Fb", "a/b"])

    found = [await hub.http.get(f"/v1/models/{name}") for name in ("a%252Fb", "a%2Fb", "a/b")]

    assert ["a%2Fb", "a/b", "a/b"] == [answer.json()["id"] for answer in found]


# --- what is refused, and how the SDK tells it


async def raised(kind, call):
    with pytest.raises(kind) as caught:
        await call
    return caught.value


async def test_a_bad_key_is_an_authentication_error(sdk):
    bad = sdk.with_options(api_key="tokenhub_" + "0" * 40)

    error = await raised(
        openai.AuthenticationError, bad.chat.completions.create(model="gpt", messages=HELLO)
    )

    assert (401, "invalid_api_key") == (error.status_code, error.code)
    assert "invalid api key" in error.message
    assert "Bearer" == error.response.headers["www-authenticate"]


async def test_a_foreign_key_is_an_authentication_error(sdk):
    error = await raised(
        openai.AuthenticationError,
        sdk.with_options(api_key="sk-other").chat.completions.create(model="gpt", messages=HELLO),
    )

    assert "a key of this server begins with tokenhub_" in error.message
    assert "sk-other" not in error.message


async def test_a_missing_key_is_an_authentication_error(sdk, sim):
    error = await raised(
        openai.AuthenticationError,
        sdk.chat.completions.create(
            model="gpt", messages=HELLO, extra_headers={"Authorization": openai.omit}
        ),
    )

    assert (401, "invalid_api_key") == (error.status_code, error.code)
    assert "authorization required" in error.message
    assert [] == sim.requests


async def test_a_key_of_another_scope_is_a_permission_error(sdk, served):
    planner = sdk.with_options(api_key=await served.key("plan"))

    error = await raised(
        openai.PermissionDeniedError, planner.chat.completions.create(model="gpt", messages=HELLO)
    )

    assert (403, "insufficient_scope") == (error.status_code, error.code)
    assert "chat" in error.message


@pytest.mark.parametrize("header", ["x-api-key", "authorization"])
async def test_a_key_is_taken_from_either_header(post, key, header):
    value = key if header == "x-api-key" else f"bearer {key}"

    answer = await post({"messages": HELLO}, **({"authorization": ""} | {header: value}))

    assert 200 == answer.status_code


async def test_an_unknown_model_without_a_substitute_is_not_found(sdk, sim):
    error = await raised(
        openai.NotFoundError,
        sdk.chat.completions.create(
            model="gpt-77", messages=HELLO, extra_headers={"X-TokenHub-Substitute": "never"}
        ),
    )

    assert (404, "model_not_found") == (error.status_code, error.code)
    assert "'gpt-77' does not exist" in error.message
    assert [] == sim.requests


async def test_an_unknown_model_is_routed(sdk):
    answer = await sdk.chat.completions.create(model="gpt-77", messages=HELLO)

    assert answer.model in {"gpt", "org/small", "large"}


async def test_a_refusal_of_the_provider_keeps_its_code_and_param(sdk, sim):
    error = await raised(
        openai.BadRequestError,
        sdk.chat.completions.create(model="gpt", messages=HELLO, n=0),
    )

    assert (400, "n") == (error.status_code, error.param)
    assert "invalid_request_error" == error.type
    assert "Expected `int` >= 1" in error.message
    assert 1 == len(sim.requests)


async def test_a_scripted_refusal_is_passed_on_and_asked_once(sdk, served, sim, second):
    await served.provider("two", second, models=["gpt"])
    body = b'{"error": {"message": "no dice", "type": "x", "param": "n", "code": "bad_n"}}'
    for provider in (sim, second):
        provider.next(Fault.body(body, status=422, content_type="application/json"))

    error = await raised(
        openai.UnprocessableEntityError,
        sdk.chat.completions.create(model="gpt", messages=HELLO),
    )

    assert ("bad_n", "n") == (error.code, error.param)
    assert "no dice" in error.message
    assert 1 == len(sim.requests) + len(second.requests)


async def test_a_prompt_too_long_for_all_is_told_before_any_call(sdk, sim):
    long = [{"role": "user", "content": "word " * 20_000}]

    error = await raised(
        openai.BadRequestError, sdk.chat.completions.create(model="gpt", messages=long)
    )

    assert (400, "context_length_exceeded") == (error.status_code, error.code)
    assert "4000" in error.message
    assert [] == sim.requests


async def test_a_prompt_too_long_for_the_provider_has_the_same_code(sdk, sim):
    sim.next(Fault.context_overflow(), Fault.context_overflow())

    error = await raised(
        openai.BadRequestError, sdk.chat.completions.create(model="gpt", messages=HELLO)
    )

    assert "context_length_exceeded" == error.code


async def test_all_providers_down_lists_the_attempts(sdk, served, sim, second):
    await served.provider("two", second, models=["gpt"])
    down = [Fault.status(503)] * 4
    sim.next(*down)
    second.next(*down)

    error = await raised(
        openai.InternalServerError, sdk.chat.completions.create(model="gpt", messages=HELLO)
    )

    attempts = error.body["attempts"]
    assert (503, "upstream_overloaded") == (error.status_code, error.code)
    assert 4 == len(attempts) == len(sim.requests) + len(second.requests)
    assert {"one", "two"} == {attempt["provider"] for attempt in attempts}
    assert {("overloaded", 503)} == {(a["class"], a["status"]) for a in attempts}


async def test_a_throttled_request_says_when_to_come_back(sdk, sim):
    sim.next(*[Fault.rate_limited("7")] * 4)

    error = await raised(
        openai.RateLimitError, sdk.chat.completions.create(model="gpt", messages=HELLO)
    )

    assert (429, "upstream_throttled") == (error.status_code, error.code)
    assert "7" == error.response.headers["retry-after"]


async def test_a_stream_that_cannot_begin_is_an_error_with_a_status(sdk, sim):
    sim.next(*[Fault.status(500)] * 4)

    error = await raised(
        openai.InternalServerError,
        sdk.chat.completions.create(model="gpt", messages=HELLO, stream=True),
    )

    assert "upstream_overloaded" == error.code


# --- bytes


async def test_the_answer_of_the_provider_comes_back_byte_for_byte(post, sim):
    body = '{ "choices": [{}], "né":"\\u00e9" ,\n "usage":null, "big":1e999, "z":00}'.encode()
    body = body.replace(b"00", b"12345678901234567890123")
    sim.next(Fault.body(body, content_type="application/json"))

    answer = await post({"model": "gpt", "messages": HELLO})

    assert body == answer.content


async def test_the_events_of_the_provider_come_back_byte_for_byte(post, sim):
    chunks = [
        b'data: {"choices": [{"delta": {"role": "assistant", "content": ""}}], "x": 1.50}\n\n',
        b': a comment\n\ndata: {"choices":[{"index":0,"delta":{"content":"\\u00e9"}}]}\n\n',
        b'event: odd\ndata: {"choices":[{"delta":{},"finish_reason":"stop"}]}\r\n\r\n',
        b"data: [DONE]\n\n",
    ]
    stream = b"".join(chunks)
    sim.next(Fault.body(stream, content_type="text/event-stream"))

    answer = await post({"model": "gpt", "messages": HELLO, "stream": True})

    assert stream == answer.content


async def test_fields_that_we_do_not_know_arrive_byte_for_byte(post, sim):
    body = (
        b'{ "model":"gpt","x_new":{"a":[1.0,1e400,"\\ud83d\\ude00"],"b":18446744073709551616},'
        b'\n"messages":[{"role":"user","content":"hi","z":0.10}]}'
    )

    await post(body)

    assert body == sim.requests[0].body


async def test_only_the_model_is_replaced_when_another_answers(post, sim):
    await post(b'{"x_new": 1.50, "model" : "gpt-77" , "messages":[{"role": "user","content":"a"}]}')

    sent = sim.requests[0].json()
    assert sent.pop("model") in {"gpt", "org/small", "large"}
    assert {"x_new": 1.5, "messages": [{"role": "user", "content": "a"}]} == sent
    assert b'"x_new":1.50' in sim.requests[0].body
    assert b'[{"role": "user","content":"a"}]' in sim.requests[0].body


async def test_usage_is_asked_for_in_every_stream_and_nothing_else_changes(post, sim):
    await post(b'{"model":"gpt","stream":true,"y":1.0,"messages":[{"role":"user","content":"a"}]}')

    assert {"include_usage": True} == sim.requests[0].json()["stream_options"]
    assert b'"y":1.0' in sim.requests[0].body


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/chat"])
async def test_the_headers_say_how_it_was_routed(post, path, stream):
    model = {"model_hint" if path == "/v1/chat" else "model": "org/small"}

    answer = await post({**model, "messages": HELLO, "stream": stream}, path)

    found = {name: answer.headers[name] for name in ROUTED}
    assert ("org/small", "org/small") == (
        found["x-negotiated-model"],
        found["x-tokenhub-model"],
    )
    assert ("one", "1") == (found["x-tokenhub-provider"], found["x-tokenhub-attempts"])
    assert "routed-hint-exact" == found["x-tokenhub-reason"]
    assert 0 <= float(found["x-tokenhub-overhead-ms"]) < 1000
    assert found["x-request-id"].startswith("req_")


async def test_an_id_that_no_header_can_hold_is_escaped(hub, key, sim):
    sim.profile = msgspec.structs.replace(
        sim.profile, models=(msgspec.structs.replace(sim.profile.models[0], id="modèle-ü"),)
    )
    await hub.provider("one", sim, models=["modèle-ü"])

    answer = await hub.http.post(
        "/v1/chat/completions",
        json={"messages": HELLO, "model": "modèle-ü"},
        headers={"x-api-key": key},
    )

    assert 200 == answer.status_code
    assert "mod\\xe8le-\\xfc" == answer.headers["x-negotiated-model"]
