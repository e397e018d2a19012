"""The OpenAI format: what is read of it, and that everything else passes unread and unchanged."""

import json
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.builders import a_body
from tests.unit.dialects.bad_input import (
    ABOUT_MESSAGES,
    FIELDS,
    MESSAGES,
    OPENAI_ONLY,
    SYNTAX,
    with_messages,
)
from tokenhub.core.ask import MAX_TOKENS
from tokenhub.core.errors import BadRequest
from tokenhub.core.outcome import Usage
from tokenhub.dialects.openai.ask import to_ask
from tokenhub.dialects.openai.passing import DONE, StreamReader, error_of, payload, usage_of
from tokenhub.dialects.told import Told, ToldError

ROWS = [
    *SYNTAX,
    *ABOUT_MESSAGES,
    *OPENAI_ONLY,
    *((name, with_messages(fields), code, field) for name, fields, code, field in FIELDS),
]

# --- Reading a request ------------------------------------------------------------------------


@pytest.mark.parametrize(("_name", "body", "code", "field"), ROWS, ids=[row[0] for row in ROWS])
def test_bad_input_is_refused_with_its_code_and_field(
    _name: str, body: bytes, code: str, field: str | None
) -> None:
    with pytest.raises(BadRequest) as caught:
        to_ask(body)

    assert (code, field) == (caught.value.code, caught.value.field)
    assert str(caught.value)


def test_everything_that_is_read() -> None:
    body = a_body(
        "hello world!",
        model="gpt",
        stream=True,
        stream_options={"include_usage": True},
        max_tokens=9,
        tools=[{"type": "function"}],
    )

    ask = to_ask(body, substitute="never")

    assert body is ask.payload
    assert ("openai", "gpt", True, True, 9, "never") == (
        ask.dialect,
        ask.model,
        ask.stream,
        ask.wants_usage,
        ask.max_tokens,
        ask.substitute,
    )
    assert 4 + 3 + 6 == ask.input_tokens


def test_least_request() -> None:
    ask = to_ask(b"{" + MESSAGES + b"}")

    assert ("", False, False, None, "any") == (
        ask.model,
        ask.stream,
        ask.wants_usage,
        ask.max_tokens,
        ask.substitute,
    )


@pytest.mark.parametrize(
    "name",
    ["model", "stream", "stream_options", "max_tokens", "max_completion_tokens", "tools", "x"],
)
def test_null_says_nothing(name: str) -> None:
    bare = to_ask(b"{" + MESSAGES + b"}")

    ask = to_ask(with_messages(b'"%s":null' % name.encode()))

    assert msgspec.structs.replace(bare, payload=b"", input_tokens=0) == msgspec.structs.replace(
        ask, payload=b"", input_tokens=0
    )
    assert 0 <= ask.input_tokens - bare.input_tokens <= 1


@pytest.mark.parametrize(
    ("options", "wants"),
    [
        (b"{}", False),
        (b'{"include_usage":null}', False),
        (b'{"include_usage":false}', False),
        (b'{"include_usage":true}', True),
        (b'{"include_usage":true,"other":[1]}', True),
    ],
)
def test_usage_is_wanted_only_where_it_is_asked_for(
    options: bytes,
    wants: bool,  # noqa: FBT001 - a table's column
) -> None:
    assert wants is to_ask(with_messages(b'"stream_options":' + options)).wants_usage


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        (b'"max_tokens":0', 0),
        (b'"max_tokens":5', 5),
        (b'"max_completion_tokens":7', 7),
        (b'"max_tokens":5,"max_completion_tokens":7', 7),
        (b'"max_tokens":5,"max_completion_tokens":0', 5),
        (b'"max_tokens":536870911', MAX_TOKENS),
        (b'"max_tokens":5,"max_tokens":6', 6),
    ],
)
def test_limit_of_the_answer(fields: bytes, limit: int) -> None:
    assert limit == to_ask(with_messages(fields)).max_tokens


