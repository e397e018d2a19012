"""Names and ids as OpenAI takes them.

Its API is known to refuse a function's name that is longer than 64 characters or holds others than
`a-z`, `A-Z`, `0-9`, `_` and `-`, the id of a call that is longer than 40, and a user's name that is
longer than 64. Anthropic takes longer ones. All here is a pure function of the name, so that a
conversation is always told with the same ones, and a prompt's cache holds.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from msgspec.structs import replace

from tokenhub.core.talk import Call, CallBegan, Delta, Said, Tool

MAX_NAME = 64
MAX_ID = 40
MAX_USER = 64
_ODD = re.compile(r"[^a-zA-Z0-9_-]")
# Sixteen hex digits: of a thousand tools, two are alike once in 10^13.
_DIGITS = 16


def short_name(name: str) -> str:
    """The name as the vendor takes it; one that it takes already stays as it is."""
    if name and len(name) <= MAX_NAME and not _ODD.search(name):
        return name
    return _hashed(_ODD.sub("_", name), name, most=MAX_NAME)


def long_names(tools: Iterable[Tool]) -> dict[str, str]:
    """The tools' own names by their short ones, of those whose name had to be shortened."""
    names = {short_name(tool.name): tool.name for tool in tools}
    return {short: name for short, name in names.items() if short != name}


def with_long_names(said: Said, names: Mapping[str, str]) -> Said:
    """The answer with the tools' own names in its calls."""
    if not names:
        return said
    parts = [
        replace(part, name=names.get(part.name, part.name)) if isinstance(part, Call) else part
        for part in said.parts
    ]
    return replace(said, parts=tuple(parts))


def pieces_with_long_names(deltas: Sequence[Delta], names: Mapping[str, str]) -> list[Delta]:
    """The same for the pieces of a stream."""
    return [
        replace(delta, name=names[delta.name])
        if isinstance(delta, CallBegan) and delta.name in names
        else delta
        for delta in deltas
    ]


def short_id(id_: str) -> str:
    """The id of a call as the vendor takes it."""
    return id_ if len(id_) <= MAX_ID else _hashed("call", id_, most=MAX_ID)


def short_user(user: str) -> str:
    """The caller's name for its user; a longer one than the vendor takes as its hash."""
    return user if len(user) <= MAX_USER else sha256(user.encode()).hexdigest()[:MAX_USER]


def _hashed(beginning: str, whole: str, *, most: int) -> str:
    digits = sha256(whole.encode(errors="surrogatepass")).hexdigest()[:_DIGITS]
    return f"{beginning[: most - _DIGITS - 1]}_{digits}"
