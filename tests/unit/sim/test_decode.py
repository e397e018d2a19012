"""Request bodies of both vendors, read into a call."""

import msgspec
import pytest

from tokenhub.sim.anthropic_read import from_anthropic
from tokenhub.sim.call import Refused, Tool
from tokenhub.sim.embeddings import from_embeddings
from tokenhub.sim.openai_read import from_openai

USER = {"role": "user", "content": "x" * 40}


def raw(**fields) -> bytes:
    return msgspec.json.encode({"model": "m", "messages": [USER]} | fields)


def test_a_prompt_counts_a_token_for_four_characters_and_the_frame() -> None:
    assert 3 + 4 + 10 == from_openai(raw()).prompt_tokens
    assert 3 + 4 + 10 + 4 + 1 == from_anthropic(raw(max_tokens=9, system="abcd")).prompt_tokens


def test_content_in_parts_counts_its_texts() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://x"}}
    parts = [{"type": "text", "text": "abcd"}, image]

    call = from_openai(raw(messages=[{"role": "user", "content": parts}]))

    assert 3 + 4 + 1 == call.prompt_tokens


def test_either_name_of_the_limit_is_known() -> None:
    assert 9 == from_openai(raw(max_tokens=9)).max_tokens
    assert 5 == from_openai(raw(max_completion_tokens=5)).max_tokens


def test_tools_of_both_vendors_are_the_same_tool() -> None:
    schema = {"type": "object"}
    openai = raw(tools=[{"type": "function", "function": {"name": "t", "parameters": schema}}])
    anthropic = raw(tools=[{"name": "t", "input_schema": schema}], max_tokens=9)

    assert (Tool(name="t", schema=schema),) == from_openai(openai).tools
    assert (Tool(name="t", schema=schema),) == from_anthropic(anthropic).tools


def test_a_tools_result_as_last_message_ends_the_calling() -> None:
    used = {"id": "1", "type": "function", "function": {"name": "t", "arguments": "{}"}}
    openai = [
        USER,
        {"role": "assistant", "tool_calls": [used]},
        {"role": "tool", "tool_call_id": "1", "content": "ok"},
    ]
    use = {"type": "tool_use", "id": "1", "name": "t", "input": {}}
    part = {"type": "tool_result", "tool_use_id": "1", "content": "ok"}
    anthropic = [
        USER,
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [part]},
    ]

    assert not from_openai(raw(messages=openai)).may_call
    assert not from_anthropic(raw(messages=anthropic, max_tokens=9)).may_call


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (raw(max_tokens="many"), "max_tokens"),
        (raw(max_tokens=0), "max_tokens"),
        (raw(messages=[{"content": "x"}]), "messages[0].role"),
        (raw(stream_options={"include_usage": True}), "stream_options"),
        (raw(n=2), "n"),
        (b'{"model": "m"}', "messages"),
        (b"{", None),
        (b'{"model": "\xff"}', None),
        (b'{"deep": ' + b"[" * 100_000, None),
    ],
)
def test_a_bad_body_is_refused_with_its_field(body: bytes, param: str | None) -> None:
    with pytest.raises(Refused) as caught:
        from_openai(body)

    assert param == caught.value.param


def test_anthropic_wants_a_limit() -> None:
    with pytest.raises(Refused, match="Field required") as caught:
        from_anthropic(raw())

    assert "max_tokens" == caught.value.param


@pytest.mark.parametrize(
    ("given", "count"), [("a", 1), (["a", "b"], 2), ([1, 2, 3], 1), ([[1, 2], [3]], 2)]
)
def test_every_form_of_embedding_input_is_counted(given: object, count: int) -> None:
    body = msgspec.json.encode({"model": "m", "input": given})

    assert count == len(from_embeddings(body).inputs())
