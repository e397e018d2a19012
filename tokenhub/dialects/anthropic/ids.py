"""Ids and names of calls in the letters that Anthropic takes; OpenAI takes them too."""

import re

_ODD = re.compile(r"[^a-zA-Z0-9_-]")
# The vendor's pattern for the names of tools, as its refusals quote it.
MAX_NAME_CHARS = 128
_NAME = re.compile(rf"[a-zA-Z0-9_-]{{1,{MAX_NAME_CHARS}}}")


def valid_id(id_: str, used: dict[str, int]) -> str:
    """The id of a call in valid letters, and not used before; it is used now.

    `used` has the number that the next call of an id begins to look at, so that a thousand calls
    of one id cost a thousand looks, and no more.
    """
    wanted = _ODD.sub("_", id_) or "call"
    free, number = wanted, used.get(wanted, 1)
    while free in used:
        number += 1
        free = f"{wanted}_{number}"
    used[wanted] = number
    used.setdefault(free, 1)
    return free


def is_valid_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def valid_name(name: str) -> str:
    """The name of a tool that was called, in valid letters: models call what was never offered."""
    return name if is_valid_name(name) else _ODD.sub("_", name)[:MAX_NAME_CHARS] or "tool"
