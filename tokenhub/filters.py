"""The filter grammar: one line that says which requests are meant, the same for every interface.

    model:gpt status:error ms>2000 cost>0.01 key:ci !mode:cheap text

Terms are joined by "and", the values of one term (`model:gpt,claude`) by "or"; `!` turns a term
round. `:` looks for a part of a text, whatever its case (of ASCII), and `=` for all of it.
Numbers take `> >= < <= =` and ranges `a..b`, `a..`, `..b`, ends included. A word without a field is
looked for in every text. Double quotes hold spaces, commas and colons; in them, a backslash takes
the next character as it is.

`parse` gives a typed `Filter`: the server makes SQL of it, and `Filter.matches` holds it against a
row as the API shows it. Both mean the same: numbers are compared as integers of the unit that the
server keeps, and a field that a row has not is empty.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from datetime import UTC, datetime
from decimal import Decimal
from math import ceil, floor
from typing import Any

MAX_CHARS = 2000
MAX_TERMS = 50
MAX_VALUES = 100
# Beyond every value of a row, and within 64 bits.
LEAST, MOST = -(2**62), 2**62

ANY_TEXT = "text"
TIME = "at"
ERROR_STATUS = 400


class FilterError(ValueError):
    """The text is no filter. `position` counts its characters, from 0, up to what is wrong."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(f"{reason} (at character {position + 1})")
        self.reason = reason
        self.position = position


@dataclass(frozen=True, slots=True)
class Field:
    """A field of rows: the names that rows have it under, and what kind of value it is.

    `scale` is how many of the server's units make one of the filter's: microseconds of a
    millisecond, nano-USD of a USD.
    """

    keys: tuple[str, ...]
    kind: str = "text"
    scale: int = 1


FIELDS: Mapping[str, Field] = {
    "model": Field(("model_id",)),
    "provider": Field(("provider_id",)),
    "key": Field(("api_key_id", "api_key_name")),
    "mode": Field(("mode",)),
    "task": Field(("task",)),
    "status": Field(("status_code", "status"), "status"),
    "error": Field(("error_class",)),
    "ms": Field(("latency_ms",), "duration", 1000),
    "overhead": Field(("overhead_ms",), "duration", 1000),
    "cost": Field(("estimated_cost_usd", "cost_usd"), "money", 10**9),
    "tokens": Field(("total_tokens",), "number"),
    "in": Field(("input_tokens",), "number"),
    "out": Field(("output_tokens",), "number"),
    "tries": Field(("attempts",), "number"),
    "stream": Field(("stream",), "flag"),
    "asked": Field(("requested_model",)),
    "reason": Field(("reason",)),
    "id": Field(("request_id",)),
    "plan": Field(("parent_id",)),
    "since": Field(("timestamp",), "time", 1000),
    "until": Field(("timestamp",), "time", 1000),
}
Fields = Mapping[str, Field]
# What a word without a field is looked for in.
TEXTS = ("model", "provider", "key", "mode", "error", "asked", "reason", "id")
# The names of the API serve as well.
_ALIASES = {key: name for name, field in FIELDS.items() for key in field.keys if key != "timestamp"}
_ALIASES |= {"latency": "ms", "provider_id": "provider"}

_CLASSES = {
    "ok": (LEAST, ERROR_STATUS - 1),
    "error": (ERROR_STATUS, MOST),
    **{f"{digit}xx": (digit * 100, digit * 100 + 99) for digit in range(1, 6)},
}
_FLAGS = {"yes": 1, "true": 1, "1": 1, "no": 0, "false": 0, "0": 0}
_DURATIONS = {"": 1, "ms": 1, "s": 1000, "m": 60_000}
_AGO_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}