@pytest.mark.parametrize(
    ("message", "tokens"),
    [
        ({"role": "user", "content": ""}, 4),
        ({"role": "user", "content": None}, 4),
        ({"role": "user"}, 4),
        ({"role": "user", "content": []}, 4),
        ({"role": "user", "content": "12345678"}, 6),
        ({"role": "user", "content": "日本語"}, 7),
        ({"role": "user", "content": [{"type": "text", "text": "12345678"}]}, 6),
        ({"role": "user", "content": [{"type": "text", "text": ""}]}, 4),
        ({"role": "user", "content": [{"type": "image_url", "image_url": {}}]}, 769),
        ({"role": "assistant", "content": "", "tool_calls": None}, 4),
        ({"role": "assistant", "content": "", "tool_calls": []}, 4),
        ({"role": "assistant", "tool_calls": [{"id": "12"}, {"id": "3456"}]}, 11),
    ],
)
def test_estimate_of_the_prompt(message: dict[str, Any], tokens: int) -> None:
    body = json.dumps({"messages": [message]}, ensure_ascii=False, separators=(",", ":"))

    assert tokens == to_ask(body.encode()).input_tokens


@given(st.binary(max_size=200))
@example(b"{" + MESSAGES + b"}")
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        ask = to_ask(body)
    except BadRequest as error:
        assert error.code in {"invalid_json", "invalid_utf8", "invalid_type", "invalid_request"}  # noqa: PT017 - either end is right
    else:
        json.loads(payload(ask, "m"))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
KNOWN = ["messages", "model", "stream", "stream_options", "max_tokens", "tools", "role", "content"]


@given(st.dictionaries(st.sampled_from(KNOWN) | st.text(max_size=5), json_values, max_size=6))
def test_any_object_is_read_or_refused(body: dict[str, Any]) -> None:
    try:
        ask = to_ask(json.dumps(body).encode())
    except BadRequest as error:
        assert error.code in {"invalid_type", "invalid_request"}  # noqa: PT017 - either end is right
    else:
        assert 0 <= ask.input_tokens


# --- Passing it on ----------------------------------------------------------------------------

# Values as bytes, with everything that an encoder of our own would change.
raw_values = st.sampled_from(
    [
        b"1.0", b"1e400", b"-0", b"-0.0", b"1E+2", b"123456789012345678901234567890", b"null",
        b"true", b'"\\u00e9\\/\\ud83d\\ude00"', '"é"'.encode(), b'{"b":1.0,"a":{"z":1,"b":[ ]}}',
        b"[ 1 ,\t2.50 ]", b'{"a":1,"a":2}', b'""', b"{ }",
    ]
)  # fmt: skip
extra_names = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\\'), max_size=6
).filter(lambda name: name not in {*KNOWN, "max_completion_tokens", "n", "models"})
extra_fields = st.dictionaries(extra_names, raw_values, max_size=6)


def body_of(fields: dict[str, bytes]) -> bytes:
    return b"{" + b",".join(b'"%s":%s' % (n.encode(), v) for n, v in fields.items()) + b"}"


def fields_of(body: bytes) -> dict[str, bytes]:
    found = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return {name: bytes(raw) for name, raw in found.items()}


