"""Directives in a whole body: where they are read, where only removed, and what stays as it is."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.builders import a_body
from tokenhub.core.ask import Ask, Directed, Wish
from tokenhub.dialects import native
from tokenhub.dialects.anthropic.ask import to_ask as anthropic_ask
from tokenhub.dialects.directives import directed
from tokenhub.dialects.openai.ask import to_ask as openai_ask

LINE = "@@tokenhub mode=cheap\n"
SOURCE = {"type": "text", "media_type": "text/plain", "data": "x"}
CHEAP = Wish(mode="cheap")


def openai(*messages: Any, **fields: Any) -> Ask:
    return openai_ask(json.dumps({**fields, "messages": messages}).encode())


def anthropic(*messages: Any, **fields: Any) -> Ask:
    body = {"max_tokens": 9, **fields, "messages": messages}
    return anthropic_ask(json.dumps(body).encode())


def turn(role: str, content: Any) -> dict[str, Any]:
    return {"role": role, "content": content}


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def result(content: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": "t", "content": content}


def pages(*parts: Any) -> dict[str, Any]:
    return {"type": "document", "source": {"type": "content", "content": list(parts)}}


def of(ask: Ask) -> Directed:
    found = directed(ask)
    assert found is not None
    return found


def body(found: Directed) -> Any:
    return json.loads(found.payload)


def contents(found: Directed) -> list[Any]:
    return [message["content"] for message in body(found)["messages"]]


# --- Where they are read


@pytest.mark.parametrize("role", ["user", "system", "developer"])
@pytest.mark.parametrize("content", [LINE + "Hi", [text("A"), text(LINE + "Hi")]])
def test_callers_own_turns_are_read(role: str, content: Any) -> None:
    found = of(openai(turn(role, content)))

    assert CHEAP == found.wish
    assert contents(found) in ([["Hi"], [[text("A"), text("Hi")]]])


@pytest.mark.parametrize("role", ["assistant", "tool", "function", "USER", ""])
@pytest.mark.parametrize("line", [LINE, "@@tokenhub mode=wrong\n", "@@tokenhub \n"])
def test_other_turns_are_not_read_and_yet_cleaned(role: str, line: str) -> None:
    found = of(openai(turn(role, line + "Hi"), turn("user", "Hi")))

    assert (Wish(), None) == (found.wish, found.error)
    assert ["Hi", "Hi"] == contents(found)


@pytest.mark.parametrize("system", [LINE, [text(LINE)], [text("A"), text(LINE)]])
def test_anthropics_system_is_read_and_left_out_when_empty(system: Any) -> None:
    found = of(anthropic(turn("user", "@@tokenhub mode=normal\nHi"), system=system))

    assert CHEAP == found.wish
    assert ([text("A")] if len(system) == 2 else None) == body(found).get("system")
    assert ["Hi"] == contents(found)


@pytest.mark.parametrize(
    ("part", "left"),
    [
        (result(LINE + "x"), result("x")),
        (result([text(LINE + "x")]), result([text("x")])),
        (result([text(LINE), text("x")]), result([text("x")])),
        (result(LINE), {"type": "tool_result", "tool_use_id": "t"}),
        (result([text(LINE)]), {"type": "tool_result", "tool_use_id": "t"}),
        (
            {"type": "document", "source": {"type": "text", "data": LINE + "x"}, "title": "T"},
            {"type": "document", "source": {"type": "text", "data": "x"}, "title": "T"},
        ),
        (
            {"type": "document", "source": {"type": "text", "data": LINE}},
            {"type": "document", "source": {"type": "text", "data": "."}},
        ),
        (
            result([pages(text(LINE + "x"))]),
            result([pages(text("x"))]),
        ),
        (
            {"type": "search_result", "source": "u", "content": [text(LINE + "x")]},
            {"type": "search_result", "source": "u", "content": [text("x")]},
        ),
        (
            {"type": "search_result", "source": "u", "title": LINE + "T", "content": [text("x")]},
            {"type": "search_result", "source": "u", "title": "T", "content": [text("x")]},
        ),
        (
            {"type": "document", "source": SOURCE, "title": LINE + "T", "context": "C " + LINE},
            {"type": "document", "source": SOURCE, "title": "T", "context": "C "},
        ),
        (
            {"type": "document", "source": SOURCE, "title": LINE, "context": None},
            {"type": "document", "source": SOURCE, "context": None},
        ),
        (
            {"type": "document", "source": {"type": "url", "url": "u"}, "title": LINE + "T"},
            {"type": "document", "source": {"type": "url", "url": "u"}, "title": "T"},
        ),
    ],
)
def test_what_others_wrote_is_cleaned_in_a_callers_turn_and_not_read(part: Any, left: Any) -> None:
    found = of(anthropic(turn("user", [part, text("Hi")])))

    assert (Wish(), None) == (found.wish, found.error)
    assert [[left, text("Hi")]] == contents(found)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"content": "A", "refusal": LINE + "no"}, {"content": "A", "refusal": "no"}),
        ({"content": None, "refusal": LINE}, {"content": None, "refusal": ""}),
        (
            {"content": "A", "reasoning_content": LINE + "hm"},
            {"content": "A", "reasoning_content": "hm"},
        ),
        ({"content": LINE + "A", "reasoning": LINE}, {"content": "A"}),
        (
            {"content": [{"type": "refusal", "refusal": LINE + "no"}]},
            {"content": [{"type": "refusal", "refusal": "no"}]},
        ),
        (
            {"content": [{"type": "refusal", "refusal": LINE}, text("A")]},
            {"content": [text("A")]},
        ),
    ],
)
@pytest.mark.parametrize("role", ["assistant", "user"])
def test_what_an_earlier_answer_refused_or_thought_is_cleaned_and_not_read(
    role: str, old: Any, new: Any
) -> None:
    ask = openai({"role": role, **old}, turn("user", "Hi"))

    found = of(ask)

    assert None is found.error
    assert [{"role": role, **new}, turn("user", "Hi")] == body(found)["messages"]
    assert (Wish() if LINE not in str(old["content"]) else found.wish) == found.wish
    assert openai_ask(found.payload).input_tokens <= found.input_tokens


def test_more_directives_than_anybody_writes_are_refused_and_nothing_is_cut() -> None:
    many = openai(*[turn("assistant", LINE * 600)] * 2)

    found = of(many)

    assert found.error is not None
    assert "more than 1000" in str(found.error)
    assert (many.payload, many.input_tokens) == (found.payload, found.input_tokens)


def test_the_first_directive_of_the_request_counts_alone() -> None:
    ask = openai(
        turn("assistant", "@@tokenhub mode=planning"),
        turn("user", "A\n@@tokenhub budget=1\nB"),
        turn("system", "@@tokenhub latency=wrong\nC"),
    )

    found = of(ask)

    assert (Wish(max_budget_nusd=10**9), None) == (found.wish, found.error)
    assert ["", "A\nB", "C"] == contents(found)


def test_schema_notes_and_error_are_handed_on() -> None:
    good = of(openai(turn("user", '@@tokenhub min_weight=80 output_schema={"type": "object"}\nHi')))
    bad = of(openai(turn("user", "@@tokenhub budget=1e9\nHi")))

    assert ('{"type": "object"}', 10, 1) == (good.schema, good.wish.min_weight, len(good.notes))
    assert bad.error is not None
    assert ("invalid_directive", "directive.budget") == (bad.error.code, bad.error.field)


def test_the_native_format_is_read_too() -> None:
    asked = {"request": {"messages": [turn("user", LINE + "Hi")], "model_hint": "m"}}

    found = of(native.to_ask(json.dumps(asked).encode()))

    assert (CHEAP, ["Hi"], "m") == (found.wish, contents(found), body(found)["model"])


# --- What is left of it


def test_a_message_of_nothing_else_keeps_its_place() -> None:
    ours = of(openai(turn("user", LINE), turn("user", [text(LINE), text(LINE)])))
    theirs = of(anthropic(turn("user", LINE), turn("user", [text(LINE), text(LINE)])))

    assert ["", ""] == contents(ours)
    assert [".", "."] == contents(theirs)


def test_a_part_of_nothing_else_goes_if_there_are_others() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:,"}}

    found = of(openai(turn("user", [text(LINE), image])))

    assert [[image]] == contents(found)


def test_all_else_keeps_its_bytes() -> None:
    payload = (
        b'{"temperature" : 1.50, "messages": [ {"role":"user", "content" :  "\\u0048i"},\n'
        b'{"role":"user","content":[{"type":"text","text":"@@tokenhub mode=cheap\\nHi"}, '
        b'{"type":"x", "v": 1e400 }],"name" : "\\u0041"} ], "z": {"a" : 1.0}}'
    )

    found = of(openai_ask(payload))

    assert (
        b'{"temperature":1.50,"messages":[{"role":"user", "content" :  "\\u0048i"},'
        b'{"role":"user","content":[{"type":"text","text":"Hi"},{"type":"x", "v": 1e400 }],'
        b'"name":"\\u0041"}],"z":{"a" : 1.0}}'
    ) == found.payload


def test_calls_and_signed_reasoning_are_left_alone() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": LINE}}
    ours = openai({"role": "assistant", "content": None, "tool_calls": [call]})
    theirs = anthropic(
        turn(
            "assistant",
            [
                {"type": "thinking", "thinking": LINE, "signature": "s"},
                {"type": "tool_use", "id": "t", "name": "f", "input": {"text": LINE}},
            ],
        )
    )

    assert (None, None) == (directed(ours), directed(theirs))


@pytest.mark.parametrize(
    "hidden",
    [
        b"\\u0040@tokenhub",
        b"@@\\u0074okenhub",
        b"@@t\\u006Fkenhub",
        b"\\u0040\\u0040tokenh\\u0075b",
    ],
)
def test_escapes_hide_nothing(hidden: bytes) -> None:
    payload = a_body("X").replace(b"X", hidden + b"\\u0020mode=cheap\\nHi \\u00e9")

    found = of(openai_ask(payload))

    assert (CHEAP, ["Hi é"]) == (found.wish, contents(found))


@pytest.mark.parametrize("said", ["Hi", "@@tokenhubby", "`@@tokenhub`", "x@@tokenhub y", "\x40 é"])
def test_a_request_without_directives_has_none(said: str) -> None:
    assert directed(openai(turn("user", said))) is None
    assert directed(anthropic(turn("user", [text(said)]), system=said)) is None


def test_embeddings_are_no_conversation() -> None:
    ask = Ask(payload=b'{"input":"@@tokenhub mode=cheap"}', task="embeddings")

    assert directed(ask) is None


PLACES = st.sampled_from([LINE, "Hi", LINE + "Hi", "Hi " + LINE, "é\n@@tokenhub\nx=1\n@@end", ""])
PARTS = st.lists(PLACES.map(text), min_size=1, max_size=3)
ROLES = st.sampled_from(["user", "assistant", "system", "tool"])
TURNS = st.lists(st.builds(turn, ROLES, PLACES | PARTS), min_size=1, max_size=4)


@given(TURNS)
def test_a_second_look_finds_nothing_and_the_estimate_is_that_of_what_is_left(turns: Any) -> None:
    ask = openai(*turns)

    found = directed(ask) or Directed(payload=ask.payload, input_tokens=ask.input_tokens)

    again = openai_ask(found.payload)
    assert directed(again) is None
    assert b"@@tokenhub" not in found.payload
    assert again.input_tokens == found.input_tokens
    assert len(turns) == len(contents(found))


@given(TURNS)
def test_anthropic_is_never_left_with_a_text_that_it_refuses(turns: Any) -> None:
    ask = anthropic(*turns)

    found = directed(ask)

    if found is not None:
        told = zip(turns, contents(found), strict=True)
        assert all(new != "" for old, new in told if old["content"] != "")
        again = anthropic_ask(found.payload)
        assert directed(again) is None
        assert again.input_tokens == found.input_tokens


def test_deep_nesting_is_left_to_the_provider() -> None:
    part: Any = text(LINE)
    for _ in range(50):
        part = result([part])

    assert directed(anthropic(turn("user", [part]))) is None
