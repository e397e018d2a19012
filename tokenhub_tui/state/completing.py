"""How the end of a filter that is being written may go on: names of fields, and their values."""

import re
from collections.abc import Iterator, Mapping, Sequence

from tokenhub.filters import Fields

# More are no help.
MOST = 8
# What every server knows, for fields whose values nobody needs to ask for.
_USUAL: Mapping[str, Sequence[str]] = {
    "status": ("error", "ok", "4xx", "5xx", "429"),
    "flag": ("yes", "no"),
    "time": ("15m", "1h", "24h", "7d"),
    "outcome": ("ok", "refused"),
}
_SIGNS = {"duration": ">", "money": ">", "number": ">"}
_WORD = re.compile(
    r"(?P<head>!?(?P<field>[A-Za-z_]+)(?:!=|[:=]))(?P<done>(?:[^\s,]*,)*)(?P<begun>[^\s,]*)$"
)
_NAME = re.compile(r"(?:^|\s)(?P<head>!?)(?P<begun>[A-Za-z_]+)$")


def completions(text: str, fields: Fields, values: Mapping[str, Sequence[str]]) -> list[str]:
    """What may follow the text, the most likely first: each is what it would be then, as a whole.

    `values` are those that were seen, by the names of fields. What is complete has none.
    """
    found = _WORD.search(text)
    if found and found["field"].lower() in fields:
        name = found["field"].lower()
        known = values.get(name) or _USUAL.get(name) or _USUAL.get(fields[name].kind, ())
        ends = _ends(found["begun"], [quoted(one) for one in known if one])
    else:
        found = _NAME.search(text)
        if found is None:
            return []
        heads = [f"{name}{_SIGNS.get(field.kind, ':')}" for name, field in fields.items()]
        ends = _ends(found["begun"], heads)
    stem = text[: found.start("begun")]
    return [stem + end for end in list(ends)[:MOST]]


def quoted(value: str) -> str:
    """The value as it must be written in a filter."""
    if re.fullmatch(r'[^\s,"]+', value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def tail(text: str, completion: str) -> str:
    """The part of a completion that is chosen: the word that it ends with."""
    begun = max(text.rfind(" "), text.rfind(","), text.rfind(":"), text.rfind("=")) + 1
    return completion[begun:]


def _ends(begun: str, known: Sequence[str]) -> Iterator[str]:
    """Those that begin so, whatever their case, and are not there already."""
    lower = begun.lower()
    for one in known:
        if one.lower().startswith(lower) and one != begun:
            yield one
