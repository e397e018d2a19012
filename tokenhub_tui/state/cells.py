"""What a table shows, without a terminal: columns, rows, and cells with a tone."""

import msgspec

TONES = ("", "good", "warn", "bad", "dim", "head", "key")


class Cell(msgspec.Struct, frozen=True):
    """Text with what it means: a tone of TONES, which a theme gives a colour."""

    text: str
    tone: str = ""


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column of `width` cells at least, and of `most` where there is room and need.

    `most` 0 is `width`. Where there is no room, those with the highest `rank` go first; rank 0
    never goes. `right` aligns at the right.
    """

    id: str
    title: str
    width: int
    most: int = 0
    rank: int = 0
    right: bool = False


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row by its id; a cell for each column, in their order. `tone` is that of plain cells.

    With a `tail` there are cells for the first columns alone, and it has the rest of the line.
    """

    id: str
    cells: tuple[str | Cell, ...]
    tone: str = ""
    tail: Cell | None = None


def natural(value: str | Cell) -> str:
    """The text of a cell."""
    return value.text if isinstance(value, Cell) else value
