"""Chat completion requests: what is read of them, what is refused, and what is written."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from tests.support.talks import talks
from tokenhub.core.errors import BadRequest
from tokenhub.core.talk import (
    Call,
    Choice,
    Document,
    Format,
    Image,
    Part,
    Refusal,
    Result,
    Sealed,
    Talk,
    Text,
    Thinking,
    Tool,
    Turn,
)
from tokenhub.dialects.openai.request import offers_functions, read, write
from tokenhub.dialects.translation import Unsayable

USER = {"role": "user", "content": "hi"}
HI = Turn(role="user", parts=(Text(text="hi"),))
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
FUNCTION = {"name": "f", "arguments": '{"a": 1}'}
CACHED = {"type": "ephemeral"}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
ALLOWED = {
    "type": "allowed_tools",
    "allowed_tools": {
        "mode": "auto",
        "tools": [{"type": "function", "function": {"name": "unknown"}}],
    },
}
PNG = "data:image/png;base64,AAAA"


def talk_of(*messages: dict[str, Any], **fields: Any) -> Talk:
    return read(msgspec.json.encode({"messages": messages or [USER], **fields}))


def parts_of(*messages: dict[str, Any]) -> tuple[tuple[Part, ...], ...]:
    return tuple(turn.parts for turn in talk_of(*messages).turns)


def body_of(talk: Talk, *, model: str = "m") -> dict[str, Any]:
    body = json.loads(write(talk, model=model).body)
    assert isinstance(body, dict)
    return body


def messages_of(*turns: Turn, model: str = "m") -> list[dict[str, Any]]:
    messages = body_of(Talk(turns=turns), model=model)["messages"]
    assert isinstance(messages, list)
    return messages


# --- Laws -------------------------------------------------------------------------------------


@given(talks(thinking=True))
def test_what_both_can_say_comes_back_the_same(talk: Talk) -> None:
    written = write(talk, model="m")

    assert talk == read(written.body)
    assert () == written.dropped


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)
FIELD = st.sampled_from(
    ["content", "tool_calls", "function_call", "reasoning_details", "name", "refusal", "audio"]
)
ROLE = st.sampled_from(["system", "developer", "user", "assistant", "tool", "function"])


@given(
    st.lists(
        st.builds(lambda role, fields: {**fields, "role": role}, ROLE, st.dictionaries(FIELD, JSON))
    ),
    st.dictionaries(
        st.sampled_from(["tools", "tool_choice", "stop", "response_format", "n", "store"]), JSON
    ),
)
def test_any_request_is_read_or_refused(
    messages: list[dict[str, Any]], fields: dict[str, Any]
) -> None:
    body = msgspec.json.encode({**fields, "messages": messages})

    try:
        talk = read(body)
    except (BadRequest, Unsayable):
        return

    assert len(talk.turns) <= len(messages)


# --- Messages ---------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["system", "developer"])
def test_orders_are_system_turns_wherever_they_stand(role: str) -> None:
    talk = talk_of(USER, {"role": role, "content": "be brief"})

    assert (HI, Turn(role="system", parts=(Text(text="be brief"),))) == talk.turns


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        ({"content": None}, ()),
        ({"content": ""}, ()),
        ({"content": "a"}, (Text(text="a"),)),
        (
            {"content": [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "no"}]},
            (Text(text="a"), Refusal(text="no")),
        ),
        ({"refusal": "no"}, (Refusal(text="no"),)),
        ({"tool_calls": [CALL]}, (Call(id="c1", name="f", arguments='{"a": 1}'),)),
        (
            {"tool_calls": [{**CALL, "function": {"name": "f", "arguments": "{not json"}}]},
            (Call(id="c1", name="f", arguments="{not json"),),
        ),
        (
            {"tool_calls": [{**CALL, "function": {"name": "f", "arguments": {"a": 1}}}]},
            (Call(id="c1", name="f", arguments='{"a":1}'),),
        ),
        ({"reasoning_content": "hm", "content": "a"}, (Thinking(text="hm"), Text(text="a"))),
        ({"reasoning": "hm"}, (Thinking(text="hm"),)),
        (
            {
                "reasoning_content": "hm",
                "reasoning_details": [
                    {"type": "reasoning.text", "text": "hm", "signature": "s"},
                    {"type": "reasoning.encrypted", "data": "x"},
                ],
            },
            (Thinking(text="hm", signature="s"), Sealed(data="x")),
        ),
        (
            {
                "reasoning_details": [
                    {"type": "reasoning.text", "text": "h", "index": 0},
                    {"type": "reasoning.text", "text": "m", "index": 0},
                    {"type": "reasoning.text", "signature": "s", "index": 0},
                    {"type": "reasoning.summary", "summary": "so", "index": 1},
                ]
            },
            (Thinking(text="hm", signature="s"), Thinking(text="so")),
        ),
        (
            {
                "reasoning_content": "hm",
                "reasoning_details": [{"type": "reasoning.text", "signature": "s"}],
            },
            (Thinking(text="hm", signature="s"),),
        ),
    ],
)
def test_what_an_assistant_said(message: dict[str, Any], parts: tuple[Part, ...]) -> None:
    assert ((parts,) if parts else ()) == parts_of({"role": "assistant", **message})


@pytest.mark.parametrize(
    ("part", "read_as"),
    [
        (
            {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}},
            Image(media_type="image/png", data="AAAA", detail="low"),
        ),
        ({"type": "image_url", "image_url": PNG}, Image(media_type="image/png", data="AAAA")),
        (
            {"type": "image_url", "image_url": {"url": "data:IMAGE/JPG;x=1;base64,AA"}},
            Image(media_type="image/jpeg", data="AA"),
        ),
        (
            {"type": "image_url", "image_url": {"url": "data:image/svg+xml,%3Csvg/%3E"}},
            Image(media_type="image/svg+xml", data="PHN2Zy8+"),
        ),
        (
            {"type": "image_url", "image_url": {"url": "HTTPS://a.test/b.png"}},
            Image(url="HTTPS://a.test/b.png"),
        ),
        (
            {
                "type": "file",
                "file": {"file_data": "data:application/pdf;base64,QQ", "filename": "a.pdf"},
            },
            Document(media_type="application/pdf", data="QQ", name="a.pdf"),
        ),
        (
            {"type": "file", "file": {"file_data": "QQ"}},
            Document(media_type="application/pdf", data="QQ"),
        ),
        (
            {"type": "file", "file": {"file_data": "https://a.test/b.pdf"}},
            Document(url="https://a.test/b.pdf"),
        ),
    ],
)
def test_what_a_user_shows(part: dict[str, Any], read_as: Part) -> None:
    assert ((read_as,),) == parts_of({"role": "user", "content": [part]})


def test_results_in_a_row_and_the_message_after_them_are_one_turn() -> None:
    parts = parts_of(
        {"role": "assistant", "tool_calls": [CALL, {**CALL, "id": "c2"}]},
        {"role": "tool", "tool_call_id": "c1", "content": "one"},
        {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "two"}]},
        USER,
        {"role": "user", "content": "more"},
    )

    assert (
        (
            Result(id="c1", parts=(Text(text="one"),)),
            Result(id="c2", parts=(Text(text="two"),)),
            Text(text="hi"),
        ),
        (Text(text="more"),),
    ) == parts[1:]


def test_functions_of_old_find_their_calls_by_order() -> None:
    called = {"name": "f", "arguments": "{}"}

    talk = talk_of(
        USER,
        {"role": "assistant", "content": None, "function_call": called},
        {"role": "function", "name": "f", "content": "1"},
        functions=[{"name": "f", "parameters": {"type": "object"}}],
        function_call={"name": "f"},
    )

    assert Call(id="call_function_1", name="f", arguments="{}") == talk.turns[1].parts[0]
    assert Result(id="call_function_1", parts=(Text(text="1"),)) == talk.turns[2].parts[0]
    assert (Tool(name="f", schema=Raw(b'{"type":"object"}')),) == talk.tools
    assert Choice(kind="tool", name="f") == talk.choice
    assert () == talk.unread


# --- Refused ----------------------------------------------------------------------------------


def asked(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"messages": messages or [USER], **fields}


def shown(part: dict[str, Any]) -> dict[str, Any]:
    return asked({"role": "user", "content": [part]})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "messages"),
        ({"messages": []}, "messages"),
        (asked({"role": "user", "content": 1}), "messages[0].content"),
        (asked({"role": "tool", "content": ""}), "messages[0].tool_call_id"),
        (
            asked({"role": "assistant", "tool_calls": [{"id": "c"}]}),
            "messages[0].tool_calls[0].function",
        ),
        (
            asked({"role": "assistant", "tool_calls": [{**CALL, "id": None}]}),
            "messages[0].tool_calls[0].id",
        ),
        (shown({"type": "text"}), "messages[0].content[0].text"),
        (shown({"type": "image_url"}), "messages[0].content[0].image_url"),
        (
            shown({"type": "image_url", "image_url": {"url": "file:///a"}}),
            "messages[0].content[0].image_url.url",
        ),
        (
            shown({"type": "image_url", "image_url": {"url": "data:image/png"}}),
            "messages[0].content[0].image_url.url",
        ),
        (shown({"type": "file"}), "messages[0].content[0].file.file_data"),
        (asked(temperature="hot"), "temperature"),
        (asked(max_tokens=-1), "max_tokens"),
        (asked(max_completion_tokens=2**40), "max_completion_tokens"),
        (asked(stop=[1]), "stop[0]"),
        (asked(tools=[{"type": "function"}]), "tools[0].function"),
        (asked(tool_choice={"type": "function"}), "tool_choice.function"),
        (asked(tool_choice={"type": "allowed_tools"}), "tool_choice.allowed_tools"),
        (
            asked(tools=[TOOL], tool_choice=ALLOWED),
            "tool_choice.allowed_tools.tools",
        ),
        (asked(response_format={"type": "json_schema"}), "response_format.json_schema"),
    ],
)
def test_bad_request_names_its_field(body: dict[str, Any], field: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read(msgspec.json.encode(body))

    assert field == caught.value.field


CUSTOM: dict[str, Any] = {"id": "c", "type": "custom", "custom": {"name": "f", "input": "x"}}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (shown({"type": "input_audio", "input_audio": {}}), "messages[0].content[0]"),
        (
            shown({"type": "file", "file": {"file_id": "file-1"}}),
            "messages[0].content[0].file.file_id",
        ),
        (asked({"role": "assistant", "audio": {"id": "a"}}), "messages[0].audio"),
        (asked({"role": "assistant", "tool_calls": [CUSTOM]}), "messages[0].tool_calls[0]"),
        (asked({"role": "function", "name": "f", "content": ""}), "messages[0]"),
        (asked({"role": "system", "content": [{"type": "image_url"}]}), "messages[0].content[0]"),
        (asked(tools=[{"type": "custom", "custom": {"name": "f"}}]), "tools[0]"),
        (asked(tool_choice={"type": "custom", "custom": {"name": "f"}}), "tool_choice"),
        (asked(modalities=["text", "audio"]), "modalities"),
        (asked(tool_choice={"type": "tool_of_tomorrow"}), "tool_choice"),
        (
            asked(
                tool_choice={
                    "type": "allowed_tools",
                    "allowed_tools": {"mode": "tomorrow", "tools": []},
                }
            ),
            "tool_choice",
        ),
        (asked(function_call="maybe"), "function_call"),
        (asked(tool_choice="maybe"), "tool_choice"),
        (asked(reasoning_effort="huge"), "reasoning_effort"),
        (asked({"role": "wizard"}), "messages[0].role"),
    ],
)
def test_what_has_no_place_is_refused_and_not_lost(body: dict[str, Any], field: str) -> None:
    with pytest.raises(Unsayable) as caught:
        read(msgspec.json.encode(body))

    assert field == caught.value.field


# --- Parameters -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "read_as"),
    [
        ({"max_tokens": 5}, {"max_tokens": 5}),
        ({"max_tokens": 5, "max_completion_tokens": 7}, {"max_tokens": 7}),
        ({"temperature": 1, "top_p": 0.5}, {"temperature": 1.0, "top_p": 0.5}),
        ({"top_k": 40}, {"top_k": 40}),
        ({"top_k": -1}, {}),
        ({"stop": "a"}, {"stop": ("a",)}),
        ({"stop": ["a", "", "b"]}, {"stop": ("a", "b")}),
        ({"reasoning_effort": "high"}, {"effort": "high"}),
        ({"reasoning_effort": "none"}, {"effort": "none", "thinks": False}),
        ({"user": "u"}, {"user": "u"}),
        ({"user": "u", "safety_identifier": "s"}, {"user": "s"}),
        ({"stream": True, "stream_options": {"include_usage": True}}, {"stream": True}),
        ({"parallel_tool_calls": False}, {"parallel": False}),
        ({"tool_choice": "auto"}, {"choice": Choice(kind="auto")}),
        ({"tool_choice": "none"}, {"choice": Choice(kind="none")}),
        ({"tool_choice": "required"}, {"choice": Choice(kind="any")}),
        (
            {"tool_choice": {"type": "function", "function": {"name": "f"}}},
            {"choice": Choice(kind="tool", name="f")},
        ),
        ({"response_format": {"type": "text"}}, {}),
        ({"response_format": {"type": "json_object"}}, {"format": Format()}),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True},
                }
            },
            {"format": Format(schema=Raw(b'{"type":"object"}'), name="n", strict=True)},
        ),
        # All that asks for nothing.
        ({"model": "m", "n": 1, "store": False, "frequency_penalty": 0, "seed": None}, {}),
        ({"modalities": ["text"], "logit_bias": {}, "service_tier": "auto"}, {}),
    ],
)
def test_each_parameter_is_read(fields: dict[str, Any], read_as: dict[str, Any]) -> None:
    assert Talk(turns=(HI,), **read_as) == talk_of(**fields)


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"n": 2, "store": True, "metadata": {"a": "b"}}, ("n", "store", "metadata")),
        ({"seed": 0, "logit_bias": {"1": 2}, "logprobs": True}, ("seed", "logit_bias", "logprobs")),
        ({"frequency_penalty": 0.5, "verbosity": "low"}, ("frequency_penalty", "verbosity")),
        ({"prediction": {}, "web_search_options": {}}, ("prediction", "web_search_options")),
        ({"prompt_cache_key": "k", "guided_json": {}}, ("prompt_cache_key", "guided_json")),
        ({"response_format": {"type": "grammar"}}, ("response_format",)),
        ({"modalities": ["image"]}, ("modalities",)),
        (
            {"messages": [{"role": "user", "content": "hi", "name": "Ann"}]},
            ("messages.name",),
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "text", "text": "hi", "cache_control": CACHED}],
                        "cache_control": CACHED,
                        "annotations": [],
                        "odd": None,
                    },
                ],
                "tools": [{**TOOL, "cache_control": CACHED}],
            },
            ("messages.content.cache_control", "messages.cache_control", "tools.cache_control"),
        ),
        ({"n" * 99: 1}, ("n" * 64,)),
    ],
)
def test_what_is_not_read_is_named(fields: dict[str, Any], names: tuple[str, ...]) -> None:
    talk = talk_of(**fields)

    assert names == talk.unread
    assert names == write(talk, model="m").dropped


def test_what_is_not_read_of_a_call_is_named() -> None:
    signed = {"google": {"thought_signature": "s"}}
    details = [{"type": "reasoning.encrypted", "data": "x", "format": "google-gemini-v1"}]
    talk = talk_of(
        {
            "role": "assistant",
            "tool_calls": [{**CALL, "extra_content": signed, "function": {**FUNCTION, "odd": 1}}],
            "reasoning_details": details,
        },
        {
            "role": "user",
            "content": [{"type": "image_url", "image_url": {"url": PNG, "odd": 1}}],
        },
    )

    assert {
        "messages.reasoning_details",
        "messages.tool_calls.extra_content",
        "messages.tool_calls.function.odd",
        "messages.content.image_url.odd",
    } == set(talk.unread)


def test_names_of_what_is_not_read_are_bounded() -> None:
    talk = talk_of(**{f"odd{number}": 1 for number in range(1000)})

    assert 100 == len(talk.unread)


def test_proofs_of_another_vendor_are_not_taken_for_anthropic_s() -> None:
    details = [
        {"type": "reasoning.text", "text": "h", "signature": "s", "format": "google-gemini-v1"},
        {"type": "reasoning.encrypted", "data": "x", "format": "openai-responses-v1"},
        {"type": "reasoning.text", "text": "m", "signature": "t", "format": "anthropic-claude-v1"},
        {
            "type": "reasoning.encrypted",
            "data": "y",
            "format": "anthropic-claude-v1" * 2,
            "index": "1",
        },
    ]

    parts = parts_of({"role": "assistant", "content": "a", "reasoning_details": details})

    assert (Thinking(text="hm", signature="t"), Sealed(data="y"), Text(text="a")) == parts[0]


def test_odd_reasoning_does_not_cost_the_request() -> None:
    values: list[object] = ["x", [1], {}]
    odd = [{"role": "assistant", "content": "a", "reasoning_details": one} for one in values]

    assert ((Text(text="a"),),) * 3 == parts_of(*odd)


def test_many_results_are_one_turn_in_the_time_that_they_take() -> None:
    """With a copy of the turn for each of them this would not end."""
    result = {"role": "tool", "tool_call_id": "c", "content": ""}
    details = [{"type": "reasoning.text", "text": "abcdefghijklmnop"}] * 20_000

    said, results = parts_of(
        {"role": "assistant", "reasoning_details": details, "content": "a"}, *([result] * 20_000)
    )

    assert 20_000 == len(results)
    assert Thinking(text="abcdefghijklmnop" * 20_000) == said[0]


def test_who_offers_functions_gets_one_call_an_answer() -> None:
    body = msgspec.json.encode({"messages": [USER], "functions": [FUNCTION]})

    assert read(body).parallel is False
    assert offers_functions(body)
    assert not offers_functions(msgspec.json.encode({"messages": [USER], "functions": []}))
    assert not offers_functions(b'{"messages":[{"role":"user","content":"\\"functions\\""}]}')


def test_only_the_allowed_tools_are_offered() -> None:
    other = {"type": "function", "function": {"name": "g"}}
    allowed = {"mode": "required", "tools": [other]}

    talk = talk_of(
        tools=[TOOL, other], tool_choice={"type": "allowed_tools", "allowed_tools": allowed}
    )

    assert (Tool(name="g"),) == talk.tools
    assert Choice(kind="any") == talk.choice


def test_schemas_keep_their_bytes() -> None:
    schema = b'{ "type":"object",\t"properties":{"b":{},"a":{}}, "x":1.50 }'
    tool = b'[{"type":"function","function":{"name":"f","parameters":%b,"strict":true}}]' % schema
    body = b'{"messages":[{"role":"user","content":"hi"}],"tools":%b}' % tool

    talk = read(body)

    assert schema == bytes(talk.tools[0].schema)
    assert schema in write(talk, model="m").body


# --- Writing ----------------------------------------------------------------------------------


def test_results_with_pictures_are_followed_by_a_message_that_shows_them() -> None:
    picture = Image(media_type="image/png", data="AAAA")
    results = (
        Result(id="c1", parts=(Text(text="seen"), picture)),
        Result(id="c2", parts=(picture,)),
        Result(id="c3", parts=(), error=True),
    )

    _, *messages = messages_of(
        Turn(
            role="assistant",
            parts=tuple(Call(id=result.id, name="f", arguments="{}") for result in results),
        ),
        Turn(role="user", parts=(*results, Text(text="and?"))),
    )

    image = {"type": "image_url", "image_url": {"url": PNG}}
    assert [
        {"role": "tool", "tool_call_id": "c1", "content": "seen"},
        {
            "role": "tool",
            "tool_call_id": "c2",
            "content": "The result is in the user message that follows.",
        },
        {"role": "tool", "tool_call_id": "c3", "content": ""},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "From the tool call c1:"},
                image,
                {"type": "text", "text": "From the tool call c2:"},
                image,
                {"type": "text", "text": "and?"},
            ],
        },
    ] == messages


def test_content_is_null_only_beside_calls_and_refusals() -> None:
    call = Call(id="c1", name="f", arguments='{"a": 1}')

    refused, thought, _, called, _ = messages_of(
        Turn(role="assistant", parts=(Refusal(text="no"),)),
        Turn(role="assistant", parts=(Thinking(text="hm"),)),
        HI,
        Turn(role="assistant", parts=(call,)),
    )

    assert {"role": "assistant", "content": None, "tool_calls": [CALL]} == called
    assert {"role": "assistant", "content": None, "refusal": "no"} == refused
    assert {"role": "assistant", "content": "", "reasoning_content": "hm"} == thought


def test_reasoning_is_not_sent_to_the_vendor_that_has_no_field_for_it() -> None:
    turn = Turn(role="assistant", parts=(Thinking(text="hm", signature="s"), Text(text="a")))

    assert "reasoning_details" in messages_of(turn)[0]
    assert [{"role": "assistant", "content": "a"}] == messages_of(turn, model="gpt-5")


def test_text_documents_are_written_as_text_and_linked_ones_refused() -> None:
    named = Document(text="words", media_type="text/plain", name="a.txt")

    assert (
        "a.txt\n\nwords" == messages_of(Turn(role="user", parts=(named,)))[0]["content"][0]["text"]
    )
    with pytest.raises(Unsayable):
        messages_of(Turn(role="user", parts=(Document(url="https://a.test/b.pdf"),)))


def test_pictures_of_an_assistant_are_refused() -> None:
    with pytest.raises(Unsayable):
        messages_of(Turn(role="assistant", parts=(Image(url="https://a.test/b.png"),)))


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-4o", "max_completion_tokens"),
        ("gpt-5-mini", "max_completion_tokens"),
        ("openai/o3", "max_completion_tokens"),
        ("o4-mini", "max_completion_tokens"),
        ("chatgpt-4o-latest", "max_completion_tokens"),
        ("gpt-oss-120b", "max_tokens"),
        ("openai/gpt-oss-20b", "max_tokens"),
        ("deepseek-chat", "max_tokens"),
        ("o1ympia", "max_tokens"),
    ],
)
def test_limit_goes_by_the_name_that_the_model_knows(model: str, name: str) -> None:
    body = body_of(Talk(turns=(HI,), max_tokens=9), model=model)

    assert {name: 9} == {key: value for key, value in body.items() if key.startswith("max_")}


@pytest.mark.parametrize(
    ("said", "effort"),
    [
        ({}, None),
        ({"effort": "low"}, "low"),
        ({"effort": "max", "thinking_tokens": 1024}, "max"),
        ({"thinks": True}, None),
        ({"thinks": False}, "none"),
        ({"thinking_tokens": 4_000}, "low"),
        ({"thinking_tokens": 10_000}, "medium"),
        ({"thinking_tokens": 31_999}, "high"),
    ],
)
def test_budget_of_thought_becomes_a_word(said: dict[str, Any], effort: str | None) -> None:
    assert effort == body_of(Talk(turns=(HI,), **said)).get("reasoning_effort")


def test_what_cannot_be_said_is_cut_and_named() -> None:
    talk = Talk(turns=(HI,), top_k=3, stop=("a", "b", "c", "d", "e"), unread=("x",))

    written = write(talk, model="m")

    assert ("x", "top_k", "stop_sequences") == written.dropped
    assert ["a", "b", "c", "d"] == json.loads(written.body)["stop"]


def test_stream_always_asks_for_usage() -> None:
    body = body_of(Talk(turns=(HI,), stream=True))

    assert (True, {"include_usage": True}) == (body["stream"], body["stream_options"])


def test_choice_of_tools_is_left_out_where_there_are_none() -> None:
    body = body_of(Talk(turns=(HI,), choice=Choice(kind="auto"), parallel=False))

    assert {"model", "messages"} == set(body)


@pytest.mark.parametrize(
    "given", [Format(), Format(schema=Raw(b'{"type":"object"}'), name="n", strict=False)]
)
def test_format_comes_back_the_same(given: Format) -> None:
    talk = Talk(turns=(HI,), format=given)

    assert talk == read(write(talk, model="m").body)


def test_format_without_a_name_gets_one() -> None:
    body = body_of(Talk(turns=(HI,), format=Format(schema=Raw(b'{"type":"object"}'))))

    schema = {"name": "answer", "schema": {"type": "object"}, "strict": False}
    assert schema == body["response_format"]["json_schema"]