@given(extra_fields, extra_fields, st.booleans(), st.booleans())
@example({}, {"x": b"1e400"}, False, False)  # noqa: FBT003 - as hypothesis draws them
def test_every_other_field_keeps_its_bytes_and_its_place(
    before: dict[str, bytes],
    after: dict[str, bytes],
    stream: bool,  # noqa: FBT001 - drawn by hypothesis
    usage: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    ours = {"model": b'"old"', "messages": b'[ {"role":"user", "content":"\\u00e9","x":1.0} ]'}
    if stream:
        ours["stream"] = b"true"
        ours["stream_options"] = b'{ "include_usage":%s, "x":1.0}' % json.dumps(usage).encode()
    given_fields = before | ours | after

    sent = fields_of(payload(to_ask(body_of(given_fields)), "new"))

    assert list(given_fields) == list(sent)
    assert b'"new"' == sent["model"]
    changed = {"model", "stream_options"} if stream and not usage else {"model"}
    for name in given_fields.keys() - changed:
        assert given_fields[name] == sent[name]
    if stream and not usage:
        assert b'{"include_usage":true,"x":1.0}' == sent["stream_options"]


@given(extra_fields)
def test_body_that_needs_no_change_goes_up_byte_for_byte(extra: dict[str, bytes]) -> None:
    body = b" " + body_of({**extra, "model": b'"m"', "messages": b'[{"role":"user"}]'}) + b"\n"

    assert body is payload(to_ask(body), "m")


def test_stream_that_asks_for_usage_itself_goes_up_byte_for_byte() -> None:
    body = a_body(model="m", stream=True, stream_options={"include_usage": True})

    assert body is payload(to_ask(body), "m")


@pytest.mark.parametrize("options", [None, b"null", b"{}", b'{"include_usage":false}'])
def test_stream_always_asks_for_usage(options: bytes | None) -> None:
    given_fields = {"stream": b"true", "messages": b'[{"role":"user"}]'}
    if options is not None:
        given_fields["stream_options"] = options

    sent = fields_of(payload(to_ask(body_of(given_fields)), "m"))

    assert b'{"include_usage":true}' == sent["stream_options"]
    assert b'"m"' == sent["model"]


def test_options_of_a_whole_answer_are_left_alone() -> None:
    body = with_messages(b'"stream_options":{"include_usage":false}')

    assert b'{"include_usage":false}' == fields_of(payload(to_ask(body), "m"))["stream_options"]


def test_name_of_the_model_is_escaped() -> None:
    sent = payload(to_ask(b"{" + MESSAGES + b"}"), 'a"},"b\n')

    assert 'a"},"b\n' == json.loads(sent)["model"]


def test_of_two_fields_of_one_name_the_last_counts_and_goes_up() -> None:
    ask = to_ask(with_messages(b'"model":"first","model":"last"'))

    assert "last" == ask.model
    assert b"first" not in payload(ask, "new")


REASONED = (
    b'{"role":"assistant", "content":"\\u00e9 \\"reasoning\\"","reasoning":"x","reasoning_content":'
    b'"hm","reasoning_details":[{"type":"reasoning.text","text":"hm"}],"x":1.0}'
)


@pytest.mark.parametrize("model", ["gpt-4o", "openai/o3", "ft:gpt-4.1:me::1"])
def test_reasoning_of_others_is_not_sent_to_openai_s_own_models(model: str) -> None:
    """Its API is known to refuse a message with a field that it does not know."""
    said = b'{ "role":"user", "content":"\\"reasoning\\"" }'
    body = body_of({"model": b'"%b"' % model.encode(), "messages": b"[%b, %b]" % (said, REASONED)})

    sent = fields_of(payload(to_ask(body), model))

    left = b'{"role":"assistant","content":"\\u00e9 \\"reasoning\\"","x":1.0}'
    assert b"[" + said + b"," + left + b"]" == sent["messages"]


def test_reasoning_is_sent_to_all_others_byte_for_byte() -> None:
    body = body_of({"model": b'"m"', "messages": b"[%b]" % REASONED})

    assert body is payload(to_ask(body), "m")


def test_effort_is_no_reasoning_of_others() -> None:
    body = body_of(
        {"model": b'"o3"', "reasoning_effort": b'"low"', "messages": b'[{"role":"user" }]'}
    )

    assert body is payload(to_ask(body), "o3")


# --- A whole answer ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("usage", "told"),
    [
        (b"", None),
        (b',"usage":null', None),
        (b',"usage":{}', Usage()),
        (b',"usage":{"prompt_tokens":5,"completion_tokens":0}', Usage(5, 0)),
        (b',"usage":{"prompt_tokens":5,"completion_tokens":null,"x":1}', Usage(5, None)),
        (b',"usage":{"prompt_tokens":-5,"completion_tokens":7}', Usage(None, 7)),
        (b',"usage":{"prompt_tokens":99999999999999999999,"completion_tokens":7}', Usage(None, 7)),
    ],
)
def test_usage_of_a_whole_answer(usage: bytes, told: Usage | None) -> None:
    assert told == usage_of(b'{"id":"x","choices":[{}]' + usage + b"}")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"null",
        b"[]",
        b"{}",
        b'{"choices":null}',
        b'{"choices":{}}',
        b'{"choices":[]}',
        b'{"error":{"message":"no"}}',
        b'{"choices":[]',
        b'{"choices":[],"\xff":1,"usage":{"\xff":"\xff"}} x',
        b'{"choices":[],"x":' + b"[" * 200_000,
    ],
)
def test_what_is_no_answer(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"a chat completion|told of an error"):
        usage_of(body)


