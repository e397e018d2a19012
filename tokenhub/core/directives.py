"""`@@tokenhub` directives: what a text orders of the router, and the text without them.

    some text @@tokenhub mode=cheap budget=0.01      to the end of its line

    @@tokenhub                                       nothing after it on its line:
    mode=planning                                    one key=value a line,
    @@end                                            down to here

A marker stands alone: a blank, a line break or an end of the text on either side. `x@@tokenhub`,
`@@tokenhubby` and a marker in quotes are plain text. A cut goes from behind a blank to behind a
line break or to the end, so that its two sides can never join into a marker.

Cutting and reading are two things: every directive is cut, well-formed or not, and only the first
of a request is read. Both take time linear in the text, and little of it: a text may hold so many
directives and no more, and a block so many lines.
"""

import re
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from tokenhub.core.ask import Ask, Wish
from tokenhub.core.catalog import MAX_BUDGET_NUSD, MAX_LATENCY_S, MAX_WEIGHT, MODES
from tokenhub.core.errors import BadRequest
from tokenhub.core.money import NANO, nusd
from tokenhub.core.plans.steps import COMPOSED
from tokenhub.core.schema import MAX_SCHEMA_BYTES, checked

MARKER = "@@tokenhub"
END = "@@end"
# The original's range (original-behaviour 2.11). No model weighs more than MAX_WEIGHT.
MAX_ASKED_WEIGHT = 1000
# Each is far more than anybody writes; together they bound what a request costs to read. A block
# has one long line at most: a schema.
MAX_DIRECTIVES = 1000
MAX_BLOCK_LINES = 64
MAX_BLOCK_CHARS = MAX_SCHEMA_BYTES + (8 << 10)

_MAX_BUDGET_USD = MAX_BUDGET_NUSD // NANO
_MAX_LATENCY_MS = int(MAX_LATENCY_S * 1000)
# The letters come first, since that is what the pattern's search is quick to find.
_ALONE = re.compile(rf"{MARKER}(?<!\S{MARKER})(?!\S)")
_AMOUNT = re.compile(r"(?:[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})(?:[eE][+-]?[0-9]{1,3})?")
_WHOLE = re.compile(r"[0-9]{1,9}")
# What can be meant for a key. Anything else may be a piece of the prompt, and is not repeated.
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,32}")
_SCHEMA = msgspec.json.Decoder(dict[str, Raw] | bool)


class Directive(msgspec.Struct, frozen=True, kw_only=True):
    """A directive as it was written: the rest of its line, or the lines of a block.

    `ended` is false for a block without `@@end`; `lines` are then those that could belong to it.
    """

    lines: tuple[str, ...]
    block: bool
    ended: bool = True


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """A text without its directives, how many there were, and the first of them."""

    text: str
    count: int = 0
    first: Directive | None = None


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """What a directive asks for. `schema` is JSON text of an object or a boolean, no more checked.

    `notes` tell of what was clamped.
    """

    wish: Wish = Wish()
    schema: str = ""
    notes: tuple[str, ...] = ()


def cut(text: str) -> Cut:
    """Take every directive out of a text.

    What stood before a marker joins what follows its line, or its `@@end`; where the directive is
    the last of the text, without a line break, the blanks before it go too. Of a block without
    `@@end` only the marker's line goes. Raises BadRequest for more than MAX_DIRECTIVES.
    """
    start = _marker(text, 0)
    if start < 0:
        return Cut(text=text)
    first: Directive | None = None
    kept: list[str] = []
    after = count = 0
    while start >= 0:
        count += 1
        few_enough(count)
        kept.append(text[after:start])
        directive, after = _taken(text, start)
        first = first or directive
        start = _marker(text, after)
    kept.append(text[after:])
    left = "".join(kept)
    if after == len(text) and not text.endswith("\n"):
        left = left.rstrip()
    return Cut(text=left, count=count, first=first)


def few_enough(count: int) -> None:
    """Raises BadRequest for more directives than MAX_DIRECTIVES."""
    if count > MAX_DIRECTIVES:
        raise _refused(f"there are more than {MAX_DIRECTIVES} of {MARKER}; one is read")


def orders(directive: Directive) -> Orders:
    """What a directive asks for. Raises BadRequest naming the key and what is allowed."""
    pairs: dict[str, str] = {}
    for token in directive.lines if directive.block else _tokens(directive.lines[0]):
        _add(pairs, token)
    if not directive.ended:
        raise _refused(
            f"the block of {MARKER} has no end; close it with a line {END}, at most "
            f"{MAX_BLOCK_LINES} lines and {MAX_BLOCK_CHARS} characters below"
        )
    if not pairs:
        raise _refused(f"{MARKER} is empty; write one of {_KEYS} after it")
    return _read(pairs)


def obeyed(ask: Ask) -> Ask:
    """The ask as its directives change it; for a key that allows them.

    Raises the BadRequest of a directive that is wrong. A schema that it orders takes the place
    of the request's own.
    """
    directed = ask.directed
    if directed is None:
        return ask
    if directed.error is not None:
        raise directed.error
    return replace(
        ask,
        payload=directed.payload,
        input_tokens=directed.input_tokens,
        schema=_checked(directed.schema) or ask.schema,
        directed=None,
        orders=directed,
    )


