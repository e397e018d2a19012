"""Whole answers in Anthropic's format."""

import json
import re
from typing import Any

import pytest
from anthropic.types import Message
from hypothesis import given

from tests.support.talks import saids
from tokenhub.core.outcome import Usage
from tokenhub.core.talk import Call, Finish, Part, Refusal, Said, Sealed, Text, Thinking
from tokenhub.dialects.anthropic.answer import read, write
from tokenhub.dialects.told import ToldError


def said(*parts: Part, **fields: Any) -> Said:
    return Said(id="msg", model="m", parts=parts, **fields)


def whole(**fields: Any) -> bytes:
    return json.dumps({"id": "a", "model": "m", "content": [], **fields}).encode()


@given(saids(thinking=True))
def test_what_is_written_reads_the_same(answer: Said) -> None:
    assert answer == read(write(answer))


@given(saids(thinking=True))
def test_the_vendors_client_reads_it(answer: Said) -> None:
    message = Message.model_validate(json.loads(write(answer)))

    assert (answer.id, len(answer.parts)) == (message.id, len(message.content))


FINISHES = [
    ("end_turn", Finish.STOP),
    ("max_tokens", Finish.LENGTH),
    ("stop_sequence", Finish.STOP_SEQUENCE),
    ("tool_use", Finish.TOOLS),
    ("pause_turn", Finish.PAUSE),
    ("refusal", Finish.REFUSAL),
    ("model_context_window_exceeded", Finish.CONTEXT),
]


@pytest.mark.parametrize(("reason", "finish"), FINISHES)
def test_every_reason_has_its_finish(reason: str, finish: Finish) -> None:
    assert finish == read(whole(stop_reason=reason)).finish
    assert reason == json.loads(write(said(finish=finish)))["stop_reason"]


def test_a_new_reason_ended_the_answer_all_the_same() -> None:
    assert Finish.STOP == read(whole(stop_reason="new")).finish
    assert read(whole()).finish is None


CALL = Call(id="a.b", name="f", arguments="{}")
REASONS: list[tuple[Said, str]] = [
    (said(Text(text="x")), "end_turn"),
    (said(CALL, finish=Finish.STOP), "tool_use"),
    (said(CALL, finish=Finish.LENGTH), "max_tokens"),
    (said(Refusal(text="no"), finish=Finish.STOP), "refusal"),
    (said(finish=Finish.FILTERED), "refusal"),
]


@pytest.mark.parametrize(("answer", "reason"), REASONS)
def test_the_reason_fits_the_content(answer: Said, reason: str) -> None:
    assert reason == json.loads(write(answer))["stop_reason"]


def test_every_part_is_a_block_in_its_place() -> None:
    answer = said(Thinking(text="t"), Sealed(data="d"), Text(text="x"), CALL, CALL)

    content = json.loads(write(answer))["content"]

    assert {"type": "thinking", "thinking": "t", "signature": ""} == content[0]
    assert {"type": "redacted_thinking", "data": "d"} == content[1]
    assert {"type": "text", "text": "x"} == content[2]
    assert ["a_b", "a_b_2"] == [block["id"] for block in content[3:]]


def test_unknown_counts_are_zero_and_cached_ones_are_kept_apart() -> None:
    unknown = json.loads(write(said()))["usage"]
    usage = json.loads(write(said(usage=Usage(10, 5, 4, 3, 2))))["usage"]
    odd = json.loads(write(said(usage=Usage(1, 5, 4, 3))))["usage"]

    assert (0, 0) == (unknown["input_tokens"], unknown["output_tokens"])
    assert (3, 4, 3) == (
        usage["input_tokens"],
        usage["cache_read_input_tokens"],
        usage["cache_creation_input_tokens"],
    )
    assert {"thinking_tokens": 2} == usage["output_tokens_details"]
    assert 0 == odd["input_tokens"]


def test_why_it_refused_is_read_beside_the_content() -> None:
    details = {"type": "refusal", "explanation": "no"}

    got = read(whole(stop_reason="refusal", stop_details=details))

    assert (Refusal(text="no"),) == got.parts


def test_the_stop_sequence_is_kept() -> None:
    got = read(whole(stop_reason="stop_sequence", stop_sequence="x"))

    assert "x" == got.stop
    assert "x" == json.loads(write(got))["stop_sequence"]


def test_blocks_that_are_new_to_us_are_passed_over() -> None:
    blocks = [
        {"type": "new", "name": {}, "text": 7},
        {"type": "text", "text": "x"},
        {"type": "server_tool_use", "id": "a", "name": "web_search", "input": {}},
    ]

    assert (Text(text="x"),) == read(whole(content=blocks)).parts


@pytest.mark.parametrize("block", [{"type": "text", "text": 7}, {"text": "x"}, 7])
def test_what_is_no_block_is_refused(block: Any) -> None:
    with pytest.raises(ValueError, match="not a message"):
        read(whole(content=[block]))


def test_no_input_is_an_empty_one() -> None:
    block = {"type": "tool_use", "id": "a", "name": "f"}

    got = read(whole(content=[block, {**block, "input": None}])).parts

    assert (Call(id="a", name="f", arguments="{}"),) * 2 == got
    answer = said(Call(id="a", name="f", arguments=" null "))
    assert {} == json.loads(write(answer))["content"][0]["input"]


def test_a_message_without_an_id_gets_one_of_its_own() -> None:
    nameless = Said(id="", model="m", parts=())

    ids = {json.loads(write(nameless))["id"] for _ in range(2)}

    assert 2 == len(ids)
    assert all(re.fullmatch("msg_[0-9a-f]{24}", id_) for id_ in ids)
    assert ("", "") == (read(whole(id=None, model=None)).id, read(whole(id=None, model=None)).model)


def test_what_is_no_message_is_refused_and_an_error_told() -> None:
    with pytest.raises(ToldError):
        read(b'{"type":"error","error":{"type":"api_error","message":"x"}}')
    with pytest.raises(ValueError, match="not a message"):
        read(b'{"choices":[]}')
