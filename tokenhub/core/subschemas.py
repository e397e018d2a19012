"""A JSON Schema as the graph of its subschemas, and what it costs to check a value with it.

The validator is fast, but not in proportion to what it is given: references can double the work
with each step (`a24` asks twice for `a23`, ...), so that a schema of 2 KB runs for years, and it
cannot be stopped. Hence the work is reckoned beforehand. An edge stays on the same value (`allOf`,
`$ref`) or goes to the values below it (`properties`, `items`); how often each subschema is visited
at each depth follows from these, and the visits times the values there bound the work.
"""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

import msgspec

from tokenhub.core.errors import BadRequest

MAX_DEPTH = 32
MAX_SUBSCHEMAS = 1_000
MAX_PATTERNS = 32

# Where subschemas stand, by the drafts 4 to 2020-12.
_HERE_ONE = ("not", "if", "then", "else")
_HERE_LIST = ("allOf", "anyOf", "oneOf")
_HERE_MAP = ("dependentSchemas", "dependencies")
_BELOW_ONE = (
    "additionalProperties",
    "propertyNames",
    "items",
    "additionalItems",
    "contains",
    "unevaluatedItems",
    "unevaluatedProperties",
)
_BELOW_LIST = ("prefixItems", "items")
_BELOW_MAP = ("properties", "patternProperties")
_NOWHERE_MAP = ("$defs", "definitions")
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
# Their errors carry the errors of every branch.
_BRANCHING = ("anyOf", "oneOf", "propertyNames")

# Equality of objects is dearer than that of numbers: measured at 160 ns against 10.
_DEEP_VALUE = 4
# Asking a name at all costs as much as so many of its characters.
_PER_NAME = 8
# A pattern whose automaton does not fit into its cache is followed state by state: measured at 5
# to 17 ns for each of them and each character.
_STATES_AT_ONCE = 4
# Of a regular expression: an escape, a class, a count of repeats, or one character.
_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(\d+)(?:,(\d*))?\}|.", re.DOTALL)
# To divide by a decimal exactly takes up to 40 us where the number has 300 digits.
_MULTIPLE = 300
# `unevaluated*` asks its neighbours again what they have seen. Measured: nested n deep, the work
# grows by a factor of 2.6 a level.
_AGAIN = 3


class _Node(msgspec.Struct):
    """A subschema. `effort` is the work that it takes by itself, in keywords and their entries.

    `automata` is what its patterns take for a character.
    """

    effort: int = 1
    patterns: int = 0
    automata: int = 0
    whole: bool = False
    times: int = 1
    here: list[int] = msgspec.field(default_factory=list)
    below: list[int] = msgspec.field(default_factory=list)


class Profile(msgspec.Struct, frozen=True):
    """A value's shape: at each depth, how many values there are and how many bytes of text."""

    values: tuple[int, ...]
    text: tuple[int, ...]
    huge: bool = False


def profile(value: object, *, max_depth: int) -> Profile | None:
    """The shape of a JSON value; None where it is nested deeper than `max_depth`.

    The name of a member counts as text of the object and of what is below it, since patterns may
    ask for it from either place. `huge` tells of an integer beyond 64 bits.
    """
    values: list[int] = []
    text = [0]
    huge = False
    level = [value]
    while level:
        if len(values) > max_depth:
            return None
        below: list[object] = []
        names = 0
        for item in level:
            if isinstance(item, str):
                text[-1] += len(item)
            elif isinstance(item, dict):
                below += item.values()
                names += sum(map(len, item)) + _PER_NAME * len(item)
            elif isinstance(item, list):
                below += item
            elif type(item) is int and not -(2**63) <= item < 2**63:
                huge = True
        values.append(len(level))
        text[-1] += names
        text.append(names)
        level = below
    return Profile(tuple(values), tuple(text[:-1]), huge)


