"""Second turns through the official SDKs: what the first one said comes back to its provider."""

import base64
import json

import pytest

from tests.e2e import test_sdks as sdks
from tests.e2e.test_sdks import BUDGET, FUNCTIONS, HELLO, NAMES, PNG, THINKER, TOOLS
from tokenhub.sim.sealed import known, signed

pytestmark = pytest.mark.anyio

upstream, gpt, claude = sdks.upstream, sdks.gpt, sdks.claude

STREAMED = pytest.mark.parametrize("streamed", [False, True])
THINKING = pytest.mark.parametrize("upstream", ["anthropic", "vllm"], indirect=True)
TOOLS_TOO = [{"role": "user", "content": "[[think]] Ask weather and clock"}]
SEALED = [{"role": "user", "content": "[[sealed]] Hello"}]
MORE = {"role": "user", "content": "And then?"}
ANY_ONE = {"disable_parallel_tool_use": True}
PDF = base64.b64encode(b"%PDF-1.4 simulated").decode()
IMAGE = {
    "type": "image",
    "source": {
        "type": "base64",
        "media_type": "image/png",
        "data": base64.b64encode(PNG).decode(),
    },
}


@THINKING
@STREAMED
async def test_openai_thinks_before_it_calls_two_tools(gpt, hub, upstream, streamed):
    await hub.model(THINKER, "one", max_context_tokens=64_000)
    ask = {"model": THINKER, "reasoning_effort": "low", "tools": FUNCTIONS}

    first = await sdks._completed(gpt, streamed, messages=TOOLS_TOO, **ask)
    message = first.choices[0].message
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": call.function.name}
        for call in message.tool_calls
    ]
    second = await sdks._completed(
        gpt, streamed, messages=[*TOOLS_TOO, _thought(message), *results], **ask
    )

    assert ("tool_calls", "stop") == (
        first.choices[0].finish_reason,
        second.choices[0].finish_reason,
    )
    assert NAMES == tuple(call.function.name for call in message.tool_calls)
    assert [(c.id, c.function.name) for c in message.tool_calls] == sdks._results(upstream)
    _came_back(upstream, message.reasoning_content)


@THINKING
@STREAMED
async def test_anthropic_thinks_before_it_calls_two_tools(claude, upstream, streamed):
    ask = {"tools": TOOLS, "thinking": BUDGET}

    first = await sdks._messaged(claude, streamed, messages=TOOLS_TOO, **ask)
    thought, *uses = first.content
    results = [{"type": "tool_result", "tool_use_id": u.id, "content": u.name} for u in uses]
    turns = [{"role": "assistant", "content": first.content}, {"role": "user", "content": results}]
    second = await sdks._messaged(claude, streamed, messages=[*TOOLS_TOO, *turns], **ask)

    assert ("tool_use", "end_turn") == (first.stop_reason, second.stop_reason)
    assert NAMES == tuple(use.name for use in uses)
    assert [(use.id, use.name) for use in uses] == sdks._results(upstream)
    _came_back(upstream, thought.thinking)


@pytest.mark.parametrize("upstream", ["anthropic"], indirect=True)
@STREAMED
async def test_openai_keeps_sealed_thinking_for_the_next_turn(gpt, hub, upstream, streamed):
    await hub.model(THINKER, "one", max_context_tokens=64_000)
    ask = {"model": THINKER, "reasoning_effort": "low"}

    first = await sdks._completed(gpt, streamed, messages=SEALED, **ask)
    told = _thought(first.choices[0].message)
    second = await sdks._completed(gpt, streamed, messages=[*SEALED, told, MORE], **ask)

    assert "stop" == second.choices[0].finish_reason
    block = upstream.requests[-1].json()["messages"][1]["content"][0]
    assert ("redacted_thinking", True) == (block["type"], known(block["data"]))


