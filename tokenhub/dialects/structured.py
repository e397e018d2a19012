"""A body with a JSON Schema for its answer, and with the request to mend one that did not fit.

Each vendor takes only some schemas for its own structured output, and refuses a request with any
other. Where a schema is none of these, the model is told of it in words: the answer is validated
in either case. All bytes that need not change are kept.
"""

from collections.abc import Iterator

import msgspec
from msgspec import Raw

from tokenhub.core.ask import Rework

_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_LIST = msgspec.json.Decoder(list[Raw])
_ENCODE = msgspec.json.Encoder().encode
_NOTHING = (b"", b"null")

# What both vendors' structured output understands (their guides on structured outputs, strict
# mode): no bounds of numbers, texts and lists, no `allOf`, `not`, `if`, no patterns of names.
_KEYWORDS = frozenset(
    ("type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf",
     "$ref", "$defs", "title", "description")
)  # fmt: skip

# OpenAI's guide on structured outputs: ten levels of nesting.
_MAX_LEVELS = 10

_TELL = "Answer with JSON only, without any other text. It must fit this JSON Schema:\n"
_MEND = (
    "Your answer does not fit the JSON Schema that it must fit: {complaint}\n"
    "Answer again with the corrected JSON only, without any other text."
)


def with_schema(payload: bytes, speech: str, schema: str) -> bytes:
    """The body of that speech, asking for an answer that fits the schema.

    A caller's own wish for a format stays as it is. `schema` has been checked.
    """
    fields = _FIELDS.decode(payload)
    form = msgspec.json.decode(schema)
    if not isinstance(form, dict):
        return payload
    raw = Raw(schema.encode())
    if speech == "anthropic":
        return _anthropic(payload, fields, form, raw)
    return _openai(payload, fields, form, raw)


def with_rework(payload: bytes, speech: str, rework: Rework) -> bytes:
    """The body with two more turns: what was said, and what is wrong with it."""
    del speech  # Turns of plain text are alike in both.
    fields = _FIELDS.decode(payload)
    # Anthropic takes no empty turn.
    turns = [{"role": "assistant", "content": rework.said}] if rework.said.strip() else []
    turns.append({"role": "user", "content": _MEND.format(complaint=rework.complaint)})
    fields["messages"] = _more(fields["messages"], turns)
    return _ENCODE(fields)


def _openai(payload: bytes, fields: dict[str, Raw], form: dict[str, object], raw: Raw) -> bytes:
    if not _absent(fields.get("response_format")):
        return payload
    # The vendor takes only objects at the root, strict or not.
    if form.get("type") != "object":
        told = [{"role": "system", "content": _told(raw)}]
        fields["messages"] = Raw(_ENCODE([*told, *_LIST.decode(fields["messages"])]))
        return _ENCODE(fields)
    answer = {"name": "answer", "schema": raw, "strict": _strict(form)}
    fields["response_format"] = Raw(_ENCODE({"type": "json_schema", "json_schema": answer}))
    return _ENCODE(fields)


def _anthropic(payload: bytes, fields: dict[str, Raw], form: dict[str, object], raw: Raw) -> bytes:
    config = fields.get("output_config")
    within = {} if config is None or _absent(config) else _FIELDS.decode(config)
    # `output_format` is the same field by its name of the beta.
    if not (_absent(within.get("format")) and _absent(fields.get("output_format"))):
        return payload
    if _strict(form, optional=True) and not _recursive(form):
        within["format"] = Raw(_ENCODE({"type": "json_schema", "schema": raw}))
        fields["output_config"] = Raw(_ENCODE(within))
        return _ENCODE(fields)
    fields["system"] = _with_system(fields.get("system"), _told(raw))
    return _ENCODE(fields)


def _with_system(system: Raw | None, told: str) -> Raw:
    """Behind what is there, so that a cached beginning stays one."""
    if system is None or _absent(system):
        return Raw(_ENCODE(told))
    if bytes(system).startswith(b'"'):
        return Raw(_ENCODE(f"{msgspec.json.decode(system, type=str)}\n\n{told}"))
    return _more(system, [{"type": "text", "text": told}])


def _more(turns: Raw, added: list[dict[str, str]]) -> Raw:
    return Raw(_ENCODE([*_LIST.decode(turns), *added]))


def _told(raw: Raw) -> str:
    return _TELL + bytes(raw).decode()


def _absent(raw: Raw | None) -> bool:
    return raw is None or bytes(raw) in _NOTHING


def _strict(form: dict[str, object], *, optional: bool = False) -> bool:
    """Whether the vendor's strict mode takes it: closed objects, and each member required.

    `optional` is for the vendor that lets members be left out.
    """
    if form.get("type") != "object" or "anyOf" in form or _levels(form) > _MAX_LEVELS:
        return False
    return all(_takes(inner, optional=optional) for inner in _subschemas(form))


def _takes(form: object, *, optional: bool) -> bool:
    if not isinstance(form, dict) or not _KEYWORDS.issuperset(form):
        return False
    kind = form.get("type")
    if kind != "object" and not (isinstance(kind, list) and "object" in kind):
        return "properties" not in form
    required = form.get("required", [])
    named = set(form.get("properties", {}))
    return form.get("additionalProperties") is False and (
        set(required) <= named if optional else set(required) == named
    )


def _subschemas(form: object) -> Iterator[object]:
    yield form
    for inner in _below(form):
        yield from _subschemas(inner)


def _below(form: object) -> list[object]:
    if not isinstance(form, dict):
        return []
    below = [*form.get("properties", {}).values(), *form.get("$defs", {}).values()]
    below += form.get("anyOf", [])
    return [*below, form["items"]] if "items" in form else below


def _levels(form: object) -> int:
    return 1 + max(map(_levels, _below(form)), default=0)


def _recursive(form: dict[str, object]) -> bool:
    """Whether it may lead back into itself: by a reference from within a definition, or to `#`."""
    definitions = form.get("$defs", {})
    inner = definitions.values() if isinstance(definitions, dict) else ()
    within = any(_refers(part) for definition in inner for part in _subschemas(definition))
    outward = any(
        isinstance(part, dict) and not str(part.get("$ref", "#/$defs/")).startswith("#/$defs/")
        for part in _subschemas(form)
    )
    return within or outward


def _refers(part: object) -> bool:
    return isinstance(part, dict) and "$ref" in part