# --- An error ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (
            b'{"error":{"message":"m","type":"t","param":"p","code":"c","x":1}}',
            Told(message="m", type="t", param="p", code="c"),
        ),
        (b'{"error":{"message":"m","code":400}}', Told(message="m", code=400)),
        (b'{"error":"plain"}', Told(message="plain")),
        (b'{"error":{}}', Told()),
        (b'{"error":null}', Told()),
        (b'{"error":[1]}', Told()),
        (b'{"error":{"message":null,"code":"c","param":["x"]}}', Told(code="c")),
        (b'{"error":{"message":{"a":1},"type":"t"}}', Told(type="t")),
        (
            b'{"object":"error","message":"m","type":"BadRequestError","param":null,"code":400}',
            Told(message="m", type="BadRequestError", code=400),
        ),
        (b'{"detail":"Not Found"}', Told()),
        (b"", Told()),
        (b"<html>502</html>", Told()),
        (b'{"error":{"message":"cut', Told()),
        (b'{"error":{"message":"\xff"}}', Told()),
        (b"[]", Told()),
        (b"[" * 200_000, Told()),
        (b'{"error":' + b"[" * 200_000, Told()),
    ],
)
def test_error_of_a_provider_is_read_as_far_as_it_can_be(body: bytes, error: Told) -> None:
    assert error == error_of(body)


# --- A stream ---------------------------------------------------------------------------------


def event(data: Any, *, end: bytes = b"\n\n") -> bytes:
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    return b"data: " + text.encode() + end


def chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
HELLO = [
    event(chunk(role="assistant", content="")),
    event(chunk(content="Hel")),
    event(chunk(content="lo")),
    event(chunk("stop")),
    event({"id": "c", "choices": [], "usage": USAGE}),
    DONE,
]
TRICKY = [
    "[DONE]",
    "data: [DONE]\n\n",
    '"usage":{',
    '{"error":{}}',
    "\n\n",
    "\r\n\r\n",
    "日本語",
    "",
    "x",
]
chunks = st.one_of(
    st.builds(lambda text: chunk(content=text), st.sampled_from(TRICKY) | st.text(max_size=4)),
    st.sampled_from(
        [
            chunk(role="assistant"),
            chunk("stop"),
            chunk(tool_calls=[{"index": 0, "function": {"arguments": '{"error"'}}]),
            {"choices": [], "usage": USAGE},
            {**chunk(content="x"), "usage": None},
            {**chunk(content="x"), "usage": USAGE},
            {"choices": []},
            {"choices": None},
            {"choices": [{"index": 0, "delta": None}]},
        ]
    ),
)
ends = st.sampled_from([b"\n\n", b"\r\n\r\n", b"\r\n\n", b"\n\r\n"])
streams = st.lists(
    st.builds(lambda data, end: event(data, end=end), chunks, ends)
    | st.sampled_from([b": ping\n\n", b":\r\n\r\n", b"event: x\ndata: {}\n\n", b"\n\n", DONE])
).map(lambda events: event(chunk(content="a")) + b"".join(events))


def read(stream: bytes, cuts: list[int], *, hide_usage: bool) -> tuple[bytes, StreamReader]:
    reader = StreamReader(hide_usage=hide_usage)
    places = sorted({min(cut, len(stream)) for cut in cuts} | {0, len(stream)})
    out = [reader.feed(stream[a:b]) for a, b in pairwise(places)]
    return b"".join(out), reader


def state(reader: StreamReader) -> tuple[object, ...]:
    return (reader.started, reader.done, reader.usage, reader.pieces, reader.output_tokens)


