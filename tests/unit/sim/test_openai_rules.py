"""What the simulated OpenAI refuses, what it takes, and what vLLM lets pass."""

import base64

import msgspec
import pytest

from tokenhub.sim.call import Refused
from tokenhub.sim.openai_read import from_openai

USER = {"role": "user", "content": "Hello"}
OPEN = {"type": "object", "properties": {"x": {"type": "string"}}}
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(20)).decode()
FUNCTION = {"type": "function", "function": {"name": "t"}}


def used(*ids: str) -> dict:
    calls = [
        {"id": id_, "type": "function", "function": {"name": "t", "arguments": "{}"}} for id_ in ids
    ]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def tool(id_: str) -> dict:
    return {"role": "tool", "tool_call_id": id_, "content": "ok"}


def user(*parts: dict) -> dict:
    return {"role": "user", "content": list(parts)}


def image(url: str) -> dict:
    return {"type": "image_url", "image_url": {"url": url}}


def raw(*messages: dict, **fields) -> bytes:
    return msgspec.json.encode({"model": "m", "messages": list(messages) or [USER]} | fields)


def wanted(schema: dict, *, strict: bool) -> dict:
    named = {"name": "x", "schema": schema, "strict": strict}
    return {"type": "json_schema", "json_schema": named}


@pytest.mark.parametrize(
    ("body", "said", "code"),
    [
        (raw(top_k=5), "Unrecognized request argument supplied: top_k", ""),
        (raw({**USER, "x": 1}), "Unknown parameter: 'messages[0].x'.", "unknown_parameter"),
        (raw({"role": "user"}), "Invalid value for 'content': expected a string", ""),
        (
            raw({"role": "user", "content": []}),
            "Invalid 'messages[0].content': empty",
            "empty_array",
        ),
        (raw(user({"type": "input_image"})), "Invalid value for 'messages[0]", "invalid_value"),
        (
            raw(USER, {**USER, "role": "human"}),
            "Invalid value for 'messages[1].role'",
            "invalid_value",
        ),
        (raw(max_tokens="9"), "Invalid value for 'max_tokens'", "invalid_type"),
        (
            raw(max_tokens=1, max_completion_tokens=1),
            "Setting 'max_tokens' and",
            "invalid_parameter_combination",
        ),
        (raw(stop=list("abcde")), "Invalid 'stop': array too long", "array_above_max_length"),
        (raw(temperature=3), "Invalid 'temperature': decimal above", "decimal_above_max_value"),
        (raw(top_p=-1), "Invalid 'top_p': decimal below", "decimal_below_min_value"),
        (raw(USER, tool("a")), "Invalid parameter: messages with role 'tool'", ""),
        (raw(USER, used("a"), tool("b")), "Invalid parameter: 'tool_call_id' of 'b'", ""),
        (raw(USER, used("a", "b"), tool("a")), "An assistant message with 'tool_calls'", ""),
        (raw(USER, used("a"), USER), "An assistant message with 'tool_calls'", ""),
        (raw(USER, used()), "Invalid 'messages[1].tool_calls': empty array", "empty_array"),
        (
            raw(USER, used("a" * 41), tool("a" * 41)),
            "Invalid 'messages[1].tool_calls[0].id'",
            "string_above_max_length",
        ),
        (raw({**used("a"), "role": "user"}, tool("a")), "Unknown parameter", "unknown_parameter"),
        (
            raw({"role": "system", "content": [image("https://x")]}),
            "Invalid value: 'image_url'",
            "invalid_value",
        ),
        (raw(user(image("data:image/png;base64,?"))), "Invalid base64 image_url", "invalid_base64"),
        (raw(user(image("cat.png"))), "Invalid image URL", "invalid_image_url"),
        (
            raw(user(image(f"data:image/bmp;base64,{PNG}"))),
            "You uploaded an unsupported",
            "invalid_image_format",
        ),
        (
            raw(user({"type": "file", "file": {"file_data": PNG}})),
            "Invalid 'messages[0].content[0].file",
            "invalid_value",
        ),
        (raw(tools=[]), "Invalid 'tools': empty array", "empty_array"),
        (raw(tool_choice="auto"), "Invalid value for 'tool_choice'", ""),
        (raw(parallel_tool_calls=True), "Invalid value for 'parallel_tool_calls'", ""),
        (
            raw(tools=[{"type": "function", "function": {"name": "a b"}}]),
            "Invalid 'tools[0].function.name'",
            "invalid_value",
        ),
        (
            raw(tools=[FUNCTION], tool_choice={"type": "function", "function": {"name": "u"}}),
            "Tool choice 'u' not found",
            "",
        ),
        (
            raw(response_format={"type": "json_object"}),
            "'messages' must contain the word 'json'",
            "",
        ),
        (
            raw(response_format=wanted(OPEN, strict=True)),
            "Invalid schema for response_format 'x'",
            "",
        ),
        (
            raw(response_format=wanted(OPEN | {"additionalProperties": False}, strict=True)),
            "Invalid schema for",
            "",
        ),
    ],
)
def test_what_the_vendor_refuses_is_refused_in_its_words(body: bytes, said: str, code: str) -> None:
    with pytest.raises(Refused) as caught:
        from_openai(body)

    assert caught.value.message.startswith(said)
    assert code == caught.value.code


@pytest.mark.parametrize(
    "body",
    [
        raw(USER, used("a", "b"), tool("b"), tool("a"), USER),
        raw(reasoning_effort="high", stop="x", seed=1, metadata={"a": "b"}, store=True),
        raw({"role": "developer", "content": "as json"}, response_format={"type": "json_object"}),
        raw(user(image(f"data:image/png;base64,{PNG}"), image("https://x/y.png"))),
        raw(response_format=wanted(OPEN, strict=False)),
        raw(USER, {"role": "assistant", "content": None, "refusal": "no"}, USER),
    ],
)
def test_what_the_vendor_takes_is_taken(body: bytes) -> None:
    assert "m" == from_openai(body).model


def test_vllm_ignores_what_it_does_not_know() -> None:
    body = raw({**USER, "x": 1}, tool("a"), top_k=5, guided_json={})

    assert "m" == from_openai(body, lenient=True).model


def test_pictures_and_files_are_named() -> None:
    file = {"file_data": "data:application/pdf;base64,JVBERi0=", "filename": "a.pdf"}
    body = raw(
        user(image(f"data:image/png;base64,{PNG}"), image("https://x/y.png")),
        user({"type": "file", "file": file}),
    )

    call = from_openai(body)

    assert ("image/png of 28 bytes", "https://x/y.png") == call.images
    assert ("a.pdf, application/pdf of 5 bytes",) == call.documents