@STREAMED
async def test_anthropic_shows_an_image_in_the_result_of_a_tool(claude, streamed):
    messages = [{"role": "user", "content": "Ask weather"}]
    first = await sdks._messaged(claude, streamed, messages=messages, tools=TOOLS)
    content = [{"type": "text", "text": "Look:"}, IMAGE]
    result = {"type": "tool_result", "tool_use_id": first.content[0].id, "content": content}
    messages += [{"role": "assistant", "content": first.content}]
    messages += [{"role": "user", "content": [result]}]

    second = await sdks._messaged(
        claude, streamed, messages=messages, tools=TOOLS, tool_choice={"type": "none"}
    )

    assert f"I see 1 image (image/png of {len(PNG)} bytes)" in second.content[0].text


@STREAMED
async def test_openai_shows_a_document(gpt, streamed):
    file = {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}
    parts = [{"type": "file", "file": file}, {"type": "text", "text": "Hello"}]

    answer = await sdks._completed(gpt, streamed, messages=[{"role": "user", "content": parts}])

    assert (
        "I see 1 document (a.pdf, application/pdf of 18 bytes)" in answer.choices[0].message.content
    )


@STREAMED
async def test_anthropic_shows_a_document(claude, streamed):
    source = {"type": "base64", "media_type": "application/pdf", "data": PDF}
    document = {"type": "document", "title": "a.pdf", "source": source}
    blocks = [document, {"type": "text", "text": "Hello"}]

    answer = await sdks._messaged(claude, streamed, messages=[{"role": "user", "content": blocks}])

    assert "I see 1 document (a.pdf, application/pdf of 18 bytes)" in answer.content[0].text


@STREAMED
@pytest.mark.parametrize(
    ("choice", "names"),
    [
        pytest.param({"parallel_tool_calls": False}, ["weather"], id="one"),
        pytest.param({"tool_choice": "none"}, [], id="none"),
        pytest.param(
            {"tool_choice": {"type": "function", "function": {"name": "clock"}}},
            ["clock"],
            id="named",
        ),
    ],
)
async def test_openai_chooses_tools(gpt, streamed, choice, names):
    answer = await sdks._completed(gpt, streamed, messages=sdks.BOTH, tools=FUNCTIONS, **choice)

    calls = answer.choices[0].message.tool_calls or []
    assert names == [call.function.name for call in calls]


@STREAMED
async def test_openai_must_call_a_tool(gpt, streamed):
    answer = await sdks._completed(
        gpt, streamed, messages=HELLO, tools=FUNCTIONS, tool_choice="required"
    )

    assert answer.choices[0].message.tool_calls


@STREAMED
@pytest.mark.parametrize(
    ("choice", "names"),
    [
        pytest.param({"type": "auto", **ANY_ONE}, ["weather"], id="one"),
        pytest.param({"type": "none"}, [], id="none"),
        pytest.param({"type": "tool", "name": "clock"}, ["clock"], id="named"),
        pytest.param({"type": "any", **ANY_ONE}, ["weather"], id="must"),
    ],
)
async def test_anthropic_chooses_tools(claude, streamed, choice, names):
    answer = await sdks._messaged(
        claude, streamed, messages=sdks.BOTH, tools=TOOLS, tool_choice=choice
    )

    assert names == [block.name for block in answer.content if block.type == "tool_use"]


def _thought(message):
    """The message to be sent back, without what the SDK has read from it."""
    told = json.loads(message.to_json())
    told.pop("parsed", None)
    for call in told.get("tool_calls") or ():
        call.pop("index", None)
        call["function"].pop("parsed_arguments", None)
    return told


def _came_back(upstream, thinking):
    assert thinking.startswith("Simulated thinking:")
    before = upstream.requests[-1].json()["messages"][1]
    if "anthropic" == upstream.profile.dialect:
        block = before["content"][0]
        assert signed(block["thinking"], block["signature"])
        assert thinking == block["thinking"]
        return
    assert thinking == before["reasoning_content"]