_HEAD = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(!=|>=|<=|:|=|>|<)")
_DIGIT = re.compile("[0-9]")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_BARE = re.compile(r'[^\s,"]+')
_WORD = re.compile(r'[^\s"]+')
_NUMBER = re.compile(r"\$?([0-9]{1,30}(?:\.[0-9]{1,30})?)([a-z]{0,2})")
_AGO = re.compile(r"(?:[0-9]{1,9}[smhdw])+")
_FORBIDDEN = re.compile("[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Text:
    """Texts to find: as the whole value where `exact`, else as a part of it, whatever its case.

    `also` are values that are meant besides, each as a whole: the ids of keys whose name fits.
    """

    values: tuple[str, ...]
    exact: bool
    also: tuple[str, ...] = ()

    def fits(self, value: str) -> bool:
        """Whether the value is one of those meant."""
        if value in self.also:
            return True
        if self.exact:
            return value in self.values
        there = folded(value)
        return any(part in there for part in self.values)


@dataclass(frozen=True, slots=True)
class Numbers:
    """Ranges of integers, ends included, of the server's unit; one of them must hold the value."""

    ranges: tuple[tuple[int, int], ...]

    def fits(self, value: int) -> bool:
        """Whether a range holds the value."""
        return any(low <= value <= high for low, high in self.ranges)


@dataclass(frozen=True, slots=True)
class Term:
    """One condition. `field` is a name of FIELDS, `at` for a time, or `text` for every text."""

    field: str
    test: Text | Numbers
    negated: bool = False
    fields: "Fields" = dataclass_field(default_factory=lambda: FIELDS, repr=False, compare=False)

    def matches(self, row: Mapping[str, Any]) -> bool:
        """Whether it holds for a row as the API shows it."""
        return self._holds(row) is not self.negated

    def _holds(self, row: Mapping[str, Any]) -> bool:
        if isinstance(self.test, Text):
            names = _texts(self.fields) if self.field == ANY_TEXT else (self.field,)
            keys = [key for name in names for key in self.fields[name].keys]
            # A name that is missing beside an id is none; empty is a row that has neither.
            there = [str(row[key]) for key in keys if row.get(key)] or [""]
            return any(map(self.test.fits, there))
        value = _integer(row, self.fields["since" if self.field == TIME else self.field])
        return value is not None and self.test.fits(value)


@dataclass(frozen=True, slots=True)
class Filter:
    """Terms that must all hold; none hold for everything."""

    terms: tuple[Term, ...] = ()

    def matches(self, row: Mapping[str, Any]) -> bool:
        """Whether a row, as the API shows it, is one of those meant."""
        return all(term.matches(row) for term in self.terms)

    def __and__(self, other: "Filter") -> "Filter":
        return Filter(self.terms + other.terms)

    @property
    def window(self) -> tuple[int, int]:
        """The Unix milliseconds, ends included, that `since` and `until` leave."""
        low, high = LEAST, MOST
        for term in self.terms:
            if _bounds_time(term) and isinstance(term.test, Numbers):
                ((first, last),) = term.test.ranges
                low, high = max(low, first), min(high, last)
        return low, high

    @property
    def timeless(self) -> "Filter":
        """All of it that the window does not say."""
        return Filter(tuple(term for term in self.terms if not _bounds_time(term)))

    def naming(self, names: Mapping[str, str]) -> "Filter":
        """The same for rows that have the ids of keys alone, of which `names` tells the names."""
        return Filter(tuple(_naming(term, names) for term in self.terms))


def of_rows(text: str, rows: Sequence[Mapping[str, Any]]) -> Callable[[Mapping[str, Any]], bool]:
    """Whether a row is one of those meant, of rows of any kind: their own fields can be named.

    Raises FilterError.
    """
    kinds: dict[str, set[str]] = {}
    for row in rows:
        for name, value in row.items():
            seen = kinds.setdefault(name, set())
            if value is not None:
                seen.add(_KINDS.get(type(value), "text"))
    fields = {name: _field(name, seen) for name, seen in kinds.items()}
    return parse(text, fields=fields).matches if rows else lambda _: True


def parse(text: str, *, now: float | None = None, fields: Fields = FIELDS) -> Filter:
    """The filter that a text is. Raises FilterError, which tells where and what is known.

    `now` is the time in Unix seconds that `since:2h` counts from; where it is not given, times
    must be dates.
    """
    if len(text) > MAX_CHARS:
        raise FilterError(f"a filter may have {MAX_CHARS} characters", MAX_CHARS)
    if found := _FORBIDDEN.search(text):
        raise FilterError("a filter holds no control characters", found.start())
    terms = tuple(_terms(text, now, fields))
    if len(terms) > MAX_TERMS:
        raise FilterError(f"a filter may have {MAX_TERMS} terms", len(text))
    return Filter(terms)


def equal(field: str, value: str | int) -> Filter:
    """The filter of the rows that have exactly this value."""
    if isinstance(value, int):
        return Filter((Term(field, Numbers(((value, value),))),))
    return Filter((Term(field, Text((value,), exact=True)),))


def folded(text: str) -> str:
    """The text in lower case, as SQLite has it: letters of ASCII only."""
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


def _terms(text: str, now: float | None, fields: Fields) -> Iterator[Term]:
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        negated = text[position] == "!"
        term, position = _term(text, position + negated, now, fields)
        yield replace(term, negated=term.negated is not negated, fields=fields)


def _term(text: str, start: int, now: float | None, fields: Fields) -> tuple[Term, int]:
    """The term that begins at `start`, and where it ends."""
    head = _HEAD.match(text, start)
    # Names of models have digits before a colon, as in llama3:8b.
    if head is None or (head.group(1) not in fields and _DIGIT.search(head.group(1))):
        word, end = _value(text, start, _WORD, "a word to look for")
        return Term(ANY_TEXT, Text((folded(word),), exact=False)), end
    name, sign = head.group(1).lower(), head.group(2)
    name = _ALIASES.get(name, name) if fields is FIELDS else name
    if name not in fields:
        raise FilterError(
            f"there is no field {head.group(1)!r}; known: {', '.join(fields)}; "
            "put a text that holds such a sign in double quotes",
            start,
        )
    values, end = _values(text, head.end(), name)
    place = _Place(start=head.start(2), now=now)
    return _read((name, fields[name]), sign, values, place), end


def _values(text: str, start: int, name: str) -> tuple[list[tuple[str, int]], int]:
    """The values after a sign, each with where it begins, and where they end."""
    found = []
    position = start
    while True:
        value, end = _value(text, position, _BARE, f"a value for {name}")
        found.append((value, position))
        if text[end : end + 1] != ",":
            break
        position = end + 1
    if end < len(text) and not text[end].isspace():
        raise FilterError("a space must follow what stands in quotes", end)
    if len(found) > MAX_VALUES:
        raise FilterError(f"a term may have {MAX_VALUES} values", start)
    return found, end


def _value(text: str, start: int, bare: re.Pattern[str], wanted: str) -> tuple[str, int]:
    """One value, in quotes or bare, and where it ends."""
    if text[start : start + 1] == '"':
        quoted = _QUOTED.match(text, start)
        if quoted is None:
            raise FilterError("the closing quote is missing", start)
        return re.sub(r"\\(.)", r"\1", quoted.group(1)), quoted.end()
    plain = bare.match(text, start)
    if plain is None:
        raise FilterError(f"{wanted} is missing", start)
    return plain.group(), plain.end()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where the sign of a term stands, and what time it is."""

    start: int
    now: float | None


def _read(
    named: tuple[str, Field], sign: str, values: Sequence[tuple[str, int]], place: _Place
) -> Term:
    """The term of a field, a sign and its values."""
    name, field = named
    kind = field.kind
    negated = sign == "!="
    sign = "=" if negated else sign
    if kind == "text":
        if sign not in {":", "="}:
            raise FilterError(f"{name} is a text, which takes : or =", place.start)
        exact = sign == "="
        texts = tuple(value if exact else folded(value) for value, _ in values)
        if not exact and "" in texts:
            raise FilterError(f'an empty text is in all; {name}="" asks for none', place.start)
        return Term(name, Text(texts, exact), negated)
    if kind == "time":
        if sign not in {":", "="} or negated:
            raise FilterError(f"{name} takes a colon: {name}:2h", place.start)
        return Term(TIME, _time(name, values, place.now))
    if sign not in {":", "="} and len(values) > 1:
        raise FilterError(f"one value can stand behind {sign}", place.start)
    ranges = tuple(_range(named, sign, value, at) for value, at in values)
    return Term(name, Numbers(ranges), negated)


def _range(named: tuple[str, Field], sign: str, value: str, at: int) -> tuple[int, int]:
    """The range of integers that a sign and a value stand for."""
    name, field = named
    if field.kind == "flag":
        if sign not in {":", "="} or value.lower() not in _FLAGS:
            raise FilterError(f"{name} takes yes or no: {name}:yes", at)
        return _FLAGS[value.lower()], _FLAGS[value.lower()]
    if field.kind == "status" and sign in {":", "="} and value.lower() in _CLASSES:
        return _CLASSES[value.lower()]
    if sign in {":", "="} and ".." in value:
        low, _, high = value.partition("..")
        if not low and not high:
            raise FilterError("a range needs a beginning or an end", at)
        least = ceil(_number(field, low, at)) if low else LEAST
        return least, floor(_number(field, high, at)) if high else MOST
    number = _number(field, value, at)
    return _BOUNDS["=" if sign == ":" else sign](number)


_BOUNDS: Mapping[str, Callable[[Decimal], tuple[int, int]]] = {
    ">": lambda number: (floor(number) + 1, MOST),
    ">=": lambda number: (ceil(number), MOST),
    "<": lambda number: (LEAST, ceil(number) - 1),
    "<=": lambda number: (LEAST, floor(number)),
    "=": lambda number: (ceil(number), floor(number)),
}
# Of rows of any kind: what a value of JSON is, and the parts of one that numbers are told apart by.
_KINDS: Mapping[type, str] = {bool: "flag", int: "number", float: "number"}
_PARTS = 10**9
_EXAMPLES = {
    "status": "a number such as 429, a class such as 4xx, ok or error",
    "duration": "milliseconds such as 250, or 2s",
    "money": "USD such as 0.01",
    "number": "a number such as 1000",
}


def _number(field: Field, text: str, at: int) -> Decimal:
    """The number in the server's unit."""
    found = _NUMBER.fullmatch(text.lower())
    units = _DURATIONS if field.kind == "duration" else {"": 1}
    if found is None or found.group(2) not in units:
        raise FilterError(f"{text!r} is not {_EXAMPLES[field.kind]}", at)
    if "$" in text and field.kind != "money":
        raise FilterError(f"{text!r} is not {_EXAMPLES[field.kind]}", at)
    number = Decimal(found.group(1)) * units[found.group(2)] * field.scale
    if number >= MOST:
        raise FilterError(f"{text!r} is larger than anything that is kept", at)
    return number


def _time(name: str, values: Sequence[tuple[str, int]], now: float | None) -> Numbers:
    ((value, at), *more) = values
    if more:
        raise FilterError(f"{name} takes one time", more[0][1])
    at_ms = max(LEAST, ceil(_moment(value, at, now) * 1000))
    return Numbers(((at_ms, MOST),) if name == "since" else ((LEAST, at_ms - 1),))


def _moment(text: str, at: int, now: float | None) -> Decimal:
    """The Unix time that a text names, in seconds: a date, or so long ago."""
    if _AGO.fullmatch(text):
        if now is None:
            raise FilterError("only dates such as 2026-01-31T10:00:00Z can be used here", at)
        parts = re.findall(r"([0-9]+)([smhdw])", text)
        return Decimal(str(now)) - sum(int(amount) * _AGO_S[unit] for amount, unit in parts)
    try:
        moment = datetime.fromisoformat(text)
        # Without a zone it is UTC, as all that the server shows.
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return Decimal(str(zoned.timestamp()))
    except (ValueError, OverflowError) as error:
        raise FilterError(
            f"{text!r} is no time; give one such as 2h, 7d or 2026-01-31T10:00:00Z", at
        ) from error


def _field(name: str, kinds: set[str]) -> Field:
    """A field whose values are of these kinds; what is of several is a text."""
    kind = kinds.pop() if len(kinds) == 1 else "text"
    return Field((name,), kind, _PARTS if kind == "number" else 1)


def _texts(fields: Fields) -> Sequence[str]:
    """The fields that a word without a field is looked for in."""
    if fields is FIELDS:
        return TEXTS
    return [name for name, field in fields.items() if field.kind == "text"]


def _bounds_time(term: Term) -> bool:
    return term.field == TIME and not term.negated


def _integer(row: Mapping[str, Any], field: Field) -> int | None:
    """The value of a row in the server's unit; None where there is none."""
    value = next((row[key] for key in field.keys if row.get(key) is not None), None)
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value).timestamp()
        except ValueError:
            return None
    if isinstance(value, list | tuple):
        return len(value)
    return round(value * field.scale)


def _naming(term: Term, names: Mapping[str, str]) -> Term:
    if term.field not in {"key", ANY_TEXT} or not isinstance(term.test, Text):
        return term
    fitting = tuple(key_id for key_id, name in names.items() if term.test.fits(name))
    return replace(term, test=replace(term.test, also=fitting))