class Subschemas:
    """The graph. Raises BadRequest for what is out of bounds, and for references to elsewhere."""

    def __init__(self, schema: object) -> None:
        self._nodes: list[_Node] = []
        self._places: dict[str, int] = {}
        self._references: list[tuple[int, str]] = []
        self.branches = False
        self.unique = False
        self._read(schema, "#", depth=0)
        for node, reference in self._references:
            self._nodes[node].here.append(self._target(reference))
        self._order = self._sorted()
        if sum(node.patterns for node in self._nodes) > MAX_PATTERNS:
            raise _refused(f"it has more than {MAX_PATTERNS} regular expressions")

    def cost(self, profile: Profile, limit: float) -> float:
        """The most that checking such a value takes, in keywords visited; stops above `limit`."""
        visits = [0.0] * len(self._nodes)
        visits[0] = 1.0
        remaining = sum(profile.values)
        total = 0.0
        for values, text in zip(profile.values, profile.text, strict=True):
            below = [0.0] * len(self._nodes)
            for index in self._order:
                if not (count := visits[index]):
                    continue
                node = self._nodes[index]
                total += count * (node.effort * values + node.automata * text)
                total += count * remaining if node.whole else 0
                for child in node.here:
                    visits[child] += count * node.times
                for child in node.below:
                    below[child] += count * node.times
            if total > limit:
                return total
            visits = below
            remaining -= values
        return total

    # --- Reading

    def _read(self, schema: object, place: str, *, depth: int) -> int:
        if depth > MAX_DEPTH:
            raise _refused(f"it is nested more than {MAX_DEPTH} deep")
        if len(self._nodes) >= MAX_SUBSCHEMAS:
            raise _refused(f"it has more than {MAX_SUBSCHEMAS} subschemas")
        index = self._places[place] = len(self._nodes)
        node = _Node()
        self._nodes.append(node)
        if isinstance(schema, dict):
            self._keywords(node, schema, place)
            for keyword, name, subschema in _children(schema):
                child = self._read(subschema, f"{place}/{name}", depth=depth + 1)
                if keyword in _BELOW_ONE or keyword in _BELOW_LIST or keyword in _BELOW_MAP:
                    node.below.append(child)
                elif keyword not in _NOWHERE_MAP:
                    node.here.append(child)
            self._refers(index, schema)
        return index

    def _keywords(self, node: _Node, schema: Mapping[str, object], place: str) -> None:
        for value in schema.values():
            node.effort += 1 + _entries(value)
        node.effort += _MULTIPLE * ("multipleOf" in schema)
        patterns = [*_mapping(schema.get("patternProperties"))]
        if "pattern" in schema:
            patterns.append(str(schema["pattern"]))
        node.patterns = len(patterns)
        node.automata = sum(1 + _states(pattern) // _STATES_AT_ONCE for pattern in patterns)
        same = schema.get("enum"), [schema.get("const")]
        node.effort += _DEEP_VALUE * sum(_size(value) for values in same for value in _list(values))
        node.whole = bool(schema.get("uniqueItems"))
        node.times = _AGAIN if any(name.startswith("unevaluated") for name in schema) else 1
        self.unique = self.unique or node.whole
        self.branches = self.branches or any(name in schema for name in _BRANCHING)
        if place != "#" and ("$id" in schema or isinstance(schema.get("id"), str)):
            raise _refused('only the root may have an "$id"')
        if not isinstance(schema.get("$id", ""), str):
            raise _refused('"$id" must be a string')

    def _refers(self, index: int, schema: Mapping[str, object]) -> None:
        for keyword in _REFERENCES:
            if isinstance(reference := schema.get(keyword), str):
                self._references.append((index, reference))
        for keyword in ("$anchor", "$dynamicAnchor"):
            if isinstance(name := schema.get(keyword), str):
                self._places[f"#{name}"] = index

    def _target(self, reference: str) -> int:
        if not reference.startswith("#"):
            raise _refused('references must stay within it: begin them with "#"')
        # RFC 6901, section 6: a pointer in a URI is percent-encoded.
        target = self._places.get(unquote(reference))
        if target is None:
            raise _refused("a reference leads to no subschema of it")
        return target

    def _sorted(self) -> list[int]:
        """Each subschema before those that it asks about the same value."""
        order: list[int] = []
        state = [0] * len(self._nodes)
        for start in range(len(self._nodes)):
            stack = [] if state[start] else [(start, iter(self._nodes[start].here))]
            state[start] = state[start] or 1
            while stack:
                index, children = stack[-1]
                child = next(children, None)
                if child is None:
                    stack.pop()
                    state[index] = 2
                    order.append(index)
                elif state[child] == 1:
                    raise _refused("a reference leads back to itself on the same value")
                elif not state[child]:
                    state[child] = 1
                    stack.append((child, iter(self._nodes[child].here)))
        return order[::-1]


def _children(schema: Mapping[str, object]) -> Iterator[tuple[str, str, object]]:
    """Each subschema: its keyword, its place below this one, itself."""
    for keyword, value in schema.items():
        if keyword in (*_HERE_LIST, *_BELOW_LIST) and isinstance(value, list):
            for number, item in enumerate(value):
                yield keyword, f"{keyword}/{number}", item
        elif keyword in (*_HERE_MAP, *_BELOW_MAP, *_NOWHERE_MAP):
            for name, item in _mapping(value).items():
                if isinstance(item, dict | bool):
                    yield keyword, f"{keyword}/{_escaped(name)}", item
        elif keyword in (*_HERE_ONE, *_BELOW_ONE) and isinstance(value, dict | bool):
            yield keyword, keyword, value


def _states(pattern: str) -> int:
    """About how many states a regular expression has, its counted repeats written out."""
    sizes = [0]
    opened: list[int] = []
    for token in _TOKEN.finditer(pattern):
        match token[0]:
            case "(":
                opened.append(len(sizes))
            case ")" if opened:
                first = opened.pop()
                sizes[first:] = [sum(sizes[first:])]
            case "*" | "+" | "?" | "|":
                pass
            case _ if token[1]:
                sizes[-1] *= max(int(token[1]), int(token[2] or 0), 1)
            case _:
                sizes.append(1)
    return sum(sizes)


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _entries(value: object) -> int:
    """The entries of a keyword, and of the lists in it (`dependentRequired`)."""
    if isinstance(value, dict):
        return len(value) + sum(len(_list(inner)) for inner in value.values())
    return len(_list(value))


def _size(value: object) -> int:
    """How many values there are within one that is compared; 0 for a plain one."""
    if not isinstance(value, list | dict):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return 1 + sum(1 + _size(item) for item in inner)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _refused(why: str) -> BadRequest:
    return BadRequest(f"the schema cannot be used: {why}", code="invalid_schema")
