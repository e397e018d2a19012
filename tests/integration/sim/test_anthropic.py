"""Anthropic's routes of the simulated provider, byte by byte."""

import json

import msgspec
import pytest

from tokenhub.sim.fault import Fault

pytestmark = pytest.mark.anyio

VERSION = {"anthropic-version": "2023-06-01"}
TOOL = {
    "name": "get_weather",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}


async def events(response) -> list[tuple[str, dict]]:
    """Each event's name and data, in order; nothing but these two lines may stand in one."""
    read = []
    for block in (await response.text()).removesuffix("\n\n").split("\n\n"):
        name, data = block.split("\n")
        read.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return read


async def test_a_whole_message(http, message) -> None:
    async with http.post("/v1/messages", json=message, headers=VERSION) as response:
        body = await response.json()

    assert response.headers["request-id"].startswith("req_")
    assert ("message", "assistant", "end_turn", None) == (
        body["type"],
        body["role"],
        body["stop_reason"],
        body["stop_sequence"],
    )
    assert "text" == body["content"][0]["type"]
    assert 12 == body["usage"]["output_tokens"]


async def test_a_stream_has_the_vendors_events_in_order(http, message) -> None:
    ask = {**message, "stream": True}
    async with http.post("/v1/messages", json=ask, headers=VERSION) as response:
        read = await events(response)

    names = [name for name, _ in read]
    assert names == [data["type"] for _, data in read]
    assert [
        "message_start",
        "content_block_start",
        "ping",
        *["content_block_delta"] * 12,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ] == names
    assert [] == read[0][1]["message"]["content"]
    assert "".join(data["delta"]["text"] for name, data in read if name == "content_block_delta")
    assert {"stop_reason": "end_turn", "stop_sequence": None} == read[-2][1]["delta"]
    assert {"output_tokens": 12} == read[-2][1]["usage"]


async def test_a_limit_is_the_stop_reason(http, message) -> None:
    ask = {**message, "max_tokens": 2}
    async with http.post("/v1/messages", json=ask, headers=VERSION) as response:
        body = await response.json()

    assert ("max_tokens", 2) == (body["stop_reason"], body["usage"]["output_tokens"])


async def test_a_tool_is_called_and_its_result_answered(http, message) -> None:
    ask = {**message, "tools": [TOOL]}
    async with http.post("/v1/messages", json=ask, headers=VERSION) as response:
        first = await response.json()
    used = first["content"][0]
    result = {"type": "tool_result", "tool_use_id": used["id"], "content": "cold"}
    ask["messages"] = [
        *ask["messages"],
        {"role": "assistant", "content": first["content"]},
        {"role": "user", "content": [result]},
    ]
    async with http.post("/v1/messages", json=ask, headers=VERSION) as response:
        second = await response.json()

    assert ("tool_use", "tool_use", "get_weather") == (
        first["stop_reason"],
        used["type"],
        used["name"],
    )
    assert ["city"] == list(used["input"])
    assert "text" == second["content"][0]["type"]


async def test_a_streamed_tool_call_comes_in_pieces_of_json(http, message) -> None:
    ask = {**message, "tools": [TOOL], "tool_choice": {"type": "any"}, "stream": True}
    async with http.post("/v1/messages", json=ask, headers=VERSION) as response:
        read = await events(response)

    pieces = [data["delta"]["partial_json"] for name, data in read if name == "content_block_delta"]
    assert {} == read[1][1]["content_block"]["input"]
    assert "" == pieces[0]
    assert ["city"] == list(json.loads("".join(pieces)))
    assert "tool_use" == read[-2][1]["delta"]["stop_reason"]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.rate_limited(), (429, "error", "rate_limit_error")),
        (Fault.status(500), (500, "error", "api_error")),
        (Fault.overloaded(), (529, "error", "overloaded_error")),
        (Fault.context_overflow(), (400, "error", "invalid_request_error")),
    ],
)
async def test_errors_are_the_vendors(sim, http, message, fault, expected) -> None:
    sim.next(fault)
    async with http.post("/v1/messages", json=message, headers=VERSION) as response:
        body = await response.json()

    assert expected == (response.status, body["type"], body["error"]["type"])
    assert response.headers["request-id"] == body["request_id"]


async def test_a_prompt_longer_than_the_context_is_refused(http, message) -> None:
    ask = {**message, "model": "org/small", "system": "x" * 400}
    async with http.post("/v1/messages", json=ask, headers=VERSION) as response:
        body = await response.json()

    assert 400 == response.status
    assert body["error"]["message"].startswith("prompt is too long: 113 tokens > 100 maximum")


@pytest.mark.parametrize("missing", ["max_tokens", "messages", "model"])
async def test_a_missing_field_is_named(http, message, missing) -> None:
    del message[missing]
    async with http.post("/v1/messages", json=message, headers=VERSION) as response:
        body = await response.json()

    assert (400, "invalid_request_error") == (response.status, body["error"]["type"])
    assert body["error"]["message"].startswith(missing)


async def test_the_version_header_is_wanted(http, message) -> None:
    async with http.post("/v1/messages", json=message) as response:
        body = await response.json()

    assert (400, "anthropic-version: header is required") == (
        response.status,
        body["error"]["message"],
    )


async def test_a_wrong_key_is_refused_in_the_dialect(sim, http, message) -> None:
    sim.profile = msgspec.structs.replace(sim.profile, api_key="right")
    async with http.post("/v1/messages", json=message, headers=VERSION) as response:
        body = await response.json()
    async with http.post(
        "/v1/messages", json=message, headers={**VERSION, "x-api-key": "right"}
    ) as good:
        await good.read()

    assert (401, "authentication_error") == (response.status, body["error"]["type"])
    assert 200 == good.status


async def test_the_list_of_models_is_the_vendors_with_its_header(http) -> None:
    async with http.get("/v1/models", headers=VERSION) as response:
        listed = await response.json()
    async with http.get("/v1/models/org%2Fsmall", headers=VERSION) as response:
        one = await response.json()

    assert ["sim-large", "org/small"] == [model["id"] for model in listed["data"]]
    assert (False, "sim-large", "org/small") == (
        listed["has_more"],
        listed["first_id"],
        listed["last_id"],
    )
    assert ("model", "org/small") == (one["type"], one["id"])


async def test_a_stream_may_break_with_the_vendors_error_event(sim, http, message) -> None:
    sim.next(Fault.cut("error", after=3))
    ask = {**message, "stream": True}
    async with http.post("/v1/messages", json=ask, headers=VERSION) as response:
        read = await events(response)

    assert ("error", "overloaded_error") == (read[-1][0], read[-1][1]["error"]["type"])


async def test_an_unknown_model_is_not_found(http, message) -> None:
    ask = {**message, "model": "none"}
    async with http.post("/v1/messages", json=ask, headers=VERSION) as response:
        body = await response.json()

    assert (404, "not_found_error", "model: none") == (
        response.status,
        body["error"]["type"],
        body["error"]["message"],
    )


async def test_an_event_may_be_no_json(sim, http, message) -> None:
    sim.next(Fault.invalid_json())
    ask = {**message, "stream": True}
    async with http.post("/v1/messages", json=ask, headers=VERSION) as response:
        with pytest.raises(json.JSONDecodeError):
            await events(response)
