"""What each vendor's structured output takes of a JSON Schema, and the words where it takes none.

Each takes only some schemas and refuses a request with any other, so that one of a caller's own
(`response_format`, `output_config.format`) may have to be changed on its way to the other vendor,
just as an `output_schema` on its way to either. What is changed makes the model freer, or closes
an object that said nothing of other members: an answer that fits the caller's schema is never
forbidden by an added rule but that one. Where that does not do, the model is told in words.
"""

import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

import msgspec

_ENCODE = msgspec.json.Encoder().encode

# What the vendors' structured output understands without a doubt (their guides on structured
# outputs): no `allOf`, `not`, `if`, no patterns of names. OpenAI has learned of some bounds since,
# but not everyone who copies it.
_KEYWORDS = frozenset(
    ("type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf",
     "$ref", "$defs", "title", "description")
)  # fmt: skip
_ANTHROPIC_KEYWORDS = _KEYWORDS | {"definitions", "default", "format", "minItems"}

# docs.anthropic.com, "Structured outputs": the bounds that are refused. Without them the model is
# freer; its own SDKs move them into the description, as is done here.
_BOUNDS = frozenset(
    ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
     "maxLength", "pattern", "minItems", "maxItems", "uniqueItems", "minProperties",
     "maxProperties", "format")
)  # fmt: skip
_FORMATS = frozenset(
    ("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid")
)
# The same page: members that may be left out, and choices between types, in all of a schema.
_MAX_OPTIONAL, _MAX_UNIONS = 24, 16
# These say nothing of the answer.
_NOTES = frozenset(
    ("$schema", "$id", "id", "$comment", "examples", "deprecated", "readOnly", "writeOnly",
     "discriminator")
)  # fmt: skip

# OpenAI's guide on structured outputs: ten levels of nesting.
_MAX_LEVELS = 10

# The models of either vendor before structured outputs (the same guides). Names that are no
# vendor's are those of servers that have it.
_WITHOUT = {
    "openai": re.compile(
        r"(openai/)?(gpt-3\.5|gpt-4(-(?!5)[0-9v]|-turbo|-32k|$)|gpt-4o-2024-05-13|chatgpt-4o"
        r"|o1-(mini|preview))"
    ),
    "anthropic": re.compile(
        r"(?:.*[./])?claude-(instant|v?[123](?!\d)|(opus|sonnet)-4([-.][01])?(?![-.]?\d(\D|$)))"
    ),
}

_TELL = "Answer with JSON only, without any other text. It must fit this JSON Schema:\n"
_REFERENCE = re.compile(r"#/(\$defs|definitions)/([^/~%]+)")

_Form: TypeAlias = dict[str, object]


def said(schema: bytes, speech: str, model_id: str) -> bytes | None:
    """The schema as this model's own structured output takes it; None where it must go in words.

    The same bytes where nothing need be changed. OpenAI's takes nearly all of them, but only some
    in its strict mode: see `strict`.
    """
    form = _read(schema)
    # OpenAI takes only objects at the root, and a grammar of anything else helps little.
    if form is None or form.get("type") != "object" or _WITHOUT[speech].match(model_id):
        return None
    return _SAID[speech](schema, form)


def strict(schema: bytes) -> bool:
    """Whether OpenAI's strict mode takes it: closed objects, and each member required."""
    form = _read(schema)
    if form is None or form.get("type") != "object" or "anyOf" in form:
        return False
    if _levels(form) > _MAX_LEVELS:
        return False
    return all(_takes(inner, _KEYWORDS) and not _optional(inner) for inner in _subschemas(form))


def in_words(schema: bytes) -> str:
    """What to tell the model of the schema, in the system's voice."""
    return _TELL + schema.decode()


def _read(schema: bytes) -> _Form | None:
    """The schema, if it is an object that can be gone through."""
    try:
        form = msgspec.json.decode(schema)
        return form if isinstance(form, dict) and _levels(form) else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


# --- Each vendor's ----------------------------------------------------------------------------


def _openai(schema: bytes, form: _Form) -> bytes:
    del form  # Out of its strict mode, every keyword is taken.
    return schema


def _anthropic(schema: bytes, form: _Form) -> bytes | None:
    changed = _mended(form)
    if not isinstance(changed, dict) or not _anthropic_takes(changed):
        return None
    return schema if changed == form else _ENCODE(changed)


_SAID: dict[str, Callable[[bytes, _Form], bytes | None]] = {
    "openai": _openai,
    "anthropic": _anthropic,
}


