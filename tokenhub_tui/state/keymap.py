"""Keys of a user's own: which are taken, and what is wrong with the others."""

import unicodedata
from collections.abc import Mapping, Sequence

from tokenhub_tui.actions.base import APP, Action

# What Textual calls characters whose names in Unicode nobody would write.
_SHORT = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}

# Whatever list has the focus hears these first. The vault's dialogs have none of ours.
OF_LISTS = frozenset(
    ("j", "k", "g", "G", "enter", "up", "down", "pageup", "pagedown", "home", "end")
)


def taken(actions: Sequence[Action], wanted: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The keys to go by, by the names of actions, and what is to be said of the others.

    A key that two actions would have at once is told with both, and neither gets it anew; nor does
    any get one by which lists are gone through.
    """
    known = {one.id: one for one in actions}
    wrong = [f"[keys] names no action: {name}" for name in wanted if name not in known]
    found = {name: keys for name, keys in wanted.items() if name in known}
    # One that keeps its own key may have it back from another.
    while clash := _first_clash(known, found):
        name, other, key = clash
        wrong.append(f"[keys] {key} would be both {name} and {other}: {name} keeps its own")
        del found[name]
    return found, wrong


def _first_clash(
    known: Mapping[str, Action], found: Mapping[str, str]
) -> tuple[str, str, str] | None:
    """An action that cannot have its new keys, with which other, and by which key."""
    for name in found:
        of_lists = (_keys(known[name], found) - _keys(known[name], {})) & OF_LISTS
        if of_lists and not name.startswith("vault."):
            return name, "the way through lists", min(of_lists)
        clash = _clash(known[name], list(known.values()), found)
        if clash is not None:
            return name, *clash
    return None


def _clash(
    one: Action, actions: Sequence[Action], found: Mapping[str, str]
) -> tuple[str, str] | None:
    """Which other action would have a key of this one, and the key."""
    keys = _keys(one, found)
    for other in actions:
        together = APP in {one.screen, other.screen} or one.screen == other.screen
        if other.id != one.id and together:
            for key in keys & _keys(other, found):
                return other.id, key
    return None


def _keys(one: Action, found: Mapping[str, str]) -> set[str]:
    return {named(key) for key in found.get(one.id, one.keys).split(",")}


def named(key: str) -> str:
    """A key by Textual's name: `ctrl+?` is `ctrl+question_mark`."""
    *with_, last = key.strip().split("+")
    if len(last) == 1 and not last.isalnum():
        last = unicodedata.name(last, last).lower().replace("-", "_").replace(" ", "_")
        last = _SHORT.get(last, last)
    return "+".join((*with_, last))
