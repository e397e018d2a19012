"""What an answer is edited into, and the JSON of it: fields that are not looked into keep bytes."""

from typing import Protocol

import msgspec
from msgspec import Raw

from tokenhub.dialects.openai.surrogates import decoded

FIELDS = msgspec.json.Decoder(dict[str, Raw])
LIST = msgspec.json.Decoder(list[Raw])
ENCODE = msgspec.json.Encoder().encode
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
NULL = Raw(b"null")

_TEXT = msgspec.json.Decoder(str)

Fields = dict[str, Raw]


class Edited(msgspec.Struct, frozen=True):
    """A whole answer, and the text that was said in it (in the first of several)."""

    body: bytes
    text: str


class Editor(Protocol):
    """Edits a stream: sans-IO, one for each. Raises ValueError for what cannot be read."""

    def event(self, event: bytes) -> bytes:
        """The event as the caller is to have it; nothing where all of it is held back."""
        ...

    def end(self) -> bytes:
        """What was held back and not said before the stream's end."""
        ...


def fields(raw: Raw | None) -> Fields:
    """The fields of an object; none of what is no object."""
    return FIELDS.decode(raw) if raw is not None and bytes(raw)[:1] == b"{" else {}


def items(raw: Raw | None) -> list[Raw]:
    return LIST.decode(raw) if raw is not None and bytes(raw)[:1] == b"[" else []


def text(raw: Raw | None) -> str:
    return decoded(_TEXT, bytes(raw)) if raw is not None and bytes(raw)[:1] == b'"' else ""


def holds(raw: Raw | None) -> bool:
    """Whether there is anything: neither null nor empty."""
    return raw is not None and bytes(raw) not in {b"", b"null", b'""', b"[]", b"{}"}


def encoded(value: object) -> Raw:
    return Raw(ENCODE(value))