def _mended(form: object) -> object:
    """The form without what is refused and can be left out, the bounds told in the description."""
    if not isinstance(form, dict):
        return form
    bounds = {name: value for name, value in form.items() if _refused(name, value)}
    changed = {
        name: _inner(name, value)
        for name, value in form.items()
        if name not in bounds and name not in _NOTES
    }
    if "oneOf" in changed and "anyOf" not in changed:
        changed["anyOf"] = changed.pop("oneOf")
    if bounds:
        told = f"It must fit {_ENCODE(bounds).decode()}"
        given = form.get("description")
        changed["description"] = f"{given}\n\n{told}" if isinstance(given, str) else told
    if _of_type(form, "object") and form.get("properties") and "anyOf" not in changed:
        changed.setdefault("additionalProperties", False)
    return changed


def _refused(name: str, value: object) -> bool:
    if name == "minItems":
        return value not in (0, 1)
    if name == "format":
        return not isinstance(value, str) or value not in _FORMATS
    return name in _BOUNDS


def _inner(name: str, value: object) -> object:
    if name in {"properties", "$defs", "definitions"} and isinstance(value, dict):
        return {key: _mended(inner) for key, inner in value.items()}
    if name in {"anyOf", "oneOf"} and isinstance(value, list):
        return [_mended(inner) for inner in value]
    return _mended(value) if name == "items" else value


def _anthropic_takes(form: _Form) -> bool:
    parts = [part for part in _subschemas(form) if isinstance(part, dict)]
    return (
        all(_takes(part, _ANTHROPIC_KEYWORDS) for part in _subschemas(form))
        and sum(_optional(part) for part in parts) <= _MAX_OPTIONAL
        and sum("anyOf" in part or isinstance(part.get("type"), list) for part in parts)
        <= _MAX_UNIONS
        and not _recursive(form)
    )


def _recursive(form: _Form) -> bool:
    """Whether a reference leads to elsewhere, or a definition back into itself."""
    definitions = {
        (holder, name): _references(inner)
        for holder in ("$defs", "definitions")
        for name, inner in _members(form, holder).items()
    }
    known = set(definitions)
    if not all(targets <= known for targets in [_references(form), *definitions.values()]):
        return True
    while definitions:
        ends = [place for place, targets in definitions.items() if not targets & set(definitions)]
        if not ends:
            return True
        for place in ends:
            del definitions[place]
    return False


def _references(form: object) -> set[tuple[str, str]]:
    """Where the references within lead: the holder and the name; for elsewhere, what none has."""
    given = [p["$ref"] for p in _subschemas(form) if isinstance(p, dict) and "$ref" in p]
    found = [_REFERENCE.fullmatch(reference) for reference in map(str, given)]
    return {(match[1], match[2]) if match else ("", "") for match in found}


# --- Both -------------------------------------------------------------------------------------


def _takes(form: object, keywords: frozenset[str]) -> bool:
    """Whether each keyword is known, each object closed, and no place open to any value."""
    if not isinstance(form, dict) or not keywords.issuperset(form):
        return False
    if not any(word in form for word in ("type", "enum", "const", "anyOf", "$ref")):
        return False
    if _of_type(form, "array") and not isinstance(form.get("items"), dict):
        return False
    if not _of_type(form, "object"):
        return "properties" not in form
    required = form.get("required", [])
    return (
        form.get("additionalProperties") is False
        and isinstance(required, list)
        and set(map(str, required)) <= set(_members(form, "properties"))
    )


def _optional(form: object) -> int:
    """How many members may be left out."""
    if not isinstance(form, dict):
        return 0
    required = form.get("required")
    names = set(map(str, required)) if isinstance(required, list) else set()
    return len(set(_members(form, "properties")) - names)


def _of_type(form: _Form, kind: str) -> bool:
    given = form.get("type")
    return given == kind or (isinstance(given, list) and kind in given)


def _members(form: object, name: str) -> _Form:
    value = form.get(name) if isinstance(form, dict) else None
    return value if isinstance(value, dict) else {}


def _subschemas(form: object) -> Iterator[object]:
    yield form
    for inner in _below(form):
        yield from _subschemas(inner)


def _below(form: object) -> list[object]:
    if not isinstance(form, dict):
        return []
    holders = ("properties", "$defs", "definitions")
    below = [inner for name in holders for inner in _members(form, name).values()]
    choices = form.get("anyOf")
    below += choices if isinstance(choices, list) else []
    return [*below, form["items"]] if "items" in form else below


def _levels(form: object) -> int:
    return 1 + max(map(_levels, _below(form)), default=0)
