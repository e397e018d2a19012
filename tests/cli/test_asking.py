"""Answers of models, as `chat` and `model test` read them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.client.errors import Refused, Unreadable
from tokenhub.wire.sse import event
from tokenhub_cli.asking import Answering, counted, request, text_of, told

PIECES = ["Hel", "lo ", "模型"]
USAGE = {"prompt_tokens": 7, "completion_tokens": 3}


def chunk(**fields: object) -> bytes:
    return event(json.dumps(fields).encode())


def streamed() -> bytes:
    texts = [chunk(choices=[{"delta": {"content": piece}}]) for piece in PIECES]
    role, usage = chunk(choices=[{"delta": {"role": "assistant"}}]), chunk(choices=[], usage=USAGE)
    return b"".join([role, b": heartbeat\n\n", *texts, usage, event(b"[DONE]")])


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({min(place, len(data)) for place in places} | {len(data)})
    return [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]


@given(st.lists(st.integers(0, 600)))
def test_an_answer_is_read_however_its_bytes_come(places: list[int]) -> None:
    answering = Answering(cut(streamed(), places))

    assert PIECES == list(answering.texts())
    assert (7, 3) == answering.tokens


def test_an_answer_that_breaks_off_is_none() -> None:
    answering = Answering([chunk(choices=[{"delta": {"content": "Hel"}}])])

    with pytest.raises(Refused, match="broke off before its end"):
        list(answering.texts())


def test_an_error_on_the_way_is_told_in_its_words() -> None:
    answering = Answering([chunk(error={"message": "gone", "code": "upstream_lost"})])

    with pytest.raises(Refused, match="gone") as raised:
        list(answering.texts())

    assert "upstream_lost" == raised.value.code


def test_what_is_no_stream_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        list(Answering([b"data: {\n\n"]).texts())


@pytest.mark.parametrize("usage", [None, "7", {"prompt_tokens": 7}, {"completion_tokens": "x"}])
def test_tokens_that_nobody_tells_are_unknown(usage: object) -> None:
    assert counted(usage) is None


def test_the_text_of_an_answer_is_one_or_in_parts() -> None:
    parts = request("Hello", model="m", system="Be brief").messages

    assert "Hello" == text_of("Hello")
    assert "" == text_of(None)
    assert ["system", "user"] == [one.role for one in parts]


def test_the_line_about_an_answer_leaves_out_what_is_unknown() -> None:
    headers = {"x-tokenhub-model": "gpt", "x-tokenhub-provider": "one", "x-request-id": "r1"}

    assert "one/gpt, r1" == told(headers, tokens=None, cost_usd=None, known=False)
    assert "one/gpt, 7 tokens in, 3 out, unknown, r1" == told(
        headers, tokens=(7, 3), cost_usd=None, known=True
    )
