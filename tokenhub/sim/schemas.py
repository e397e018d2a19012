"""What the vendors refuse in a JSON Schema that an answer must fit.

Sources: OpenAI's guide to structured outputs (strict mode: supported schemas) and Anthropic's
(JSON Schema limitations), both as of January 2026.
"""

from collections.abc import Iterator
from typing import Any

# Keywords that Anthropic's grammar does not know, by the type they stand at.
UNKNOWN = {
    "integer": ("maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "multipleOf"),
    "number": ("maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "multipleOf"),
    "string": ("maxLength", "minLength"),
    "array": ("maxItems", "uniqueItems"),
}
Place = tuple[str, ...]


def strict(schema: dict[str, Any]) -> str:
    """Why OpenAI's strict mode refuses the schema; empty where it does not."""
    for place, part in _parts(schema, ()):
        if "properties" not in part and part.get("type") != "object":
            continue
        context = f"In context={place!r}, "
        if part.get("additionalProperties") is not False:
            return f"{context}'additionalProperties' is required to be supplied and to be false."
        missing = [name for name in part.get("properties", {}) if name not in _required(part)]
        if missing:
            return (
                f"{context}'required' is required to be supplied and to be an array including "
                f"every key in properties. Missing '{missing[0]}'."
            )
    return ""


def anthropic(schema: dict[str, Any]) -> str:
    """Why Anthropic refuses the schema; empty where it does not."""
    for _, part in _parts(schema, ()):
        kind = part.get("type")
        if kind == "object" and part.get("additionalProperties") is not False:
            return "For 'object' type, 'additionalProperties' must be explicitly set to false"
        unknown = UNKNOWN.get(kind, ()) if isinstance(kind, str) else ()
        found = sorted(set(unknown) & set(part))
        if found:
            word = "properties" if len(found) > 1 else "property"
            verb = "are" if len(found) > 1 else "is"
            return f"For '{kind}' type, {word} {', '.join(found)} {verb} not supported"
        if part.get("minItems", 0) not in (0, 1):
            return "For 'array' type, 'minItems' values other than 0 or 1 are not supported"
        if "oneOf" in part:
            return "Schema type 'oneOf' is not supported"
    if _circular(schema):
        return "Circular reference detected in schema definitions"
    return ""


def _circular(schema: dict[str, Any]) -> bool:
    """Whether a reference leads to the whole, or definitions to each other in a circle."""
    targets = {
        f"#/{holder}/{name}": _targets(inner)
        for holder in ("$defs", "definitions")
        for name, inner in (schema.get(holder) or {}).items()
    }
    if "#" in _targets(schema):
        return True
    # Definitions without references left go, round by round; those of a circle stay.
    while free := [name for name, inner in targets.items() if not inner & targets.keys()]:
        for name in free:
            del targets[name]
    return bool(targets)


def _targets(schema: Any) -> set[str]:
    return {str(part["$ref"]) for _, part in _parts(schema, ()) if "$ref" in part}


def _required(part: dict[str, Any]) -> list[Any]:
    required = part.get("required")
    return required if isinstance(required, list) else []


def _parts(schema: Any, place: Place) -> Iterator[tuple[Place, dict[str, Any]]]:
    """The schema and every schema within it, from outside inwards."""
    waiting: list[tuple[Place, Any]] = [(place, schema)]
    while waiting:
        where, part = waiting.pop(0)
        if not isinstance(part, dict):
            continue
        yield where, part
        for keyword in ("properties", "$defs", "definitions"):
            inner = part.get(keyword)
            named = inner.items() if isinstance(inner, dict) else ()
            waiting += [((*where, keyword, name), value) for name, value in named]
        for keyword in ("anyOf", "oneOf", "allOf"):
            several = part.get(keyword)
            listed = several if isinstance(several, list) else []
            waiting += [((*where, keyword, str(n)), value) for n, value in enumerate(listed)]
        waiting.append(((*where, "items"), part.get("items")))
