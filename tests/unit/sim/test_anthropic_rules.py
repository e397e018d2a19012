"""What the simulated Anthropic refuses, and what it takes."""

import base64

import msgspec
import pytest

from tokenhub.sim import sealed
from tokenhub.sim.anthropic_read import from_anthropic, from_count
from tokenhub.sim.call import Refused

USER = {"role": "user", "content": "Hello"}
SCHEMA = {"type": "object", "properties": {}}
TOOL = {"name": "t", "input_schema": SCHEMA}
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(20)).decode()
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": sealed.signature("hm")}
THINKS = {"max_tokens": 2000, "thinking": {"type": "enabled", "budget_tokens": 1024}}


def use(id_: str = "a") -> dict:
    return {"type": "tool_use", "id": id_, "name": "t", "input": {}}


def result(id_: str = "a") -> dict:
    return {"type": "tool_result", "tool_use_id": id_, "content": "ok"}


def text(said: str) -> dict:
    return {"type": "text", "text": said}


def image(**source) -> dict:
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png"} | source}


def user(*blocks: dict) -> dict:
    return {"role": "user", "content": list(blocks)}


def model(*blocks: dict) -> dict:
    return {"role": "assistant", "content": list(blocks)}


def raw(*messages: dict, **fields) -> bytes:
    ask = {"model": "m", "max_tokens": 9, "messages": list(messages) or [USER]} | fields
    return msgspec.json.encode(ask)


def output(schema: dict) -> dict:
    return {"output_config": {"format": {"type": "json_schema", "schema": schema}}}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (raw(seed=1), "seed: Extra inputs are not permitted"),
        (raw({**USER, "name": "x"}), "messages.0.name: Extra inputs are not permitted"),
        (raw({"role": "user"}), "messages.0.content: Field required"),
        (raw({"role": "tool", "content": "x"}), "messages.0.role: Invalid enum value 'tool'"),
        (raw({"role": "system", "content": "x"}, USER), 'messages: Unexpected role "system".'),
        (raw(model(text("x"))), "messages: first message must use"),
        (raw(user(text(""))), "messages: text content blocks must be non-empty"),
        (raw(user(text(" "))), "messages: text content blocks must contain non-whitespace"),
        (raw({**USER, "content": ""}), "messages.0: all messages must have non-empty content"),
        (raw(USER, {**USER, "role": "assistant", "content": "x "}), "messages: final assistant"),
        (raw(temperature=1.5), "temperature: range: 0..1"),
        (raw(stop_sequences=["\n"]), "stop_sequences: each stop sequence"),
        (raw(user(result())), "messages.0.content.0: unexpected `tool_use_id`"),
        (raw(USER, model(use())), "messages.1: `tool_use` ids were found without"),
        (raw(USER, model(use()), USER), "messages.1: `tool_use` ids were found without"),
        (
            raw(USER, model(use("a"), use("b")), user(result("a"))),
            "messages.1: `tool_use` ids were found without",
        ),
        (
            raw(USER, model(use()), user(text("first"), result())),
            "messages.1: `tool_use` ids were found without",
        ),
        (raw(USER, model(use()), user(result(), result())), "messages.2.content.0: each tool_use"),
        (raw(USER, model(use(), use()), user(result())), "messages.1: `tool_use` ids must be"),
        (raw(USER, model(use("a:b")), user(result("a:b"))), "messages.1.content.0.tool_use.id"),
        (raw(user(use())), "messages.0: `tool_use` blocks can only be in `assistant`"),
        (raw(USER, model(image(data=PNG))), "messages.1: `image` blocks can only be in `user`"),
        (raw(user(image(data="?"))), "messages.0.content.0.image.source.base64: invalid base64"),
        (raw(user(image(data=PNG, media_type="image/bmp"))), "messages.0.content.0.image.source"),
        (raw(user(image(data=PNG, media_type="image/gif"))), "messages.0.content.0.image.source"),
        (
            raw(user({"type": "image", "source": {"type": "url", "url": "http://x"}})),
            "messages.0.content.0.image.source.url.url: Only HTTPS",
        ),
        (
            raw(tools=[{"name": "t", "parameters": SCHEMA}]),
            "tools.0.custom.input_schema: Field required",
        ),
        (raw(tools=[{"name": "a.b", "input_schema": SCHEMA}]), "tools.0.custom.name: String"),
        (raw(tools=[TOOL, TOOL]), "tools: Tool names must be unique."),
        (raw(tool_choice={"type": "any"}), "tool_choice: tool_choice may only be specified"),
        (raw(tools=[TOOL], tool_choice={"type": "tool", "name": "x"}), "tool_choice: Tool 'x'"),
        (raw(**THINKS | {"max_tokens": 1024}), "`max_tokens` must be greater"),
        (
            raw(**THINKS | {"thinking": {"type": "enabled", "budget_tokens": 1}}),
            "thinking.enabled.budget_tokens: Input should be",
        ),
        (raw(**THINKS, temperature=0.5), "`temperature` may only be set to 1"),
        (raw(**THINKS, top_k=5), "`top_k` must be unset"),
        (raw(**THINKS, tools=[TOOL], tool_choice={"type": "any"}), "Thinking may not be enabled"),
        (
            raw(USER, model({**THOUGHT, "thinking": "other"}, text("x")), USER, **THINKS),
            "messages.1.content.0: Invalid `signature`",
        ),
        (
            raw(USER, model({"type": "redacted_thinking", "data": "x"}, text("x")), USER),
            "messages.1.content.0: Invalid `data`",
        ),
        (
            raw(USER, model(use()), user(result()), **THINKS, tools=[TOOL]),
            "messages.1.content.0.type: Expected `thinking`",
        ),
        (raw(**output(SCHEMA)), "output_config.format.schema: For 'object' type"),
        (
            raw(**output({"type": "integer", "minimum": 1})),
            "output_config.format.schema: For 'integer' type, property minimum is not supported",
        ),
        (
            raw(user(*[text("x") | {"cache_control": {"type": "ephemeral"}}] * 5)),
            "A maximum of 4 blocks with cache_control",
        ),
    ],
)
def test_what_the_vendor_refuses_is_refused_in_its_words(body: bytes, said: str) -> None:
    with pytest.raises(Refused) as caught:
        from_anthropic(body)

    told = f"{caught.value.param}: " * bool(caught.value.param) + caught.value.message
    assert told.startswith(said)


