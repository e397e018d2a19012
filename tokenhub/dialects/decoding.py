"""Decoding what a caller sent, with errors that name the field."""

import math
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from tokenhub.core.ask import MAX_TOKENS
from tokenhub.core.errors import BadRequest
from tokenhub.core.numbers import MOST_VAST, too_vast

T = TypeVar("T")

MAX_ANSWERS = 128
# Messages, and parts of messages; a smaller body than this cannot hold so many.
MAX_PIECES = 10_000
MAX_TOOLS = 2_048
LARGE_BYTES = 64 << 10
# Values in one body: each costs time that the decoder shares with nobody, about a microsecond. A
# prompt of a million tokens has some ten thousand.
MAX_VALUES = 200_000
# Commas in one body, those of its texts among them.
MAX_COMMAS = 500_000
# A caller's name for a model goes into the log, so that it is kept short.
MAX_MODEL_CHARS = 256

_LIST = msgspec.json.Decoder(list[msgspec.Raw])

# msgspec's words where an object lacks a field or has one too many, and ours.
_ABOUT_A_FIELD = {
    "Object missing required field `": "is required",
    "Object contains unknown field `": "is not known",
}


def decoded(decoder: msgspec.json.Decoder[T], body: bytes | msgspec.Raw) -> T:
    """The value. Raises BadRequest: bad UTF-8, bad JSON, nested too deep, or of a wrong type."""
    if isinstance(body, bytes):
        if len(body) > LARGE_BYTES:
            _check_values(body)
        if too_vast(body):
            raise BadRequest(
                f"the body holds too many numbers from 1e286 on; at most {MOST_VAST} may come",
                code="too_many_values",
            )
    try:
        # msgspec checks only the strings that it decodes; the others would travel on unseen.
        if isinstance(body, bytes) and not body.isascii():
            body.decode()
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        message, field = told(error)
        raise BadRequest(message, code="invalid_type", field=field) from error
    except msgspec.DecodeError as error:
        raise BadRequest(f"invalid JSON: {error}", code="invalid_json") from error
    except UnicodeDecodeError as error:
        raise BadRequest("the body is not valid UTF-8", code="invalid_utf8") from error
    except RecursionError as error:
        raise BadRequest("the JSON is nested too deep", code="json_too_deep") from error


def _check_values(body: bytes) -> None:
    """Raise BadRequest for a body of tiny values. A quotation mark in a text is escaped."""
    starts = sum(body.count(mark) for mark in (b"[", b"{", b',"', b', "', b",\n"))
    if starts > MAX_VALUES or body.count(b",") > MAX_COMMAS:
        raise BadRequest(
            f"the body holds too many values; at most {MAX_VALUES} may come",
            code="too_many_values",
        )


def told(error: msgspec.ValidationError) -> tuple[str, str | None]:
    """The message and the field of msgspec's `... - at `$.messages[0].role``."""
    # The last mark counts: before it, there may be a name that the caller made up.
    said, mark, place = str(error).rpartition(" - at `$")
    if not mark:
        said, place = place, ""
    field = place.removesuffix("`").lstrip(".") or None
    for beginning, told_as in _ABOUT_A_FIELD.items():
        if said.startswith(beginning):
            name = said[len(beginning) : -1]
            field = f"{field}.{name}" if field else name
            return f"{field} {told_as}", field
    return (f"{field}: {said}" if field else said), field


def checked_limit(limit: int | None, *, field: str = "max_tokens") -> int | None:
    """The number of tokens, if it can be one. Raises BadRequest."""
    if limit is not None and not 0 <= limit <= MAX_TOKENS:
        raise BadRequest(f"{field} must be between 0 and {MAX_TOKENS}", field=field)
    return limit


def checked_name(name: str, *, field: str) -> str:
    """A caller's name for a model, known or not, if it can be one. Raises BadRequest."""
    if len(name) > MAX_MODEL_CHARS or not name.isprintable():
        raise BadRequest(
            f"{field} must be printable and at most {MAX_MODEL_CHARS} characters", field=field
        )
    return name


def check_counts(contents: Sequence[object], tools: msgspec.Raw) -> None:
    """Raise BadRequest for a conversation of more pieces than any real one has.

    Each costs work at every stage, so that a body of nothing else would hold up a server.
    """
    check_count(len(contents), MAX_PIECES, field="messages")
    parts = sum([len(content) for content in contents if isinstance(content, list)])
    check_count(parts, MAX_PIECES, field="messages")
    if len(memoryview(tools)) > LARGE_BYTES:
        check_count(len(decoded(_LIST, tools)), MAX_TOOLS, field="tools")


def check_count(count: int, most: int, *, field: str) -> None:
    """Raise BadRequest where there are more than `most`."""
    if count > most:
        raise BadRequest(f"{field}: {count} are too many; at most {most} may come", field=field)


def answers(count: object) -> int:
    """How many answers to reckon with; what is no such number is the provider's to refuse.

    Many servers take 5.0 and "5" for 5, so that it is that for the money, too. Raises BadRequest
    for more than could be paid.
    """
    if isinstance(count, str | float):
        count = _lenient(count)
    if not isinstance(count, int):
        return 1
    check_count(count, MAX_ANSWERS, field="n")
    return max(count, 1)


def _lenient(count: str | float) -> int | None:
    try:
        return math.ceil(float(count))
    except (ValueError, OverflowError):
        return None
