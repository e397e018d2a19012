"""What is read of every request for a message."""

import json
from typing import Any

import pytest

from tests.unit.dialects.anthropic.said import assistant, body, user
from tests.unit.dialects.bad_input import SYNTAX
from tokenhub.core.errors import BadRequest
from tokenhub.dialects.anthropic.ask import to_ask, to_count

BAD = [
    ("no messages", b'{"max_tokens":1}', "messages"),
    ("empty messages", b'{"max_tokens":1,"messages":[]}', "messages"),
    ("no limit", b'{"messages":[{"role":"user","content":"hi"}]}', "max_tokens"),
    ("a negative limit", body(max_tokens=-1), "max_tokens"),
    ("a limit that is text", body(max_tokens="9"), "max_tokens"),
    ("a model that is a number", body(model=7), "model"),
    ("no content", body({"role": "user"}), "messages[0].content"),
    ("content that is a number", body(user(7)), "messages[0].content"),
    ("a block without a type", body(user([{"text": "hi"}])), "messages[0].content[0].type"),
    ("a system that is a number", body(system=7), "system"),
    ("stream that is text", body(stream="yes"), "stream"),
]


@pytest.mark.parametrize(("_name", "sent", "field"), BAD, ids=[row[0] for row in BAD])
def test_bad_input_is_refused_with_its_field(_name: str, sent: bytes, field: str) -> None:
    with pytest.raises(BadRequest) as caught:
        to_ask(sent)

    assert field == caught.value.field
    assert str(caught.value)


@pytest.mark.parametrize(("_name", "sent", "code", "_field"), SYNTAX, ids=[r[0] for r in SYNTAX])
def test_bad_syntax_is_refused(_name: str, sent: bytes, code: str, _field: str | None) -> None:
    for read in (to_ask, to_count):
        with pytest.raises(BadRequest) as caught:
            read(sent)

        assert caught.value.code in {code, "invalid_type"}


def test_everything_that_is_read() -> None:
    sent = body("hello world!", model="claude", stream=True, max_tokens=9, tools=[{"name": "t"}])

    ask = to_ask(sent, substitute="never", features=(("anthropic-beta", "x"),))

    assert sent == ask.payload
    assert ("messages", "anthropic", "chat") == (ask.dialect, ask.speech, ask.task)
    assert ("claude", True, 9) == (ask.model, ask.stream, ask.max_tokens)
    assert ("never", (("anthropic-beta", "x"),)) == (ask.substitute, ask.features)
    assert 4 + 3 + 4 == ask.input_tokens


def test_a_count_needs_no_limit_and_is_no_stream() -> None:
    ask = to_count(b'{"messages":[{"role":"user","content":"hi"}],"stream":true}')

    assert ("count", False, 5) == (ask.task, ask.stream, ask.input_tokens)
    assert "count_tokens" == ask.dialect


def test_blocks_that_are_new_to_us_are_let_pass() -> None:
    block = {"type": "new", "name": {}, "text": 7}
    sent = body(user([block, {"type": "text", "text": "hi"}]), system=[block], model="m")

    ask = to_ask(sent)

    size = -(-len(json.dumps(block)) // 4)
    assert (sent, "m", 9) == (ask.payload, ask.model, ask.max_tokens)
    assert 4 + 1 + 2 * size == ask.input_tokens


RESULT = ('{"type":"tool_result","tool_use_id":"a","content":[', "]}")
DOCUMENT = ('{"type":"document","source":{"type":"content","content":[', "]}}")


@pytest.mark.parametrize(
    ("around", "levels"), [(RESULT, 4), (RESULT, 420), (DOCUMENT, 4), (DOCUMENT, 220)]
)
def test_blocks_nested_without_end_are_counted_by_their_bytes(
    around: tuple[str, str], levels: int
) -> None:
    inner = json.dumps({"type": "text", "text": LONG})
    block = around[0] * levels + inner + around[1] * levels

    ask = to_ask(f'{{"max_tokens":1,"messages":[{{"role":"user","content":[{block}]}}]}}'.encode())

    # Of three levels, the form is known; each weighs next to nothing.
    size = len(around[0] + around[1]) * (levels - 4) + len(inner) + 2
    assert 4 + -(-size // 4) == ask.input_tokens


LONG = "x" * 400
BLOCKS: list[tuple[dict[str, Any], int]] = [
    ({"type": "text", "text": LONG}, 100),
    ({"type": "image", "source": {"type": "url", "url": LONG}}, 765),
    ({"type": "document", "source": {"type": "base64", "data": LONG}}, 765),
    ({"type": "document", "source": {"type": "text", "data": LONG}}, 100),
    ({"type": "document", "source": {"type": "content", "content": LONG}}, 100),
    ({"type": "document"}, 765),
    ({"type": "tool_result", "tool_use_id": "a", "content": LONG}, 100),
    ({"type": "tool_result", "content": [{"type": "text", "text": LONG}]}, 100),
    ({"type": "tool_result"}, 0),
    ({"type": "tool_use", "name": "x" * 8, "input": {}}, 3),
    ({"type": "thinking", "thinking": LONG, "signature": "s"}, 100),
    ({"type": "redacted_thinking", "data": LONG}, 100),
    ({"type": "web_search_tool_result", "content": [LONG]}, 101),
]


@pytest.mark.parametrize(("block", "tokens"), BLOCKS)
def test_every_block_is_estimated(block: dict[str, Any], tokens: int) -> None:
    assert 4 + tokens == to_ask(body(assistant([block]))).input_tokens


def test_a_system_prompt_is_estimated() -> None:
    sent = json.loads(body("hi", system=[{"type": "text", "text": LONG}]))

    assert 105 == to_ask(json.dumps(sent).encode()).input_tokens