@pytest.mark.parametrize(
    "body",
    [
        raw(USER, USER),
        raw(USER, model(use("a"), use("b")), user(result("b")), user(result("a"), text("x"))),
        raw(USER, model(THOUGHT, use()), user(result()), **THINKS, tools=[TOOL]),
        raw(USER, model({"type": "redacted_thinking", "data": sealed.data("n")}, text("x")), USER),
        raw(user(image(data=PNG)), temperature=1, metadata={"user_id": "u"}),
        raw(tools=[{"type": "web_search_20250305", "name": "web_search", "max_uses": 1}]),
        raw(**output(SCHEMA | {"additionalProperties": False})),
        raw(USER, model()),
    ],
)
def test_what_the_vendor_takes_is_taken(body: bytes) -> None:
    assert "m" == from_anthropic(body).model


def test_a_profile_may_allow_system_turns() -> None:
    body = raw(USER, {"role": "system", "content": "x"}, USER)

    assert "m" == from_anthropic(body, system_turns=True).model


def test_a_count_takes_no_limit() -> None:
    prompt = {"model": "m", "messages": [USER]}

    assert ("m", 3 + 4 + 2) == from_count(msgspec.json.encode(prompt))
    with pytest.raises(Refused, match="Extra inputs"):
        from_count(raw())


def test_only_a_long_marked_prefix_is_cached() -> None:
    mark = {"cache_control": {"type": "ephemeral"}}
    long = from_anthropic(raw(user(text("x" * 5000) | mark), USER))
    short = from_anthropic(raw(user(text("x") | mark), user(text("x" * 5000))))

    assert long.prefix
    assert (1254, True) == (long.prefix.tokens, long.prefix.written)
    assert short.prefix is None
