"""What a chat completion request says for which a Talk has no place, by name."""

from collections.abc import Iterator, Mapping

import msgspec
from msgspec import Raw

from tokenhub.dialects.openai.reasoning import has_foreign_proofs
from tokenhub.wire import openai as wire

_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_LIST = msgspec.json.Decoder(list[Raw])
_VALUE = msgspec.json.Decoder()

# Names come from the caller, and go into a header and an error.
_MAX_NAMES, _MAX_CHARS = 100, 64
_NOTHING = (b"null", b"[]", b"{}", b'""')

# Read in full, or of no effect on what the answer means.
_READ = frozenset(wire.FullRequest.__struct_fields__)
# What OpenAI takes for granted: who sends it has asked for nothing.
_DEFAULTS: dict[str, tuple[object, ...]] = {
    "frequency_penalty": (0,),
    "logit_bias": ({},),
    "logprobs": (False,),
    "metadata": ({},),
    "n": (1,),
    "presence_penalty": (0,),
    "service_tier": ("auto", "default"),
    "store": (False,),
    "top_logprobs": (0,),
    "verbosity": ("medium",),
}


class _Within(msgspec.Struct, frozen=True):
    """What is read of the objects at a place, and of those in them."""

    read: frozenset[str]
    below: Mapping[str, "_Within"] = {}


def _of(kind: type[msgspec.Struct], **below: _Within) -> _Within:
    return _Within(frozenset(kind.__struct_fields__), below)


_FUNCTION = _of(wire.Function)
_WITHIN = {
    "messages": _of(
        wire.FullMessage,
        content=_of(wire.Content, image_url=_of(wire.ImageURL), file=_of(wire.File)),
        tool_calls=_of(wire.ToolCall, function=_of(wire.Called)),
    ),
    "tools": _of(wire.Tool, function=_FUNCTION),
    "functions": _FUNCTION,
    "response_format": _of(wire.ResponseFormat, json_schema=_of(wire.JSONSchema)),
}


def unread(body: bytes, request: wire.FullRequest) -> tuple[str, ...]:
    """The names, each once; not all of a great many."""
    names: dict[str, None] = {}
    for name in _names(body, request):
        names[name[:_MAX_CHARS]] = None
        if len(names) == _MAX_NAMES:
            break
    return tuple(names)


def _names(body: bytes, request: wire.FullRequest) -> Iterator[str]:
    fields = _FIELDS.decode(body)
    for name, raw in fields.items():
        if name not in _READ and bytes(raw) != b"null" and not _is_default(name, raw):
            yield name
    if set(request.modalities or ()) - {"text"}:
        yield "modalities"
    given = request.response_format
    if given is not None and given.type not in {"text", "json_object", "json_schema"}:
        yield "response_format"
    if given is not None and given.json_schema is not None and given.json_schema.description:
        yield "response_format.json_schema.description"
    yield from _of_messages(request.messages)
    for name, within in _WITHIN.items():
        if name in fields:
            yield from _inner(fields[name], within, name)


def _of_messages(messages: list[wire.FullMessage]) -> Iterator[str]:
    if any(one.name for one in messages if one.role != "function"):
        yield "messages.name"
    if any(
        part.prompt_cache_breakpoint is not None
        for one in messages
        if isinstance(one.content, list)
        for part in one.content
    ):
        yield "messages.content.prompt_cache_breakpoint"
    if any(map(has_foreign_proofs, messages)):
        yield "messages.reasoning_details"


def _inner(raw: Raw, within: _Within, place: str) -> Iterator[str]:
    """What nobody reads of the objects at a place: of one, or of each in a list."""
    data = bytes(raw)
    if data[:1] == b"[":
        for one in _LIST.decode(raw):
            yield from _inner(one, within, place)
    elif data[:1] == b"{":
        for name, value in _FIELDS.decode(raw).items():
            if name in within.below:
                yield from _inner(value, within.below[name], f"{place}.{name}")
            elif name not in within.read and bytes(value) not in _NOTHING:
                yield f"{place}.{name}"


def _is_default(name: str, raw: Raw) -> bool:
    return name in _DEFAULTS and _VALUE.decode(raw) in _DEFAULTS[name]
