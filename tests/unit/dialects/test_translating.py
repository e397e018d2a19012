"""What a translated answer is counted at, where the provider does not say."""

import json
from typing import Any

import pytest

from tokenhub.core.ask import Ask, Shape
from tokenhub.core.outcome import Usage
from tokenhub.core.talk import Began, Delta, Ended, TextPiece
from tokenhub.dialects.exchange import exchange
from tokenhub.dialects.translating import Translator

BODY = b'{"messages":[{"role":"user","content":"hi"}],"model":"m","max_tokens":9}'


class Scripted:
    """A reader whose deltas are given."""

    done = True

    def __init__(self, deltas: list[Delta]) -> None:
        self._deltas = deltas

    def feed(self, data: bytes) -> list[Delta]:
        return self._deltas

    def end(self) -> list[Delta]:
        return []


class Noted:
    """A writer that notes what it is given."""

    terminal = b""

    def __init__(self) -> None:
        self.deltas: list[Delta] = []

    def write(self, deltas: Any) -> bytes:
        self.deltas += deltas
        return b""


def ask(speech: str, **fields: Any) -> Ask:
    return Ask(payload=BODY, model="m", speech=speech, input_tokens=5, **fields)


def translated(ended: Usage | None, *, began: Usage | None = None) -> tuple[Translator, Usage]:
    """The stream, and the usage that its caller is shown."""
    writer = Noted()
    said: list[Delta] = [TextPiece("four")] * 20
    reader = Scripted([Began(id="i", model="m", usage=began), *said, Ended(usage=ended)])
    stream = Translator(ask("openai"), reader, writer)
    stream.feed(b"-")
    last = writer.deltas[-1]
    assert isinstance(last, Ended)
    assert last.usage is not None
    return stream, last.usage


@pytest.mark.parametrize(
    ("began", "ended", "usage", "shown"),
    [
        (None, None, None, Usage(5, 20)),
        (Usage(3, 1), None, Usage(3, None), Usage(3, 20)),
        (Usage(3, 1), Usage(3, None, 2), Usage(3, None, 2), Usage(3, 20, 2)),
        (None, Usage(None, 7), Usage(None, 7), Usage(5, 7)),
        (Usage(3, 1), Usage(3, 0), Usage(3, 0), Usage(3, 0)),
        (None, Usage(0, 0), Usage(0, 0), Usage(5, 20)),
    ],
)
def test_what_the_provider_does_not_count_is_counted_by_us(
    began: Usage | None, ended: Usage | None, usage: Usage | None, shown: Usage
) -> None:
    stream, told = translated(ended, began=began)

    assert (usage, 20, shown) == (stream.usage, stream.output_tokens, told)


def test_text_counts_by_its_bytes() -> None:
    reader = Scripted([TextPiece("\u4e2d" * 40)])
    stream = Translator(ask("openai"), reader, Noted())

    stream.feed(b"-")

    assert 30 == stream.output_tokens


def test_usage_ahead_of_the_answer_is_none_of_it() -> None:
    """A provider that tells of one token and sends a hundred is charged for a hundred."""
    chunks = [
        {"id": "c", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 1}},
        *[{"id": "c", "choices": [{"index": 0, "delta": {"content": "word"}}]}] * 100,
        {"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    ]
    events = "".join([f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]) + "data: [DONE]\n\n"
    for shape in (None, Shape(type="markdown")):
        for speech in ("openai", "anthropic"):
            stream = exchange(ask(speech, shape=shape, stream=True), "openai", created=0).follower()

            out = stream.feed(events.encode())

            assert stream.usage is not None
            assert (3, None) == (stream.usage.input_tokens, stream.usage.output_tokens)
            assert 100 == stream.output_tokens
            assert speech == "openai" or b'"output_tokens":100' in out


@pytest.mark.parametrize("speech", ["openai", "anthropic"])
def test_whole_answer_without_usage_shows_our_count(speech: str) -> None:
    said: dict[str, dict[str, Any]] = {
        "anthropic": {"choices": [{"message": {"content": "x" * 40}}]},
        "openai": {"id": "", "model": "", "content": [{"type": "text", "text": "x" * 40}]},
    }
    theirs = "anthropic" if speech == "openai" else "openai"

    answer = exchange(ask(speech), theirs, created=0).answer(json.dumps(said[speech]).encode())

    told = json.loads(answer.body)["usage"]
    names = ("prompt_tokens", "completion_tokens")
    if speech == "anthropic":
        names = ("input_tokens", "output_tokens")
    assert (5, 10) == tuple(told[name] for name in names)
    assert answer.usage is None or answer.usage == Usage()
    assert 10 == answer.output_tokens


def test_shaped_answer_counts_as_much_as_was_generated() -> None:
    body = json.dumps({"choices": [{"message": {"content": "x" * 4_000}}]}).encode()

    for speech in ("openai", "anthropic"):
        asked = ask(speech, shape=Shape(max_tokens=1))
        answer = exchange(asked, "openai", created=0).answer(body)

        assert len(answer.body) < 300
        assert answer.output_tokens is not None
        assert 1_000 <= answer.output_tokens < 1_050


LONG = "x" * 100


def test_tools_of_long_names_are_called_by_them() -> None:
    body = {
        "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": 9,
        "tools": [{"name": LONG, "input_schema": {"type": "object"}}],
    }
    asked = Ask(payload=json.dumps(body).encode(), speech="anthropic")
    words = exchange(asked, "openai", created=0)
    (tool,) = json.loads(words.payload("m"))["tools"]
    short = tool["function"]["name"]
    call = {"id": "c", "index": 0, "function": {"name": short, "arguments": "{}"}}
    whole = {"choices": [{"message": {"tool_calls": [call]}, "finish_reason": "tool_calls"}]}
    chunk = {"id": "i", "choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}
    events = f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode()

    answer = json.loads(words.answer(json.dumps(whole).encode()).body)
    stream = words.follower().feed(events)

    assert len(short) < len(LONG)
    assert LONG == answer["content"][0]["name"]
    assert LONG.encode() in stream


def test_caller_who_offers_functions_is_told_of_a_function_call() -> None:
    body = {
        "messages": [{"role": "user", "content": "hi"}],
        "functions": [{"name": "f", "parameters": {"type": "object"}}],
    }
    asked = Ask(payload=json.dumps(body).encode(), model="m")
    words = exchange(asked, "anthropic", created=0)
    use = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    said = {"id": "i", "model": "m", "content": [use], "stop_reason": "tool_use"}

    (choice,) = json.loads(words.answer(json.dumps(said).encode()).body)["choices"]

    assert {"name": "f", "arguments": "{}"} == choice["message"]["function_call"]
    assert "function_call" == choice["finish_reason"]
