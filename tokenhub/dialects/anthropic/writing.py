"""A Talk, written as a request for a message."""

import re
from collections.abc import Sequence

import msgspec
from msgspec import Raw

from tokenhub.core.talk import Call, Format, Image, Sealed, Talk, Thinking, Tool
from tokenhub.dialects.anthropic.passing import UNREADABLE
from tokenhub.dialects.anthropic.turns import conversation, system
from tokenhub.dialects.translation import Unsayable, Written
from tokenhub.wire import anthropic as wire

_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_ENCODE = msgspec.json.Encoder().encode
_ANY_OBJECT = Raw(b'{"type":"object"}')
# JSON mode has no switch here; asking is all that there is.
JSON_ONLY = "Answer with a single JSON object and nothing else: no prose, no code fence."

# docs.anthropic.com, "Extended thinking": the least budget, and the least top_p beside it.
_LEAST_BUDGET = 1024
_LEAST_TOP_P = 0.95
# Tokens to think for models that are told a budget and know no effort.
_BUDGETS = {
    "minimal": 1024,
    "low": 2048,
    "medium": 8192,
    "high": 16_384,
    "xhigh": 32_768,
    "max": 32_768,
}
# Models before effort was a parameter: Claude 3.7 to 4.5, but for Opus 4.5. The first of them, 3.7
# and 4, still took temperature and top_p together.
_BUDGETED = re.compile(
    r"claude-(3[-.]7|(opus|sonnet)-4([-.][01])?(?![-.]?\d(\D|$))|(sonnet|haiku)-4[-.]5)"
)
_UNTHINKING = re.compile(r"claude-(2|3-(opus|sonnet|haiku)|3[-.]5|instant)")
_BOTH = re.compile(r"claude-(2|3|instant|(opus|sonnet)-4([-.]0)?(?![-.]?\d(\D|$)))")


class _Thinks(msgspec.Struct, frozen=True, kw_only=True):
    """How the answer is to be thought about."""

    config: wire.ThinkingConfig | None = None
    effort: str | None = None

    @property
    def on(self) -> bool:
        return self.config is not None and self.config.type != "disabled"


def write(talk: Talk, *, model: str, max_tokens: int) -> Written:
    """The request for this model; `max_tokens` is the limit where the talk has none.

    Raises Unsayable.
    """
    texts, turns = system(talk.turns)
    if talk.format is not None and not bytes(talk.format.schema):
        texts.append(JSON_ONLY)
    limit = _limit(talk, max_tokens)
    dropped: list[str] = []
    if any(isinstance(p, Image) and p.detail for turn in talk.turns for p in turn.parts):
        dropped.append("messages.content.image_url.detail")
    thinks = _thinks(talk, model, limit, dropped)
    tools = [_tool(tool, index) for index, tool in enumerate(talk.tools)] or _called(talk)
    request = wire.Request(
        model=model,
        max_tokens=limit,
        system=texts[0] if len(texts) == 1 else [wire.Text(text) for text in texts] or "",
        messages=conversation(turns),
        tools=tools or None,
        tool_choice=_choice(talk) if talk.tools else wire.Choice(type="none") if tools else None,
        temperature=_temperature(talk, thinks, dropped),
        top_p=_top_p(talk, thinks, model, dropped),
        top_k=_top_k(talk, thinks, dropped),
        stop_sequences=_stop(talk.stop, dropped),
        thinking=thinks.config,
        output_config=_output(thinks.effort, talk.format),
        metadata=wire.Metadata(user_id=talk.user) if talk.user else None,
        stream=talk.stream,
    )
    return Written(_ENCODE(request), (*talk.unread, *dropped))


def _limit(talk: Talk, default: int) -> int:
    """The most tokens of the answer, the thinking among them.

    The caller's limit bounds what may be spent and is never raised; ours makes room for a budget
    that the caller named.
    """
    if talk.max_tokens is not None:
        return talk.max_tokens
    return default + (talk.thinking_tokens or 0)


def _thinks(talk: Talk, model: str, limit: int, dropped: list[str]) -> _Thinks:
    said = _wished(talk, model, limit, dropped)
    if not said.on or not (_forced(talk) or _unthought(talk)):
        return said
    # The vendor refuses thinking where a tool is forced on the model, and where the turn that is
    # to go on began without it; the tools are what the caller's program depends on.
    dropped.append(_name(talk))
    return _Thinks(effort=said.effort)


