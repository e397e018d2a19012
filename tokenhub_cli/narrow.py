"""What becomes of columns and texts where a terminal has no room for them as they are."""

from collections.abc import Callable, Sequence

from tokenhub.client.text import cells, clean

_MARK = "…"
# Cells that a text keeps while others can give way, that the name of a row keeps, by which it is
# told from others, and that a text keeps at least.
_ENOUGH, _LEAST_OF_NAME, _LEAST = 12, 16, 8


def shortened(text: str, room: int) -> str:
    """The text in so many cells: one word loses its middle, a sentence its end."""
    if cells(text) <= room:
        return text
    tail = 0 if " " in text else (room - 1) // 2
    head = room - 1 - tail
    begin = max(at for at in range(len(text)) if cells(text[:at]) <= head)
    end = min(at for at in range(1, len(text) + 1) if cells(text[at:]) <= tail)
    return text[:begin] + _MARK + text[end:]


def fitted(
    widths: Sequence[int], room: int, *, texts: Sequence[int], names: Sequence[int]
) -> list[int] | None:
    """Widths that have room together, None where there are none. The widest of `texts` gives way.

    `names` are columns that do so only where that is not enough. The others stay as they are.
    """
    found = list(widths)
    for cut, least in ((texts, _ENOUGH), (names, _LEAST_OF_NAME), (texts, _LEAST)):
        while sum(found) > room and (widest := _widest(found, cut, least)) is not None:
            found[widest] -= 1
    return found if sum(found) <= room else None


def _widest(widths: Sequence[int], of: Sequence[int], least: int) -> int | None:
    wide = [at for at in of if widths[at] > least]
    return max(wide, key=widths.__getitem__, default=None)


def shortening(show: Callable[..., str], room: int) -> Callable[..., str]:
    """What shows a value in at most so many cells."""
    return lambda value: shortened(clean(show(value)), room)
