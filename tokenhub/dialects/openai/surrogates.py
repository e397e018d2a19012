"""Halves of a character, as servers send them that cut a text between two UTF-16 units.

JSON may hold such an escape (RFC 8259, 8.2), and no text may: a decoder refuses all of it. An
answer is worth more than half an emoji, which becomes the sign for what cannot be read.
"""

import re
from typing import TypeVar

import msgspec

T = TypeVar("T")

# Every escape, so that `\\ud83d`, a backslash and letters, is not taken for one; pairs as one.
_ESCAPES = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def decoded(decoder: msgspec.json.Decoder[T], data: bytes) -> T:
    """The value, halves of characters replaced. Raises as the decoder does."""
    try:
        return decoder.decode(data)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        mended = _ESCAPES.sub(_whole, data)
        if mended == data:
            raise
        return decoder.decode(mended)


def _whole(escape: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if escape["half"] else escape[0]
