"""The tools of a talk, as Anthropic takes them."""

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from tokenhub.core.talk import Call, Talk, Tool
from tokenhub.dialects import structured
from tokenhub.dialects.anthropic.errors import UNREADABLE
from tokenhub.dialects.anthropic.ids import MAX_NAME_CHARS, is_valid_name, valid_name
from tokenhub.dialects.translation import Unsayable
from tokenhub.wire import anthropic as wire

_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_KINDS: msgspec.json.Decoder[str | list[str]] = msgspec.json.Decoder(str | list[str])
_TEXT = msgspec.json.Decoder(str)
_ENCODE = msgspec.json.Encoder().encode
_ANY_OBJECT = Raw(b'{"type":"object"}')
# What the vendor refuses at the top of a tool's schema; below it, all of them are taken.
_NOT_ON_TOP = ("anyOf", "oneOf", "allOf")


def tools(talk: Talk, model: str, dropped: list[str]) -> list[wire.Tool]:
    """The tools on offer; where there are none, those that were called before. Raises Unsayable."""
    if not talk.tools:
        return _called(talk)
    _check(talk.tools)
    offered = [_tool(tool, index, model) for index, tool in enumerate(talk.tools)]
    if any(tool.strict and not told.strict for tool, told in zip(talk.tools, offered, strict=True)):
        dropped.append("tools.function.strict")
    return offered


def choice(talk: Talk) -> wire.Choice | None:
    """How the tools are to be used."""
    wanted = talk.choice
    if wanted is None:
        # Several calls at once are the default; only one at a time must be said, within a choice.
        if talk.parallel is not False:
            return None
        return wire.Choice(type="auto", disable_parallel_tool_use=True)
    if wanted.kind == "none" or talk.parallel is None:
        return wire.Choice(type=wanted.kind, name=wanted.name)
    return wire.Choice(
        type=wanted.kind, name=wanted.name, disable_parallel_tool_use=not talk.parallel
    )


def _check(offered: Sequence[Tool]) -> None:
    """Raises Unsayable for names that the vendor refuses: the program could not tell them apart."""
    names: set[str] = set()
    for index, tool in enumerate(offered):
        field = f"tools[{index}]"
        if not is_valid_name(tool.name):
            raise Unsayable(
                f"{field}: this provider wants names of 1 to {MAX_NAME_CHARS} letters, digits, "
                "_ and -",
                field=field,
            )
        if tool.name in names:
            raise Unsayable(f"{field}: this provider wants each name only once", field=field)
        names.add(tool.name)


def _tool(tool: Tool, index: int, model: str) -> wire.Tool:
    """A strict tool's schema must be one that the model's structured output takes."""
    own = structured.said(bytes(tool.schema), "anthropic", model) if tool.strict else None
    return wire.Tool(
        name=tool.name,
        description=tool.description,
        input_schema=_schema(Raw(own) if own is not None else tool.schema, index),
        strict=None if tool.strict and own is None else tool.strict,
    )


def _called(talk: Talk) -> list[wire.Tool]:
    """The tools that a talk without any has called before: calls of unknown ones are refused."""
    names = {
        valid_name(part.name): None
        for turn in talk.turns
        for part in turn.parts
        if isinstance(part, Call)
    }
    return [wire.Tool(name=name, input_schema=_ANY_OBJECT) for name in names]


def _schema(schema: Raw, index: int) -> Raw:
    """The schema of an object, as the vendor insists on it. Raises Unsayable.

    A choice between schemas at its top is told in its description instead, so that the arguments
    keep their form.
    """
    if bytes(schema) in {b"", b"null"}:
        return _ANY_OBJECT
    field = f"tools[{index}]"
    try:
        fields = _FIELDS.decode(schema)
        kinds = _KINDS.decode(fields["type"]) if "type" in fields else None
    except UNREADABLE as error:
        raise Unsayable(
            f"{field}: the schema must be an object", field=field, code="invalid_type"
        ) from error
    if kinds is not None and "object" not in ([kinds] if isinstance(kinds, str) else kinds):
        raise Unsayable(f"{field}: this provider's tools take an object", field=field)
    above = {name: fields.pop(name) for name in _NOT_ON_TOP if name in fields}
    if kinds == "object" and not above:
        return schema
    if above:
        fields["description"] = _described(fields.get("description"), above)
    return Raw(_ENCODE({**fields, "type": "object"} if kinds else {"type": "object", **fields}))


def _described(given: Raw | None, above: dict[str, Raw]) -> Raw:
    told = f"It must fit this JSON Schema, too: {_ENCODE(above).decode()}"
    try:
        said = "" if given is None else _TEXT.decode(given)
    except UNREADABLE:
        said = ""
    return Raw(_ENCODE(f"{said}\n\n{told}" if said else told))