@given(streams, st.lists(st.integers(0, 500)), st.booleans())
def test_any_cut_gives_the_same_bytes_and_the_same_understanding(
    stream: bytes,
    cuts: list[int],
    hide: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    whole, reader = read(stream, [], hide_usage=hide)

    for places in (cuts, list(range(len(stream)))):
        parts, other = read(stream, places, hide_usage=hide)
        assert whole == parts
        assert state(reader) == state(other)


@given(st.lists(chunks), st.lists(st.integers(0, 500)), ends)
def test_only_what_is_to_be_hidden_is_missing(
    data: list[dict[str, Any]], cuts: list[int], end: bytes
) -> None:
    events = [event(one, end=end) for one in data]
    usage_only = [not one.get("choices") and "usage" in one for one in data]

    shown, _ = read(b"".join(events), cuts, hide_usage=False)
    hidden, _ = read(b"".join(events), cuts, hide_usage=True)

    assert b"".join(events) == shown
    assert b"".join(e for e, only in zip(events, usage_only, strict=True) if not only) == hidden


@pytest.mark.parametrize("hide", [True, False])
def test_usage_is_read_and_shown_only_to_who_asked(hide: bool) -> None:  # noqa: FBT001 - a table's column
    reader = StreamReader(hide_usage=hide)

    out = b"".join(reader.feed(one) for one in HELLO)

    assert b"".join(HELLO[:4] if hide else HELLO[:5]) == out
    assert Usage(5, 7) == reader.usage
    assert reader.done


def test_usage_beside_an_answer_is_not_cut_out_of_it() -> None:
    reader = StreamReader(hide_usage=True)
    both = event({**chunk("stop", content="x"), "usage": USAGE})

    assert both == reader.feed(both)
    assert Usage(5, 7) == reader.usage


def test_usage_that_cannot_be_is_none() -> None:
    reader = StreamReader(hide_usage=True)

    reader.feed(event({"choices": [], "usage": {"prompt_tokens": -1, "completion_tokens": 2**40}}))

    assert Usage(None, None) == reader.usage


@pytest.mark.parametrize("text", TRICKY)
def test_text_of_an_answer_is_never_taken_for_its_frame(text: str) -> None:
    reader = StreamReader(hide_usage=True)
    said = event(chunk(content=text))

    assert said == reader.feed(said)
    assert not reader.done
    assert reader.usage is None


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\n\n", b"\n\r\n"])
def test_terminal_is_known_in_every_framing_and_kept_back(end: bytes) -> None:
    reader = StreamReader(hide_usage=True)
    reader.feed(event(chunk("stop")))

    assert b"" == reader.feed(b"data:[DONE]" + end)
    assert reader.done


def test_end_of_an_answer_that_has_not_begun_is_none() -> None:
    reader = StreamReader(hide_usage=True)
    reader.feed(event(chunk(role="assistant", content="")))

    with pytest.raises(ValueError, match="without an answer"):
        reader.feed(DONE)

    assert not reader.done


def test_nothing_but_comments_goes_out_after_the_terminal() -> None:
    reader = StreamReader(hide_usage=True)

    last = event(chunk("stop"))

    out = reader.feed(last + DONE + event(chunk(content="late")) + b"data: not json\n\n: bye\n\n")

    assert last + b": bye\n\n" == out
    assert 0 == reader.pieces


def test_stream_without_a_terminal_is_not_done() -> None:
    reader = StreamReader(hide_usage=True)

    reader.feed(b"".join(HELLO[:-1]))

    assert not reader.done
    assert reader.started


@pytest.mark.parametrize(
    "begin",
    [
        chunk(content="x"),
        chunk(content=[{"type": "thinking", "thinking": []}]),
        chunk(reasoning_content="x"),
        chunk(reasoning="x"),
        chunk(reasoning={"text": "x"}),
        chunk(refusal="x"),
        chunk(tool_calls=[{"index": 0}]),
        chunk(function_call={"name": "f"}),
        chunk(audio={"id": "a"}),
        chunk("stop"),
    ],
)
def test_first_piece_of_any_kind_starts_the_answer(begin: dict[str, Any]) -> None:
    reader = StreamReader(hide_usage=True)
    for before in (b": ping\n\n", event(chunk(role="assistant", content="")), event({})):
        reader.feed(before)
    assert not reader.started

    reader.feed(event(begin))

    assert reader.started


@pytest.mark.parametrize(
    ("data", "tokens"),
    [
        ([chunk(content="a"), chunk(content="b"), chunk(content="c")], 3),
        ([chunk(content="x" * 40)], 10),
        ([chunk(content="日本語" * 4)], 9),
        ([chunk(reasoning_content="x" * 8), chunk(reasoning="y" * 8)], 4),
        ([chunk(tool_calls=[{"a": "12345678"}])], 5),
        ([chunk(role="assistant", content=""), chunk("stop"), {"choices": []}], 0),
    ],
)
def test_own_count_of_a_stream(data: list[dict[str, Any]], tokens: int) -> None:
    reader = StreamReader(hide_usage=True)

    reader.feed(b"".join(map(event, data)))

    assert tokens == reader.output_tokens


@pytest.mark.parametrize(
    "error", ['{"error":{"message":"boom"}}', '{"error":"boom"}', '{"choices":[],"error":{}}']
)
def test_error_in_a_stream_ends_it(error: str) -> None:
    reader = StreamReader(hide_usage=True)

    with pytest.raises(ValueError, match="told of an error"):
        reader.feed(event(error))


def test_error_of_null_is_none() -> None:
    reader = StreamReader(hide_usage=True)
    fine = event({**chunk(content="x"), "error": None})

    assert fine == reader.feed(fine)


@pytest.mark.parametrize(
    "data",
    [
        "nonsense",
        "[]",
        "1",
        "[DONE",
        '{"choices":[1]}',
        '{"choices":[{"delta":{"content":5}}]}',
        "[" * 200_000,
        '{"choices":' + "[" * 200_000,
    ],
)
def test_what_is_no_chunk_ends_it(data: str) -> None:
    reader = StreamReader(hide_usage=True)

    with pytest.raises(ValueError, match="not a chunk"):
        reader.feed(event(data))


def test_chunk_of_bad_utf8_ends_it() -> None:
    reader = StreamReader(hide_usage=True)

    with pytest.raises(ValueError, match="not a chunk"):
        reader.feed(b'data: {"choices":[{"delta":{"content":"\xff"}}]}\n\n')


HALF = b'{"choices":[{"index":0,"delta":{"content":"\\ud83d","x":"\\\\ud83d"},"message":{}}]}'


def test_half_a_character_does_not_cost_a_good_answer() -> None:
    reader = StreamReader(hide_usage=True)
    stream = b"data: " + HALF + b"\n\n"

    assert stream == reader.feed(stream)
    assert reader.started
    assert usage_of(HALF) is None


def test_dialect_has_the_terminal_of_the_vendor() -> None:
    assert b"data: [DONE]\n\n" == DONE


@pytest.mark.parametrize(
    ("usage", "told"),
    [
        (b'{"prompt_tokens":"12","completion_tokens":3}', Usage(None, 3)),
        (b'{"prompt_tokens":12.0,"completion_tokens":3.5}', Usage(12, None)),
        (b'{"prompt_tokens":true,"completion_tokens":-1}', Usage(None, None)),
        (b"[]", None),
        (b"3", None),
        (b'"none"', None),
    ],
)
def test_odd_usage_does_not_cost_a_good_answer(usage: bytes, told: Usage | None) -> None:
    reader = StreamReader(hide_usage=True)
    event = (
        b'data: {"choices":[{"delta":{"content":"a"},"finish_reason":7}],"usage":%b}\n\n' % usage
    )

    passed = reader.feed(event)

    assert event == passed
    assert told == reader.usage
    assert told == usage_of(b'{"choices":[{}],"usage":%b}' % usage)


def test_usage_ahead_of_the_answer_does_not_count_it() -> None:
    reader = StreamReader(hide_usage=False)
    ahead = '{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":0}}'

    reader.feed(event(ahead) + event('{"choices":[{"delta":{"content":"one"}}]}'))

    assert Usage(10, None) == reader.usage
    assert 1 == reader.output_tokens


def test_usage_with_each_piece_counts_what_came() -> None:
    reader = StreamReader(hide_usage=False)
    usage = '{"prompt_tokens":1,"completion_tokens":%d}'
    piece = '{"choices":[{"delta":{"content":"one"}}],"usage":' + usage + "}"

    reader.feed(event(piece % 1) + event(piece % 2))

    assert Usage(1, 2) == reader.usage


@pytest.mark.parametrize("last", [b"data: [DONE]", b"data:  [DONE] \n", b"data: [DONE]\n"])
def test_last_event_may_lack_its_blank_line(last: bytes) -> None:
    reader = StreamReader(hide_usage=False)
    reader.feed(event(chunk("stop")) + last)

    reader.end()

    assert reader.done


def test_error_in_place_of_an_answer_is_told_with_its_status() -> None:
    with pytest.raises(ToldError) as caught:
        usage_of(b'{"error":{"message":"slow down","code":429}}')

    assert (429, "slow down") == (caught.value.status, caught.value.error.message)


@pytest.mark.parametrize(
    ("older", "newer", "most"), [(500, 1, 500), (1, 500, 500), (None, 7, 7), (7, None, 7)]
)
def test_of_two_limits_the_greater_is_reckoned_with(older, newer, most):
    """A server that knows only the older name goes by that, and is paid by it."""
    body = a_body(max_tokens=older, max_completion_tokens=newer)

    assert most == to_ask(body).max_tokens