def _checked(schema: str) -> str:
    if not schema:
        return ""
    try:
        return checked(schema)
    except BadRequest as error:
        field = "directive.output_schema"
        raise BadRequest(f"{field}: {error}", code="invalid_directive", field=field) from error


# --- Where a directive begins and ends


def _marker(text: str, start: int) -> int:
    """Where the next marker stands, or -1."""
    found = _ALONE.search(text, start)
    return found.start() if found else -1


def _taken(text: str, start: int) -> tuple[Directive, int]:
    """The directive whose marker is at `start`, and where the text goes on behind it."""
    stop = text.find("\n", start)
    rest = text[start + len(MARKER) : stop if stop >= 0 else len(text)].strip()
    if rest or stop < 0:
        return Directive(lines=(rest,), block=False), stop + 1 or len(text)
    return _block(text, stop + 1)


def _block(text: str, start: int) -> tuple[Directive, int]:
    """The block whose first line is at `start`, and where the text goes on behind it.

    It ends, open, at what cannot be a line of it: prose, or another marker. So an open block in
    an old answer costs that answer one line; and many of them cost linear time, not its square.
    """
    limit = min(len(text), start + MAX_BLOCK_CHARS)
    if found := _ALONE.search(text, start, limit):
        limit = found.start()
    lines: list[str] = []
    at = start
    for _ in range(MAX_BLOCK_LINES + 1):  # and the line that ends it
        if at >= limit:
            break
        stop = text.find("\n", at) + 1 or len(text)
        line = text[at:stop].strip()
        if line == END:
            return Directive(lines=tuple(lines), block=True), stop
        if line:
            lines.append(line)
        if line and "=" not in line:
            break
        at = stop
    return Directive(lines=tuple(lines), block=True, ended=False), start


# --- What it says


def _tokens(line: str) -> list[str]:
    """The tokens of a line. `output_schema` takes the rest of it: JSON may hold blanks."""
    before, found, schema = line.partition("output_schema=")
    if found and (not before or before[-1].isspace()):
        return [*before.split(maxsplit=len(_READERS)), found + schema]
    # One more than there are keys: it is unknown, or there twice, whatever follows it.
    return line.split(maxsplit=len(_READERS) + 1)


def _add(pairs: dict[str, str], token: str) -> None:
    name, _, value = token.partition("=")
    key, value = name.rstrip(), value.lstrip()
    if not _NAME.fullmatch(key):
        raise _refused(
            f"a directive is made of key=value, and a block of them ends with a line {END}; the "
            f"keys are {_KEYS}"
        )
    if key not in _READERS:
        raise _refused(f"is not known; the keys are {_KEYS}", key)
    if key in pairs:
        raise _refused("is there twice; give it once", key)
    if not value:
        raise _refused(f"has no value; write {key}=value", key)
    pairs[key] = value


def _read(pairs: dict[str, str]) -> Orders:
    values = {key: _READERS[key](value) for key, value in pairs.items()}
    weight = values.get("min_weight")
    notes: tuple[str, ...] = ()
    if weight is not None and weight > MAX_WEIGHT:
        notes = (f"min_weight: the directive asked for {weight}, and {MAX_WEIGHT} is the highest",)
        weight = MAX_WEIGHT
    wish = Wish(
        mode=values.get("mode"),
        max_budget_nusd=values.get("budget"),
        max_latency_s=values.get("latency"),
        min_weight=weight,
    )
    return Orders(wish=wish, schema=values.get("output_schema", ""), notes=notes)


def _mode(value: str) -> str:
    if value not in MODES and value not in COMPOSED:
        raise _refused(f"must be one of {', '.join((*MODES, *COMPOSED))}", "mode")
    return value


def _budget(value: str) -> int:
    budget = float(value) if _AMOUNT.fullmatch(value) else 0.0
    if not 0 < budget <= _MAX_BUDGET_USD:
        raise _refused(f"must be USD above 0 and at most {_MAX_BUDGET_USD}", "budget")
    # A budget below what we can count is a budget all the same.
    return max(1, nusd(budget))


def _latency(value: str) -> float:
    latency_ms = int(value) if _WHOLE.fullmatch(value) else 0
    if not 0 < latency_ms <= _MAX_LATENCY_MS:
        raise _refused(f"must be whole milliseconds from 1 to {_MAX_LATENCY_MS}", "latency")
    return latency_ms / 1000


def _min_weight(value: str) -> int:
    weight = int(value) if _WHOLE.fullmatch(value) else -1
    if not 0 <= weight <= MAX_ASKED_WEIGHT:
        raise _refused(f"must be a whole number from 0 to {MAX_ASKED_WEIGHT}", "min_weight")
    return weight


def _output_schema(value: str) -> str:
    try:
        _SCHEMA.decode(value)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as error:
        raise _refused(
            "must be a JSON object, true or false; on the marker's line it is the last key, in a "
            "block it has one line",
            "output_schema",
        ) from error
    return value


def _refused(said: str, key: str = "") -> BadRequest:
    field = f"directive.{key}" if key else "directive"
    return BadRequest(f"{field} {said}" if key else said, code="invalid_directive", field=field)


_READERS: dict[str, Callable[[str], Any]] = {
    "mode": _mode,
    "budget": _budget,
    "latency": _latency,
    "min_weight": _min_weight,
    "output_schema": _output_schema,
}
_KEYS = ", ".join(_READERS)
