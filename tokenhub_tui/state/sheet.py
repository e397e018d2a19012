"""Columns side by side, each cell of which is made of pieces: what a comparison is drawn from."""

from collections.abc import Sequence

import msgspec

from tokenhub.client.text import cells, clean
from tokenhub_tui.state.cells import Cell

LABEL = 11
# A column of less cannot hold the name of a route.
LEAST = 34


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line. `field` is what can be changed in it; one that flows has cells of their own widths.

    A line with neither cells nor a label is a rule.
    """

    label: str = ""
    cells: tuple[tuple[Cell, ...], ...] = ()
    field: str = ""
    flows: bool = False


def visible(count: int, at: int, room: int) -> list[int]:
    """Which of so many columns fit: the first, which all are held against, and `at`."""
    most = max(1, (room - LABEL) // LEAST)
    if count <= most:
        return list(range(count))
    if most == 1:
        return [at]
    first = max(1, min(at, count - most + 1))
    return [0, *range(first, first + most - 1)]


def width(shown: int, room: int) -> int:
    """How wide each of so many columns is; a cell between them is taken off."""
    return max(1, (room - LABEL) // max(1, shown) - 1)


def cut(text: str, most: int) -> str:
    """The text in at most so many cells; what is cut ends with an ellipsis."""
    text = clean(text)
    if cells(text) <= most:
        return text
    while text and cells(text) > most - 1:
        text = text[:-1]
    return f"{text}…" if most > 0 else ""


def middle(text: str, most: int) -> str:
    """The same, but what is cut is in the middle: names of models differ at their ends."""
    text = clean(text)
    if cells(text) <= most:
        return text
    begin = cut(text, max(1, most - most // 2))
    end = text
    while end and cells(begin) + cells(end) > most:
        end = end[1:]
    return begin + end


def spread(left: str, right: str, most: int) -> str:
    """Two texts at both ends of so many cells; of the left one as much as there is room for."""
    left = middle(left, max(1, most - cells(right) - 1))
    return left + " " * max(1, most - cells(left) - cells(right)) + right


def pieces(*given: Cell | str) -> tuple[Cell, ...]:
    """A cell's pieces; those without a text are left out."""
    made = (one if isinstance(one, Cell) else Cell(one) for one in given)
    return tuple(one for one in made if one.text)


def even(columns: Sequence[Sequence[tuple[Cell, ...]]]) -> list[tuple[tuple[Cell, ...], ...]]:
    """Columns of cells as lines; where a column has fewer, it ends with empty ones."""
    height = max((len(one) for one in columns), default=0)
    return [
        tuple(one[place] if place < len(one) else () for one in columns) for place in range(height)
    ]
