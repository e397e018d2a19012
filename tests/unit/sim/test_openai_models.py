"""What the simulated OpenAI refuses for one model and takes for another."""

from typing import Any

import msgspec
import pytest

from tokenhub.sim.call import Refused
from tokenhub.sim.openai_read import from_openai

USER = {"role": "user", "content": "Hello"}
LEGACY = ("gpt-3.5-turbo", "gpt-4", "gpt-4-turbo-2024-04-09", "gpt-4o-2024-05-13")
PLAIN = (*LEGACY, "gpt-4o-mini", "gpt-4.1", "gpt-5-chat-latest")
REASONING = ("o1", "o3-mini", "o4-mini-2025-04-16", "gpt-5", "gpt-5-mini", "gpt-5-codex")
OWN = ("gpt", "m", "gpt-oss-120b", "mistral-large")


def raw(model: str, **fields: Any) -> bytes:
    return msgspec.json.encode({"model": model, "messages": [USER]} | fields)


def schema(kind: str) -> dict[str, Any]:
    named = {"name": "x", "schema": {"type": kind}}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


@pytest.mark.parametrize("model", PLAIN)
def test_model_that_does_not_reason_knows_no_effort(model: str) -> None:
    with pytest.raises(Refused) as refused:
        from_openai(raw(model, reasoning_effort="low"))

    said = "Unrecognized request argument supplied: reasoning_effort"
    assert (said, None) == (refused.value.message, refused.value.param)


@pytest.mark.parametrize(
    ("model", "taken"),
    [
        ("o3", "low medium high"),
        ("gpt-5-mini", "minimal low medium high"),
        ("gpt-5-codex", "low medium high"),
        ("gpt-5-pro", "high"),
        ("gpt-5.1", "none low medium high"),
        ("gpt-5.1-codex-max", "low medium high xhigh"),
        ("gpt-5.2", "none low medium high xhigh"),
        ("gpt", "none minimal low medium high xhigh"),
    ],
)
def test_efforts_are_those_of_the_family(model: str, taken: str) -> None:
    for effort in ("none", "minimal", "low", "medium", "high", "xhigh"):
        body = raw(model, reasoning_effort=effort)
        if effort in taken.split():
            from_openai(body)
        else:
            with pytest.raises(Refused, match=f"does not support '{effort}'") as refused:
                from_openai(body)
            assert "unsupported_value" == refused.value.code


@pytest.mark.parametrize("model", REASONING)
@pytest.mark.parametrize(
    ("fields", "said", "code"),
    [
        ({"temperature": 0.5}, "Unsupported value: 'temperature' does not", "unsupported_value"),
        ({"top_p": 0.5}, "Unsupported parameter: 'top_p'", "unsupported_parameter"),
        ({"presence_penalty": 1}, "Unsupported parameter: 'presence", "unsupported_parameter"),
        ({"frequency_penalty": 1}, "Unsupported parameter: 'freq", "unsupported_parameter"),
        ({"logprobs": True}, "Unsupported parameter: 'logprobs'", "unsupported_parameter"),
        ({"max_tokens": 9}, "Unsupported parameter: 'max_tokens'", "unsupported_parameter"),
    ],
)
def test_reasoning_model_samples_in_its_own_way(
    model: str, fields: dict[str, Any], said: str, code: str
) -> None:
    with pytest.raises(Refused) as refused:
        from_openai(raw(model, **fields))

    assert refused.value.message.startswith(said)
    assert (code, next(iter(fields))) == (refused.value.code, refused.value.param)


@pytest.mark.parametrize("model", ["o3-mini", "o4-mini", "gpt-5", "gpt-5.1", "gpt-5.2"])
def test_reasoning_models_after_the_first_know_no_stop(model: str) -> None:
    from_openai(raw("o1", stop="x"))

    with pytest.raises(Refused, match="'stop' is not supported with this model"):
        from_openai(raw(model, stop="x"))


@pytest.mark.parametrize("model", ["o1", "o3-mini"])
def test_first_reasoning_models_call_one_tool_at_a_time(model: str) -> None:
    tool = {"type": "function", "function": {"name": "f"}}

    with pytest.raises(Refused, match="'parallel_tool_calls' is not supported"):
        from_openai(raw(model, tools=[tool], parallel_tool_calls=True))


@pytest.mark.parametrize("model", REASONING)
def test_reasoning_model_takes_defaults(model: str) -> None:
    fields = {"temperature": 1, "top_p": 1, "presence_penalty": 0, "logprobs": False}

    assert model == from_openai(raw(model, max_completion_tokens=9, **fields)).model


def test_model_that_need_not_reason_samples_as_long_as_it_does_not() -> None:
    from_openai(raw("gpt-5.2", temperature=0.5))
    from_openai(raw("gpt-5.2", temperature=0.5, reasoning_effort="none"))

    with pytest.raises(Refused, match="'temperature' does not support"):
        from_openai(raw("gpt-5.2", temperature=0.5, reasoning_effort="low"))


@pytest.mark.parametrize("model", LEGACY)
def test_earlier_models_know_no_schemas(model: str) -> None:
    with pytest.raises(Refused, match="'json_schema' is not supported with this model"):
        from_openai(raw(model, **schema("object")))


@pytest.mark.parametrize("model", ["gpt-4o", "o3", "gpt-5"])
def test_schema_must_be_an_object(model: str) -> None:
    from_openai(raw(model, **schema("object")))

    with pytest.raises(Refused, match="got 'type: \"array\"'") as refused:
        from_openai(raw(model, **schema("array")))
    assert "invalid_json_schema" == refused.value.code


def test_user_is_bounded() -> None:
    from_openai(raw("gpt-4o", user="x" * 64))

    with pytest.raises(Refused, match="Invalid 'user': string too long") as refused:
        from_openai(raw("gpt-4o", user="x" * 65))
    assert "string_above_max_length" == refused.value.code


@pytest.mark.parametrize("model", OWN)
def test_names_that_are_not_the_vendors_are_under_no_rule_of_a_model(model: str) -> None:
    fields = {"reasoning_effort": "minimal", "temperature": 0.5, "stop": "x", "max_tokens": 9}

    call = from_openai(raw(model, user="x" * 99, **fields, **schema("array")))

    assert (model, 9) == (call.model, call.max_tokens)
