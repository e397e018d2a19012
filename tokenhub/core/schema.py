"""JSON Schema for answers: whether a schema may be used, and whether a text fits it.

Both the schema and the text are a stranger's, and the validator cannot be stopped once it runs.
So everything is bounded beforehand: sizes, references (within the schema only; nothing is ever
fetched), regular expressions (linear time, no look-around or back-references), and the work that
a value makes (`Subschemas.cost`). What is beyond the bounds does not fit.
"""

from collections import OrderedDict

import jsonschema_rs
import msgspec

from tokenhub.core.errors import BadRequest
from tokenhub.core.numbers import MOST_VAST, too_vast
from tokenhub.core.subschemas import MAX_DEPTH, Profile, Subschemas, profile

MAX_SCHEMA_BYTES = 64 * 1024
MAX_TEXT_BYTES = 1024 * 1024
MAX_TEXT_DEPTH = 64
MAX_COMPLAINT_CHARS = 500
MAX_COMPLAINTS = 4

# Measured on a 2-core machine: 10 to 60 ns a unit where the text fits, 20 us for each error told.
MAX_COST = 2_000_000
MAX_COST_OF_ERRORS = 8_000
# What one plain value may take; an ordinary schema takes less than a hundred.
MAX_COST_OF_NOTHING = 50_000

# A subschema is at most two levels of JSON (`properties`, then the name) below the one above it.
_MAX_SCHEMA_JSON_DEPTH = 2 * MAX_DEPTH + 2
_MAX_KEPT = 64

_FENCE = "```"


def checked(schema: str) -> str:
    """The schema as compact JSON, its members in their order.

    Raises BadRequest for `output_schema`, code `invalid_schema`: no JSON, no JSON Schema of its
    draft (2020-12 unless it names another), or beyond the bounds.
    """
    try:
        if len(schema.encode(errors="surrogatepass")) > MAX_SCHEMA_BYTES:
            raise _invalid(f"it is larger than {MAX_SCHEMA_BYTES} bytes")
        _Compiled(value := _value(schema))
    except BadRequest as error:
        raise BadRequest(str(error), code="invalid_schema", field="output_schema") from error
    return msgspec.json.encode(value).decode()


def candidate(text: str) -> str:
    """The JSON that a text is meant to be: without blanks and a fence around it."""
    text = text.strip()
    if not text.startswith(_FENCE):
        return text
    return text[len(_FENCE) :].removeprefix("json").removesuffix(_FENCE).strip()


class Schemas:
    """Checks texts. Keeps the last schemas compiled: whoever uses it makes one and keeps it."""

    def __init__(self, kept: int = _MAX_KEPT) -> None:
        self._kept = kept
        self._compiled: OrderedDict[str, _Compiled] = OrderedDict()

    def complaint(self, schema: str, text: str) -> str | None:
        """What is wrong with a text, fit for the model and the caller; None where it fits.

        At most 500 characters: places as JSON pointers and rules, no words of the text but the
        names of its members. `schema` must have been checked; raises BadRequest otherwise. May be
        called in several threads at once.
        """
        compiled = self._compiled.pop(schema, None) or _Compiled(_value(schema))
        self._compiled[schema] = compiled
        while len(self._compiled) > self._kept:
            self._compiled.popitem(last=False)
        found = compiled.complaint(text)
        return None if found is None else _short(found, MAX_COMPLAINT_CHARS)


