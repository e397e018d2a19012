"""How wide each column is: by what is in it and what room there is. Widths are in cells."""

from collections.abc import Sequence

from tokenhub.client.text import cells
from tokenhub_tui.state.cells import Column, Row, natural

GAP = 1
# Only so many rows are measured: more would cost more than a better guess is worth.
MEASURED = 100


def widths(columns: Sequence[Column], rows: Sequence[Row], room: int) -> list[int]:
    """The width of each column, 0 for one that is left out.

    Columns get what their rows need, up to `most`; where that is too much, the widest give first,
    then those of the highest rank go.
    """
    wanted = [_wanted(column, place, rows) for place, column in enumerate(columns)]
    kept = list(range(len(columns)))
    while len(kept) > 1 and _least(columns, kept) > room:
        gone = max(kept, key=lambda place: (columns[place].rank, place))
        if columns[gone].rank == 0:
            break
        kept.remove(gone)
    result = [0] * len(columns)
    for place in kept:
        result[place] = wanted[place]
    kept = [place for place in kept if result[place]]
    over = sum(result) + GAP * (len(kept) - 1) - room
    while over > 0:
        slack = [place for place in kept if result[place] > columns[place].width]
        if not slack:
            break
        widest = max(slack, key=lambda place: result[place] - columns[place].width)
        result[widest] -= 1
        over -= 1
    if over > 0 and kept:
        last = max(kept, key=lambda place: result[place])
        result[last] = max(1, result[last] - over)
    return result


def _least(columns: Sequence[Column], kept: Sequence[int]) -> int:
    # A column of width 0 is there only for rows that have something in it.
    widths = [columns[place].width for place in kept]
    return sum(widths) + GAP * (sum(map(bool, widths)) - 1)


def _wanted(column: Column, place: int, rows: Sequence[Row]) -> int:
    if not column.most:
        return column.width
    texts = (natural(row.cells[place]) for row in rows[-MEASURED:] if place < len(row.cells))
    need = max((cells(text) for text in texts), default=0)
    return min(column.most, max(column.width, need))
