"""Forms without a terminal: what is asked for, what was written, and what of it is new.

Values are what the wire has: text, a number or None, True or False, a tuple of texts.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

TEXT, NUMBER, SECRET, CHOICE, SWITCH, CHECKS, LIST = (
    "text", "number", "secret", "choice", "switch", "checks", "list",
)  # fmt: skip

Value = str | float | bool | tuple[str, ...] | None
Values = Mapping[str, Value]

# What a field of a kind begins with where nothing is said.
_EMPTY: Mapping[str, Value] = {NUMBER: None, SWITCH: False, CHECKS: (), LIST: ()}

# How msgspec ends the message of a fault: " - at `$.weight`".
_AT = re.compile(r"^(?P<what>.*?) - at `\$\.?(?P<path>.*)`$", re.DOTALL)
_SAID = {
    "Expected `int | null`, got `float`": "a whole number",
    "Expected `int`, got `float`": "a whole number",
    "Expected `int`, got `null`": "a number is needed",
    "Expected `float`, got `null`": "a number is needed",
    "Expected `str`, got `null`": "is needed",
}


class Wrong(ValueError):
    """What was written is no value of the field. `str(wrong)` says what is wanted."""


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for. `id` is the field's name on the wire, by which faults find it.

    `kind` is `text`, `number` (None where it is empty), `secret` (empty is "as it is"), `choice`,
    `switch`, `checks` (a tuple of those that are ticked) or `list` (texts between commas or
    spaces). `choices` are pairs of a value and its label. `least`, `most` and `whole` bound a
    number. `help` is a sentence, and `empty` says in the field what nothing there means. A field
    that is `fixed` is shown and cannot be changed.
    """

    id: str
    label: str
    kind: str = TEXT
    value: Value = ""
    help: str = ""
    empty: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    required: bool = False
    fixed: bool = False
    whole: bool = False
    least: float | None = None
    most: float | None = None


def first(fields: Sequence[Field]) -> dict[str, Value]:
    """The values that a form begins with."""
    return {one.id: _EMPTY.get(one.kind, "") if one.value == "" else one.value for one in fields}


def written(value: Value) -> str:
    """A value as it stands in a line of text."""
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, float):
        return f"{value:.12f}".rstrip("0").rstrip(".")
    return str(value)


def read(field: Field, text: str) -> Value:
    """The value of what is written. Raises Wrong."""
    text = text if field.kind == SECRET else text.strip()
    if field.required and not text:
        raise Wrong("is needed")
    if field.kind == LIST:
        if isinstance(field.value, tuple) and text == written(field.value):
            # Ids may hold commas and spaces: what nobody touched is as it was.
            return field.value
        return tuple(one for one in re.split(r"[,\s]+", text) if one)
    return _number(field, text) if field.kind == NUMBER else text


def _number(field: Field, text: str) -> float | None:
    if not text:
        return None
    try:
        value = int(text) if field.whole else float(text)
    except ValueError:
        raise Wrong("a whole number" if field.whole else "a number, such as 0.25") from None
    if isinstance(value, float) and not math.isfinite(value):
        raise Wrong("a number, such as 0.25")
    if field.least is not None and value < field.least:
        raise Wrong(f"not less than {field.least:g}")
    if field.most is not None and value > field.most:
        raise Wrong(f"not more than {field.most:g}")
    return value


def shown(field: Field, value: Value) -> str:
    """A value for eyes; a secret is never one of them."""
    if field.kind == SECRET:
        return "a new one" if value else "as it is"
    if isinstance(value, bool):
        return "on" if value else "off"
    if field.kind == CHOICE:
        return next((label for key, label in field.choices if key == value), str(value))
    return written(value) or field.empty or "nothing"


def changed(fields: Sequence[Field], before: Values, now: Values) -> dict[str, Value]:
    """What is another than before, by the ids of fields."""
    return {
        one.id: now[one.id] for one in fields if one.id in now and now[one.id] != before[one.id]
    }


def told(fields: Sequence[Field], before: Values, now: Values) -> str:
    """What is another, in a line: `weight 8 → 9 · enabled on → off`. Empty where nothing is."""
    new = changed(fields, before, now)
    return " · ".join(_step(one, before[one.id], new[one.id]) for one in fields if one.id in new)


def _step(field: Field, before: Value, now: Value) -> str:
    name = field.label[:1].lower() + field.label[1:]
    if field.kind == SECRET:
        return f"{name} new"
    return f"{name} {shown(field, before)} → {shown(field, now)}"


def faults(error: msgspec.ValidationError) -> list[tuple[str, str]]:
    """What msgspec found, as a JSON pointer and a message."""
    found = _AT.match(str(error))
    if found is None:
        return [("", str(error))]
    what = found["what"]
    return [("/" + re.sub(r"[.\[]", "/", found["path"]), _SAID.get(what, what))]


def placed(
    faults: Iterable[tuple[str, str]], fields: Sequence[Field]
) -> tuple[dict[str, str], list[str]]:
    """The faults by the ids of their fields, and those that are about none of them."""
    ids = {one.id for one in fields}
    under: dict[str, str] = {}
    others: list[str] = []
    for pointer, message in faults:
        name = pointer.lstrip("#/").partition("/")[0]
        if name in ids:
            under.setdefault(name, message)
        else:
            others.append(f"{name}: {message}" if name else message)
    return under, others


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """A form whose row was changed by somebody else meanwhile.

    `values` are what now stands in the fields: ours where we changed something, else theirs.
    `both` are the fields that both have changed, and differently.
    """

    values: dict[str, Value]
    both: tuple[str, ...]


def merged(fields: Sequence[Field], before: Values, ours: Values, theirs: Values) -> Merged:
    """Ours and theirs, both from the same beginning."""
    mine = changed(fields, before, ours)
    values = {one.id: mine.get(one.id, theirs.get(one.id, before[one.id])) for one in fields}
    both = [
        name
        for name, value in mine.items()
        if theirs.get(name, before[name]) not in (before[name], value)
    ]
    return Merged(values=values, both=tuple(both))
