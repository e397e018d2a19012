"""Which offered tool is called, and with what: arguments that fit its JSON Schema."""

import math
from typing import Any, Literal

import msgspec

from tokenhub.core import rng
from tokenhub.sim.call import Call, Tool
from tokenhub.sim.words import VOCABULARY

# A schema may refer to itself: deeper than DEPTH only what is required is filled, and nothing at
# all deeper than BOTTOM. HOPS bounds the references that lead to one schema.
DEPTH = 4
BOTTOM = 32
HOPS = 16
FORMATS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
}


def chosen(call: Call, when: Literal["offered", "asked", "never"]) -> Tool | None:
    """The tool that the model calls, if any.

    It is the one the request names, else one whose name stands in the last message, else the first.
    """
    if not call.tools or not (call.must_call or call.may_call):
        return None
    named = [tool for tool in call.tools if tool.name == call.named]
    asked = named or [tool for tool in call.tools if tool.name in call.last]
    wanted = when == "offered" or (when == "asked" and bool(asked))
    if not (call.must_call or wanted):
        return None
    return (asked or list(call.tools))[0]


def called(call: Call, when: Literal["offered", "asked", "never"]) -> tuple[Tool, ...]:
    """All tools that the model calls: several where the last message names several."""
    first = chosen(call, when)
    if first is None:
        return ()
    if call.named or not call.parallel:
        return (first,)
    return tuple(tool for tool in call.tools if tool.name in call.last) or (first,)


def arguments(tool: Tool, seed: int) -> str:
    """JSON that fits the tool's schema, the same for the same seed."""
    value = _Filler(tool.schema, seed).value(tool.schema, depth=0)
    return msgspec.json.encode(value if isinstance(value, dict) else {}).decode()


def fitting(schema: dict[str, Any], seed: int) -> str:
    """JSON that fits the schema, whatever its type; the same for the same seed."""
    return msgspec.json.encode(_Filler(schema, seed).value(schema, depth=0)).decode()


class _Filler:
    """One walk through a schema; its counter moves on with each draw."""

    def __init__(self, root: dict[str, Any], seed: int) -> None:
        self._root = root
        self._seed = seed
        self._counter = 0

    def value(self, schema: Any, *, depth: int) -> Any:
        if not isinstance(schema, dict) or depth > BOTTOM:
            return None
        schema = self._resolved(schema)
        for given in ("const", "default"):
            if given in schema:
                return schema[given]
        if schema.get("enum"):
            return schema["enum"][self._below(len(schema["enum"]))]
        for several in ("anyOf", "oneOf"):
            if schema.get(several):
                return self.value(schema[several][0], depth=depth + 1)
        return self._of_type(schema, depth)

    def _of_type(self, schema: dict[str, Any], depth: int) -> Any:
        kind = schema.get("type", "object" if "properties" in schema else "string")
        kind = kind[0] if isinstance(kind, list) else kind
        match kind:
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, depth)
            case "integer" | "number":
                return self._number(schema, whole=kind == "integer")
            case "boolean":
                return bool(self._below(2))
            case "null":
                return None
            case _:
                return self._text(schema)

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties", {})
        required = schema.get("required", ())
        names = properties if depth < DEPTH and not required else required
        return {name: self.value(properties.get(name, {}), depth=depth + 1) for name in names}

    def _array(self, schema: dict[str, Any], depth: int) -> list[Any]:
        items = schema.get("items", {})
        count = max(1, schema.get("minItems", 1))
        return [self.value(items, depth=depth + 1) for _ in range(count)]

    def _number(self, schema: dict[str, Any], *, whole: bool) -> float:
        low: float
        high: float
        step: float = schema.get("multipleOf", 1)
        low = schema.get("minimum", schema.get("exclusiveMinimum", -step) + step)
        high = schema.get("maximum", schema.get("exclusiveMaximum", low + 101 * step) - step)
        first, last = math.ceil(low / step), math.floor(high / step)
        if first <= last:
            value: float = (first + self._below(last - first + 1)) * step
            return int(value) if whole else value
        floor: float = schema.get("minimum", schema.get("exclusiveMinimum", low))
        ceiling: float = schema.get("maximum", schema.get("exclusiveMaximum", high))
        return math.ceil(floor) if whole else (floor + ceiling) / 2

    def _text(self, schema: dict[str, Any]) -> str:
        if schema.get("format") in FORMATS:
            return FORMATS[schema["format"]]
        word = VOCABULARY[self._below(len(VOCABULARY))]
        word = word.ljust(schema.get("minLength", 0), "x")
        return word[: schema.get("maxLength", len(word))]

    def _resolved(self, schema: dict[str, Any], hops: int = 0) -> dict[str, Any]:
        """The schema behind a local `$ref`, with the parts of `allOf` laid over each other."""
        if hops > HOPS:
            return {}
        if isinstance(schema.get("$ref"), str):
            rest = {key: schema[key] for key in schema if key != "$ref"}
            return self._resolved({**self._target(schema["$ref"]), **rest}, hops + 1)
        merged = {key: schema[key] for key in schema if key != "allOf"}
        for part in schema.get("allOf", ()):
            resolved = self._resolved(part, hops + 1)
            properties = {**merged.get("properties", {}), **resolved.get("properties", {})}
            required = [*merged.get("required", ()), *resolved.get("required", ())]
            merged = {**merged, **resolved, "properties": properties, "required": required}
        return merged

    def _target(self, reference: str) -> dict[str, Any]:
        found: Any = self._root
        for step in reference.removeprefix("#").split("/")[1:]:
            found = found.get(step) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else {}

    def _below(self, count: int) -> int:
        self._counter += 1
        return rng.below(self._seed, self._counter, count)