def _wished(talk: Talk, model: str, limit: int, dropped: list[str]) -> _Thinks:
    if talk.thinks is None and talk.effort is None and talk.thinking_tokens is None:
        return _Thinks()
    off = talk.thinks is False or talk.effort == "none"
    if _UNTHINKING.search(model):
        dropped += [] if off else [_name(talk)]
        return _Thinks()
    budgeted = _BUDGETED.search(model) is not None
    effort = _effort(talk) if not budgeted else None
    if off:
        return _Thinks(config=wire.ThinkingConfig(type="disabled"), effort=effort)
    if talk.thinking_tokens is None and not budgeted:
        config = wire.ThinkingConfig(type="adaptive") if talk.thinks else None
        return _Thinks(config=config, effort=effort)
    # A named budget may take all but the last token; one that we chose leaves half to the answer.
    budget = min(
        talk.thinking_tokens or _BUDGETS[talk.effort or "medium"],
        limit - 1 if talk.thinking_tokens else limit // 2,
    )
    if budget < _LEAST_BUDGET:
        dropped.append(_name(talk))
        return _Thinks(effort=effort)
    config = wire.ThinkingConfig(type="enabled", budget_tokens=budget)
    return _Thinks(config=config, effort=effort)


def _effort(talk: Talk) -> str | None:
    match talk.effort:
        case "none":
            return None
        case "minimal":
            return "low"
    return talk.effort


def _name(talk: Talk) -> str:
    """What the caller called it."""
    return "thinking" if talk.effort is None else "reasoning_effort"


def _forced(talk: Talk) -> bool:
    return bool(talk.tools) and talk.choice is not None and talk.choice.kind in {"any", "tool"}


def _unthought(talk: Talk) -> bool:
    """Whether the model is to go on from calls whose thinking did not come back."""
    for turn in reversed(talk.turns):
        if turn.role == "assistant":
            first = turn.parts[0] if turn.parts else None
            signed = isinstance(first, Thinking) and bool(first.signature)
            began = signed or isinstance(first, Sealed)
            return not began and any(isinstance(part, Call) for part in turn.parts)
    return False


def _temperature(talk: Talk, thinks: _Thinks, dropped: list[str]) -> float | None:
    """Between 0 and 1; OpenAI goes to 2. With thinking, it must be left alone."""
    given = talk.temperature
    if given is None:
        return None
    if thinks.on:
        dropped.append("temperature")
        return None
    clamped = min(max(given, 0.0), 1.0)
    if clamped != given:
        dropped.append("temperature")
    return clamped


def _top_p(talk: Talk, thinks: _Thinks, model: str, dropped: list[str]) -> float | None:
    """Later models refuse it beside temperature, and with thinking where it is low."""
    if talk.top_p is None:
        return None
    both = talk.temperature is not None and not thinks.on and not _BOTH.search(model)
    if both or (thinks.on and talk.top_p < _LEAST_TOP_P):
        dropped.append("top_p")
        return None
    return talk.top_p


def _top_k(talk: Talk, thinks: _Thinks, dropped: list[str]) -> int | None:
    if talk.top_k is not None and thinks.on:
        dropped.append("top_k")
        return None
    return talk.top_k


def _stop(stop: Sequence[str], dropped: list[str]) -> list[str] | None:
    """The sequences that end an answer; the vendor refuses blank ones."""
    kept = [text for text in stop if text.strip()]
    if len(kept) != len(stop):
        dropped.append("stop")
    return kept or None


def _tool(tool: Tool, index: int) -> wire.Tool:
    return wire.Tool(
        name=tool.name,
        description=tool.description,
        input_schema=_schema(tool.schema, index),
        strict=tool.strict,
    )


def _schema(schema: Raw, index: int) -> Raw:
    """The schema, with the type that the vendor insists on where it says none."""
    if bytes(schema) in {b"", b"null"}:
        return _ANY_OBJECT
    try:
        fields = _FIELDS.decode(schema)
    except UNREADABLE as error:
        field = f"tools[{index}]"
        raise Unsayable(
            f"{field}: the schema must be an object", field=field, code="invalid_type"
        ) from error
    if "type" in fields:
        return schema
    return Raw(_ENCODE({"type": "object", **fields}))


def _called(talk: Talk) -> list[wire.Tool]:
    """The tools that a talk without any has called before: calls of unknown ones are refused."""
    names = {
        part.name: None for turn in talk.turns for part in turn.parts if isinstance(part, Call)
    }
    return [wire.Tool(name=name, input_schema=_ANY_OBJECT) for name in names]


def _choice(talk: Talk) -> wire.Choice | None:
    choice = talk.choice
    if choice is None:
        # Several calls at once are the default; only one at a time must be said, within a choice.
        if talk.parallel is not False:
            return None
        return wire.Choice(type="auto", disable_parallel_tool_use=True)
    if choice.kind == "none" or talk.parallel is None:
        return wire.Choice(type=choice.kind, name=choice.name)
    return wire.Choice(
        type=choice.kind, name=choice.name, disable_parallel_tool_use=not talk.parallel
    )


def _output(effort: str | None, format_: Format | None) -> wire.Output | None:
    schema = bytes(format_.schema) if format_ is not None else b""
    if effort is None and not schema:
        return None
    return wire.Output(effort=effort, format=wire.JsonSchema(Raw(schema)) if schema else None)
