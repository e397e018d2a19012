"""The keys that work here, as lines: for the panel of `?`, and for the help of a screen."""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from tokenhub_tui.actions import Action

Off = Callable[[Action], str]
Keys = Callable[[Action], str]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """`keys` and what they do; `off` says why not now. Without keys it is a heading."""

    text: str
    keys: str = ""
    off: str = ""


def lines(here: Sequence[Action], everywhere: Sequence[Action], keys: Keys, off: Off) -> list[Line]:
    """Those of the screen, then those of everywhere; the digits of the screens are one line."""
    found = [Line(text="Here"), *_each(here, keys, off)] if here else []
    places = [one for one in everywhere if one.does.startswith("go(")]
    found.append(Line(text="Everywhere"))
    if places:
        digits = [keys(one) for one in places]
        found.append(Line(keys=f"{digits[0]}…{digits[-2]} {digits[-1]}", text="Go to a screen"))
    found += _each([one for one in everywhere if one not in places], keys, off)
    found.append(Line(text="In lists"))
    found.append(Line(keys="↑ ↓ j k", text="Up and down"))
    found.append(Line(keys="g G pgup pgdn", text="First, last, pages"))
    return found


def _each(actions: Sequence[Action], keys: Keys, off: Off) -> Iterator[Line]:
    for one in actions:
        yield Line(keys=keys(one), text=one.title, off=off(one))
