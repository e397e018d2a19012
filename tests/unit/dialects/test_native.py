"""TokenHub's own format: both of its forms mean the same, and no field is dropped in silence."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.dialects.bad_input import ABOUT_MESSAGES, FIELDS, MESSAGES, SYNTAX, with_messages
from tokenhub.core.ask import MAX_TOKENS, Shape, Wish
from tokenhub.core.catalog import MODES
from tokenhub.core.errors import BadRequest
from tokenhub.dialects.decoding import MAX_VALUES
from tokenhub.dialects.native import answer, to_ask, wish
from tokenhub.dialects.openai.passing import payload
from tokenhub.wire.native import PolicyIn

CODES = {"invalid_json", "invalid_utf8", "invalid_type", "invalid_request", "invalid_schema"}
ROWS = [*SYNTAX, *ABOUT_MESSAGES]
REQUEST = {
    "messages": [{"role": "user", "content": "hi", "x": 1}],
    "model_hint": "gpt",
    "stream": True,
    "parameters": {"temperature": 1.0, "max_tokens": 9, "stream_options": {"include_usage": True}},
    "id": "r1",
    "meta": {"who": "me"},
}
POLICY = {"mode": "cheap", "max_budget_usd": 0.01, "max_latency_ms": 5000, "min_weight": 3}


def body(value: Any) -> bytes:
    return json.dumps(value).encode()


def refused(request: bytes) -> tuple[str, str | None, str]:
    with pytest.raises(BadRequest) as caught:
        to_ask(request)
    return caught.value.code, caught.value.field, str(caught.value)


# --- Bad input --------------------------------------------------------------------------------


@pytest.mark.parametrize(("_name", "given", "code", "field"), ROWS, ids=[row[0] for row in ROWS])
def test_bad_input_of_the_flat_form(_name: str, given: bytes, code: str, field: str | None) -> None:
    assert (code, field) == refused(given)[:2]


@pytest.mark.parametrize(
    ("_name", "given", "code", "field"), ABOUT_MESSAGES, ids=[row[0] for row in ABOUT_MESSAGES]
)
def test_bad_messages_of_the_nested_form(_name: str, given: bytes, code: str, field: str) -> None:
    found, place, message = refused(b'{"request":' + given + b"}")

    assert (code, f"request.{field}") == (found, place)
    assert message.startswith(f"request.{field}")


@pytest.mark.parametrize(
    ("_name", "fields", "code", "field"), FIELDS, ids=[row[0] for row in FIELDS]
)
@pytest.mark.parametrize("nested", [True, False])
def test_bad_parameter_is_named_with_its_place(
    _name: str, fields: bytes, code: str, field: str, *, nested: bool
) -> None:
    flat = with_messages(b'"parameters":{' + fields + b"}")

    found, place, message = refused(b'{"request":' + flat + b"}" if nested else flat)

    prefix = "request." if nested else ""
    assert (code, f"{prefix}parameters.{field}") == (found, place)
    assert message.startswith(f"{prefix}parameters.")


@pytest.mark.parametrize("request_", [b"{}", b'{"messages":[]}'])
def test_messages_are_required(request_: bytes) -> None:
    assert ("invalid_request", "messages", "messages required") == refused(request_)
    assert ("invalid_request", "request.messages", "messages required") == refused(
        b'{"request":' + request_ + b"}"
    )


@pytest.mark.parametrize("value", [b"null", b"[]", b'"x"', b"1"])
def test_request_that_is_no_object_is_named(value: bytes) -> None:
    code, field, message = refused(b'{"request":' + value + b"}")

    assert ("invalid_type", "request") == (code, field)
    assert message.startswith("request: Expected `object`")


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        (b'"model_hint":1', "invalid_type", "model_hint"),
        (b'"model_hint":"a\\u0000"', "invalid_request", "model_hint"),
        (b'"stream":"true"', "invalid_type", "stream"),
        (b'"parameters":[]', "invalid_type", "parameters"),
        (b'"estimated_input_tokens":-1', "invalid_request", "estimated_input_tokens"),
        (b'"estimated_input_tokens":1.5', "invalid_type", "estimated_input_tokens"),
        (
            b'"estimated_input_tokens":9223372036854775808',
            "invalid_request",
            "estimated_input_tokens",
        ),
        (b'"output_schema":[]', "invalid_schema", "output_schema"),
        (b'"output_schema":1', "invalid_schema", "output_schema"),
        (b'"output_schema":"{"', "invalid_schema", "output_schema"),
        (b'"output_schema":{"type":"text"}', "invalid_schema", "output_schema"),
        (b'"output_schema":{"$ref":"http://a/b"}', "invalid_schema", "output_schema"),
    ],
)
def test_bad_field_is_named_in_both_forms(fields: bytes, code: str, field: str) -> None:
    flat = with_messages(fields)

    assert (code, field) == refused(flat)[:2]
    assert (code, f"request.{field}") == refused(b'{"request":' + flat + b"}")[:2]


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        (b"[]", "invalid_type", "output_format"),
        (b'"json"', "invalid_type", "output_format"),
        (b'{"type":1}', "invalid_type", "output_format.type"),
        (b'{"type":"yaml"}', "invalid_request", "output_format.type"),
        (b'{"max_tokens":-1}', "invalid_request", "output_format.max_tokens"),
        (b'{"max_tokens":2147483648}', "invalid_request", "output_format.max_tokens"),
        (b'{"max_tokens":1.5}', "invalid_type", "output_format.max_tokens"),
        (b'{"strip_think":"yes"}', "invalid_type", "output_format.strip_think"),
        (b'{"strip":true}', "invalid_type", "output_format.strip"),
        (b'{"schema":[]}', "invalid_schema", "output_format.schema"),
        (b'{"schema":{"required":1}}', "invalid_schema", "output_format.schema"),
    ],
)
def test_bad_output_format_is_named_in_both_forms(given: bytes, code: str, field: str) -> None:
    flat = with_messages(b'"output_format":' + given)
    nested = b'{"output_format":' + given + b',"request":{' + MESSAGES + b"}}"

    assert (code, field) == refused(flat)[:2] == refused(nested)[:2]
    assert field in refused(flat)[2]


def test_two_schemas_that_differ_are_refused() -> None:
    fields = b'"output_format":{"schema":{"const":true}},"output_schema":{"const":1}'

    code, field, message = refused(with_messages(fields))

    assert ("invalid_request", "output_format.schema") == (code, field)
    assert message.startswith("output_schema and output_format.schema differ")


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(given: bytes) -> None:
    try:
        to_ask(given)
    except BadRequest as error:
        assert error.code in CODES  # noqa: PT017 - either end is right


NAMES = ["request", "policy", *REQUEST, "output_schema", "output_format", "capabilities", "mode"]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(NAMES), json_values, max_size=5))
def test_any_object_is_read_or_refused(given: dict[str, Any]) -> None:
    try:
        to_ask(json.dumps(given).replace("Infinity", "1e400").encode())
    except BadRequest as error:
        assert error.code in CODES  # noqa: PT017 - either end is right


# --- What is read -----------------------------------------------------------------------------


def test_nested_and_flat_form_mean_the_same() -> None:
    nested = to_ask(body({"request": REQUEST, "policy": POLICY}), substitute="never")
    flat = to_ask(body({**REQUEST, "policy": POLICY}), substitute="never")

    assert nested == flat
    assert ("native", "gpt", True, True, 9, "never") == (
        flat.dialect,
        flat.model,
        flat.stream,
        flat.wants_usage,
        flat.max_tokens,
        flat.substitute,
    )
    assert (
        Wish(mode="cheap", max_budget_nusd=10_000_000, max_latency_s=5.0, min_weight=3) == flat.wish
    )


@given(
    st.fixed_dictionaries(
        {"messages": st.just(REQUEST["messages"])},
        optional={
            "model_hint": st.sampled_from(["", "gpt", "*", "é"]),
            "stream": st.booleans(),
            "estimated_input_tokens": st.integers(0, 10**6),
            "parameters": st.dictionaries(
                st.sampled_from(["temperature", "top_p", "user", "stream", "model", "messages"]),
                st.integers(),
            ),
        },
    )
)
def test_any_request_means_the_same_in_both_forms(request: dict[str, Any]) -> None:
    assert to_ask(body({"request": request})) == to_ask(body(request))


def test_least_request() -> None:
    ask = to_ask(b"{" + MESSAGES + b"}")

    assert ("", False, False, None, Wish()) == (
        ask.model,
        ask.stream,
        ask.wants_usage,
        ask.max_tokens,
        ask.wish,
    )


def test_null_says_nothing() -> None:
    names = ("id", "model_hint", "stream", "parameters", "estimated_input_tokens", "meta")
    flat = json.loads(b"{" + MESSAGES + b"}")

    ask = to_ask(body({**flat, **dict.fromkeys(names), "policy": dict.fromkeys(POLICY)}))

    assert to_ask(body(flat)) == ask


def test_openai_body_holds_the_messages_byte_for_byte_and_the_parameters() -> None:
    messages = b'[ {"role":"user","content":"\\u00e9", "x":1.0} ]'
    request = (
        b'{"messages":' + messages + b',"model_hint":"gpt","parameters":{"temperature":1e400,'
        b'"x":[ 1.0 ],"model":"mine","messages":[],"stream":true}}'
    )

    sent = msgspec.json.decode(to_ask(request).payload, type=dict[str, msgspec.Raw])

    assert {"temperature": b"1e400", "x": b"[ 1.0 ]", "messages": messages, "model": b'"gpt"'} == {
        name: bytes(raw) for name, raw in sent.items()
    }


def test_body_goes_up_in_the_openai_format() -> None:
    ask = to_ask(body({**REQUEST, "parameters": {}}))

    sent = json.loads(payload(ask, "other"))

    assert {
        "messages": REQUEST["messages"],
        "model": "other",
        "stream": True,
        "stream_options": {"include_usage": True},
    } == sent


@pytest.mark.parametrize(("given", "tokens"), [(0, 5), (1, 5), (77, 77), (MAX_TOKENS, MAX_TOKENS)])
def test_own_estimate_of_the_caller_counts_where_it_is_the_larger(given: int, tokens: int) -> None:
    fields = b'"estimated_input_tokens":%d' % given

    assert tokens == to_ask(with_messages(fields)).input_tokens


def test_tools_of_the_parameters_count_as_prompt() -> None:
    tools = with_messages(b'"parameters":{"tools":[{"type":"function"}]}')

    assert 5 + 6 == to_ask(tools).input_tokens


# --- The shape of the answer ------------------------------------------------------------------


@pytest.mark.parametrize("nothing", ["", "xml", None])
def test_format_that_changes_nothing_is_none(nothing: str | None) -> None:
    request = json.loads(b"{" + MESSAGES + b"}")
    given = {"type": nothing, "max_tokens": 0, "strip_think": False, "schema": None}

    ask = to_ask(body({**request, "output_format": given, "output_schema": None}))

    assert to_ask(body({**request, "output_format": None, "output_schema": ""})) == ask
    assert (None, "", "native", "openai") == (ask.shape, ask.schema, ask.dialect, ask.speech)


@pytest.mark.parametrize("kind", ["json", "markdown", "text"])
def test_shape_is_read_and_no_part_of_the_payload(kind: str) -> None:
    given = {"type": kind, "max_tokens": 7, "strip_think": True}

    ask = to_ask(body({"request": REQUEST, "output_format": given}))

    assert Shape(type=kind, max_tokens=7, strip_think=True) == ask.shape
    assert to_ask(body(REQUEST)).payload == ask.payload


SCHEMA = {"type": "object", "required": ["answer"]}


@pytest.mark.parametrize("given", [SCHEMA, json.dumps(SCHEMA), True])
@pytest.mark.parametrize("nested", [True, False])
def test_schema_is_read_from_either_place(given: Any, *, nested: bool) -> None:
    request = {"messages": REQUEST["messages"]}
    above = {"request": {**request, "output_schema": given}}
    format_ = {"output_format": {"schema": given}}
    first = to_ask(body(above if nested else above["request"]))
    second = to_ask(body({**format_, "request": request} if nested else {**request, **format_}))
    both = to_ask(body({**format_, **above}))

    written = "true" if given is True else '{"type":"object","required":["answer"]}'
    assert written == first.schema == second.schema == both.schema
    assert second.shape is None


def test_equal_schemas_may_be_written_differently() -> None:
    fields = (
        b'"output_format":{"schema":"{\\"required\\":[\\"a\\"],\\"type\\":\\"object\\"}"},'
        b'"output_schema":{"type":"object", "required":["a"]}'
    )

    assert '{"type":"object","required":["a"]}' == to_ask(with_messages(fields)).schema


# --- The policy -------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_may_be_wished(mode: str) -> None:
    assert Wish(mode=mode) == wish(PolicyIn(mode=mode))


def test_empty_and_zero_say_nothing() -> None:
    nothing = PolicyIn(mode="", max_budget_usd=0, max_latency_ms=0, min_weight=0)

    assert Wish() == wish(nothing) == wish(PolicyIn()) == wish(None)


def test_bounds_belong_to_what_is_allowed() -> None:
    most = PolicyIn(max_budget_usd=100, max_latency_ms=300_000, min_weight=10)

    assert Wish(max_budget_nusd=10**11, max_latency_s=300.0, min_weight=10) == wish(most)


@pytest.mark.parametrize("budget", [1e-9, 1e-10, 5e-324])
def test_least_budget_is_a_budget(budget: float) -> None:
    assert Wish(max_budget_nusd=1) == wish(PolicyIn(max_budget_usd=budget))


@given(st.floats(1e-9, 100))
def test_budget_is_kept_to_the_nano(budget: float) -> None:
    kept = wish(PolicyIn(max_budget_usd=budget)).max_budget_nusd

    assert kept is not None
    assert abs(kept - budget * 1e9) <= 1


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("mode", "turbo", "mode must be one of cheap, normal"),
        ("max_budget_usd", -0.01, "max_budget_usd must be between 0 and 100"),
        ("max_budget_usd", 100.01, "max_budget_usd must be between 0 and 100"),
        ("max_budget_usd", float("nan"), "max_budget_usd must be between 0 and 100"),
        ("max_budget_usd", float("inf"), "max_budget_usd must be between 0 and 100"),
        ("max_latency_ms", -1, "max_latency_ms must be between 0 and 300000"),
        ("max_latency_ms", 300_001, "max_latency_ms must be between 0 and 300000"),
        ("min_weight", -1, "min_weight must be between 0 and 10"),
        ("min_weight", 11, "min_weight must be between 0 and 10"),
    ],
)
def test_policy_out_of_bounds_is_named(name: str, value: Any, message: str) -> None:
    with pytest.raises(BadRequest, match=message) as caught:
        wish(PolicyIn(**{name: value}))

    assert f"policy.{name}" == caught.value.field


@pytest.mark.parametrize(
    ("policy", "code", "field"),
    [
        (b"[]", "invalid_type", "policy"),
        (b'"cheap"', "invalid_type", "policy"),
        (b'{"mode":1}', "invalid_type", "policy.mode"),
        (b'{"max_budget_usd":"1"}', "invalid_type", "policy.max_budget_usd"),
        (b'{"max_budget_usd":1e400}', "invalid_type", "policy.max_budget_usd"),
        (b'{"max_budget_usd":NaN}', "invalid_json", None),
        (b'{"max_latency_ms":1.5}', "invalid_type", "policy.max_latency_ms"),
        (b'{"min_weight":true}', "invalid_type", "policy.min_weight"),
        (b'{"budget":1}', "invalid_type", "policy.budget"),
        (b'{"min_weight":99}', "invalid_request", "policy.min_weight"),
    ],
)
def test_bad_policy_is_named_in_both_forms(policy: bytes, code: str, field: str | None) -> None:
    flat = with_messages(b'"policy":' + policy)
    nested = b'{"policy":' + policy + b',"request":{' + MESSAGES + b"}}"

    assert (code, field) == refused(flat)[:2] == refused(nested)[:2]


# --- The answer -------------------------------------------------------------------------------


@pytest.mark.parametrize(("cost", "told"), [(0.25, b"0.25"), (None, b"null"), (0.0, b"0.0")])
def test_answer_wraps_the_providers_bytes_untouched(cost: float | None, told: bytes) -> None:
    body_ = b'{ "choices":[ ], "x":1.0,"y":"\\u00e9" }'

    wrapped = answer(body_, model_id='a"b', reason="routed-weight-1", cost_usd=cost)

    assert (
        b'{"negotiated_model":"a\\"b","estimated_cost_usd":' + told + b","
        b'"routing_reason":"routed-weight-1","response":' + body_ + b"}"
    ) == wrapped


def test_conversation_of_more_messages_than_any_real_one_is_refused() -> None:
    body = msgspec.json.encode({"messages": [{"role": "user", "content": "hi"}] * 10_001})

    with pytest.raises(BadRequest, match="10001 are too many") as refused:
        to_ask(body)

    assert "messages" == refused.value.field


def test_body_of_tiny_values_is_refused_before_it_is_decoded() -> None:
    fields = ",".join(f'"{n}":0' for n in range(MAX_VALUES + 1))
    body = b'{"messages":[{"role":"user","content":"hi"}],%b}' % fields.encode()

    with pytest.raises(BadRequest, match="too many values"):
        to_ask(body)


def test_long_text_full_of_marks_is_no_body_of_tiny_values() -> None:
    text = 'if (a[0] == "x") { b(c, d); }\n' * 3_000

    ask = to_ask(msgspec.json.encode({"messages": [{"role": "user", "content": text}]}))

    assert ask.input_tokens > 20_000