class _Compiled:
    def __init__(self, schema: dict[str, object] | bool) -> None:  # noqa: FBT001 - `true` is a schema
        self._subschemas = Subschemas(schema)
        if self._subschemas.cost(Profile((1,), (0,)), MAX_COST_OF_NOTHING) > MAX_COST_OF_NOTHING:
            raise _invalid("its references multiply too much")
        try:
            self._validator = jsonschema_rs.validator_for(
                _nameless(schema),
                # Formats are notes to the model: checking them would run what is not bounded here.
                validate_formats=False,
                pattern_options=jsonschema_rs.RegexOptions(
                    size_limit=128 * 1024, dfa_size_limit=1024 * 1024
                ),
                # Errors must not carry the text into logs.
                mask="value",
                offline=True,
            )
        except (jsonschema_rs.ReferencingError, ValueError) as error:
            place = _pointer(getattr(error, "instance_path", []))
            why = getattr(error, "message", str(error))
            raise _invalid(f"at {place}: {why}" if place else why) from error

    def complaint(self, text: str) -> str | None:
        inner = candidate(text)
        encoded = inner.encode()
        if len(encoded) > MAX_TEXT_BYTES:
            return f"the answer is larger than {MAX_TEXT_BYTES} bytes"
        if too_vast(encoded):
            return f"the answer holds more than {MOST_VAST} numbers from 1e286 on"
        try:
            value = msgspec.json.decode(inner)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return f"the answer is not JSON: {error}" if inner else "the answer is empty"
        except RecursionError:
            return _TOO_DEEP
        found = profile(value, max_depth=MAX_TEXT_DEPTH)
        if found is None:
            return _TOO_DEEP
        return self._misfit(value, found)

    def _misfit(self, value: object, found: Profile) -> str | None:
        if found.huge and self._subschemas.unique:
            # Compared by pairs: 4,000 of them took 5 s.
            return "integers beyond 64 bits cannot be checked for uniqueness"
        cost = self._subschemas.cost(found, MAX_COST)
        if cost > MAX_COST:
            return "the answer is too large, or too deep, to be checked against this schema"
        if self._validator.is_valid(value):
            return None
        if cost <= MAX_COST_OF_ERRORS:
            errors = list(self._validator.iter_errors(value))
            told = "; ".join([_worded(error) for error in errors[:MAX_COMPLAINTS]])
            return f"{told}; and more" if len(errors) > MAX_COMPLAINTS else told
        return _UNTOLD if self._subschemas.branches else _first(self._validator, value)


_UNTOLD = "the answer does not fit the schema"
_TOO_DEEP = f"the answer is nested more than {MAX_TEXT_DEPTH} deep"


def _nameless(
    schema: dict[str, object] | bool,  # noqa: FBT001 - `true` is a schema
) -> dict[str, object] | bool:
    """Without the name of the whole, which may be that of a schema the validator brings itself.

    References within need none: they all begin with `#`.
    """
    if isinstance(schema, bool):
        return schema
    return {keyword: value for keyword, value in schema.items() if keyword not in {"$id", "id"}}


def _first(validator: jsonschema_rs.Validator, value: object) -> str:
    """The first error alone: it costs no more than to find that there is one."""
    told = _UNTOLD
    try:
        validator.validate(value)
    except jsonschema_rs.ValidationError as error:
        told = _worded(error)
    return told


def _value(schema: str) -> dict[str, object] | bool:
    try:
        value: object = msgspec.json.decode(schema)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise _invalid(f"it is not JSON: {error}") from error
    except RecursionError as error:
        raise _invalid(f"it is nested more than {MAX_DEPTH} deep") from error
    if not isinstance(value, dict | bool):
        raise _invalid("it must be an object, or true or false")
    found = profile(value, max_depth=_MAX_SCHEMA_JSON_DEPTH)
    if found is None:
        raise _invalid(f"it is nested more than {MAX_DEPTH} deep")
    if found.huge:
        # The drafts want some lists to hold nothing twice: compared by pairs, they took seconds.
        raise _invalid("it holds an integer beyond 64 bits")
    return value


def _worded(error: jsonschema_rs.ValidationError) -> str:
    place, why = _short(_pointer(error.instance_path), 120), _short(error.message, 160)
    return f"at {place}: {why}" if place else why


def _pointer(path: list[str | int]) -> str:
    """RFC 6901."""
    return "".join([f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path])


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def _invalid(why: str) -> BadRequest:
    return BadRequest(f"the schema cannot be used: {_short(why, 300)}", code="invalid_schema")
