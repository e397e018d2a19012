"""A request for a message, read into a Talk."""

from typing import get_args

import msgspec
from msgspec import Raw

from tokenhub.core.errors import BadRequest
from tokenhub.core.talk import Choice, Effort, Format, Talk, Tool, Turn
from tokenhub.dialects.anthropic.parts import Seen, read_content
from tokenhub.dialects.anthropic.writing import write
from tokenhub.dialects.decoding import told
from tokenhub.dialects.translation import Unsayable
from tokenhub.wire import anthropic as wire

__all__ = ["read", "write"]

_REQUEST = msgspec.json.Decoder(wire.FullRequest)
_TOOLS = msgspec.json.Decoder(list[wire.ReadTool])
_LISTED = msgspec.json.Decoder(list[dict[str, Raw]])
_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_NOTHING = (b"", b"null")
_EFFORTS: tuple[Effort, ...] = get_args(Effort)
_KNOWN = frozenset(field.name for field in msgspec.structs.fields(wire.FullRequest))
# Read of objects within the request; whatever else stands there is named.
_WITHIN = {
    "metadata": {"user_id"},
    "output_config": {"effort", "format"},
    "thinking": {"type", "budget_tokens"},
}
_OF_A_TOOL = frozenset({"name", "type", "description", "input_schema", "strict", "cache_control"})


def read(body: bytes) -> Talk:
    """The talk that a request is. Raises Unsayable for what no other vendor has words for."""
    try:
        request = _REQUEST.decode(body)
        fields = _FIELDS.decode(body)
    except msgspec.ValidationError as error:
        message, field = told(error)
        raise Unsayable(message, field=field or "", code="invalid_type") from error
    seen = Seen()
    turns = _turns(request, seen)
    tools = _tools(request.tools, seen)
    _note(fields, seen)
    choice, parallel = _choice(request.tool_choice)
    thinks, budget = _thinking(request.thinking, seen)
    return Talk(
        turns=turns,
        tools=tools,
        choice=choice,
        parallel=parallel,
        max_tokens=request.max_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        top_k=request.top_k,
        stop=tuple(request.stop_sequences or ()),
        thinks=thinks,
        thinking_tokens=budget,
        effort=_effort(request.output_config, seen),
        format=_format(request, seen),
        user=(request.metadata and request.metadata.user_id) or "",
        stream=bool(request.stream),
        unread=tuple(seen.unread),
    )


def _turns(request: wire.FullRequest, seen: Seen) -> tuple[Turn, ...]:
    turns: list[Turn] = []
    if request.system:
        turns.append(Turn(role="system", parts=read_content(request.system, "system", seen)))
    for index, message in enumerate(request.messages):
        where = f"messages[{index}]"
        parts = read_content(message.content, f"{where}.content", seen)
        match message.role:
            case "user" | "assistant" | "system" as role:
                turns.append(Turn(role=role, parts=parts))
            case _:
                field = f"{where}.role"
                raise Unsayable(
                    f"{field} must be user, assistant or system", field=field, code="invalid_type"
                )
    return tuple(turns)


def _tools(raw: Raw, seen: Seen) -> tuple[Tool, ...]:
    if bytes(raw) in _NOTHING:
        return ()
    try:
        tools = tuple(_tool(tool, index, seen) for index, tool in enumerate(_TOOLS.decode(raw)))
        for fields in _LISTED.decode(raw):
            for name in fields.keys() - _OF_A_TOOL:
                seen.note(f"tools.{name}", fields[name])
    except msgspec.ValidationError as error:
        message, field = told(error)
        where = f"tools{field or ''}"
        raise Unsayable(f"tools: {message}", field=where, code="invalid_type") from error
    return tools


def _tool(tool: wire.ReadTool, index: int, seen: Seen) -> Tool:
    if tool.type not in {None, "custom"}:
        raise Unsayable(
            f"the tool {tool.name or tool.type} runs at Anthropic; no other provider has it",
            field=f"tools[{index}]",
        )
    seen.note("cache_control", tool.cache_control)
    return Tool(
        name=tool.name,
        description=tool.description or "",
        schema=tool.input_schema,
        strict=tool.strict,
    )


def _note(fields: dict[str, Raw], seen: Seen) -> None:
    """Names the parameters that are set and have no place in a talk."""
    for name, raw in fields.items():
        if name not in _KNOWN:
            seen.note(name, raw)
        elif name in _WITHIN and bytes(raw) != b"null":
            for inner, value in _FIELDS.decode(raw).items():
                if inner not in _WITHIN[name]:
                    seen.note(f"{name}.{inner}", value)


def _choice(choice: wire.ReadChoice | None) -> tuple[Choice | None, bool | None]:
    if choice is None:
        return None, None
    alone = choice.disable_parallel_tool_use
    parallel = None if alone is None else not alone
    match choice.type:
        case "auto" | "any" | "none" as kind:
            return Choice(kind=kind), parallel
        case "tool":
            if not choice.name:
                raise BadRequest("tool_choice.name is required", field="tool_choice.name")
            return Choice(kind="tool", name=choice.name), parallel
    raise Unsayable(
        "tool_choice.type must be auto, any, tool or none",
        field="tool_choice.type",
        code="invalid_type",
    )


def _thinking(thinking: wire.ReadThinking | None, seen: Seen) -> tuple[bool | None, int | None]:
    match thinking:
        case None:
            return None, None
        case wire.ReadThinking(type="enabled"):
            return True, thinking.budget_tokens
        case wire.ReadThinking(type="adaptive"):
            return True, None
        case wire.ReadThinking(type="disabled"):
            return False, None
    seen.note("thinking", thinking.type)
    return None, None


def _effort(output: wire.ReadOutput | None, seen: Seen) -> Effort | None:
    if output is None or output.effort is None:
        return None
    for effort in _EFFORTS:
        if effort == output.effort:
            return effort
    seen.note("output_config.effort", output.effort)
    return None


def _format(request: wire.FullRequest, seen: Seen) -> Format | None:
    """The format of the answer; the older of its two places counts where the newer is empty."""
    config = request.output_config
    wanted = (config and config.format) or request.output_format
    if wanted is None:
        return None
    if wanted.type == "json_schema":
        return Format(schema=wanted.schema)
    seen.note("output_config.format", wanted.type)
    return None
