"""The last minute to the last day, summed by who: what `stats` shows."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tokenhub.core import series
from tokenhub.core.levels import DAY_S, HOUR_S, MINUTE_S
from tokenhub.core.series import CUTS, ERROR_CLASS, KEY, MODE, MODEL, PROVIDER, Cell, Cells, Labels

# Each with the border that it begins at: it is as long as it says, and up to so much longer.
WINDOWS: Mapping[str, tuple[int, int]] = {
    "1m": (MINUTE_S, 10),
    "5m": (5 * MINUTE_S, 10),
    "1h": (HOUR_S, MINUTE_S),
    "24h": (DAY_S, 600),
}
GLOBAL = "global"
# What is told by which label, and of which cut.
GROUPS: Mapping[str, tuple[str, str]] = {
    MODEL: ("ends_of_routes", MODEL),
    PROVIDER: ("ends_of_routes", PROVIDER),
    KEY: ("ends_of_keys", KEY),
    MODE: ("ends_of_modes", MODE),
}
# As many rows of one window as somebody reads; the rest become one.
MOST_ROWS = 100


class Summary(msgspec.Struct, frozen=True):
    """A cell, and of its errors how many there were of each class."""

    cell: Cell
    classes: dict[str, int]


Window = dict[str, Summary]


def starts(now: float) -> dict[str, int]:
    """When each window begins, in Unix seconds; the longest first."""
    begun = {
        name: int(now - length) // border * border for name, (length, border) in WINDOWS.items()
    }
    return dict(sorted(begun.items(), key=lambda pair: pair[1]))


def summed(pieces: Sequence[Iterable[tuple[Labels, Cell]]]) -> list[Cells]:
    """The cells of each window, in their order.

    The pieces are what each window has before the next one begins: a window is its own and all
    after it.
    """
    whole: Cells = {}
    windows = []
    for piece in reversed(pieces):
        grown: Cells = {}
        for labels, cell in whole.items():
            series.put(grown, labels, cell)
        for labels, cell in piece:
            series.put(grown, labels, cell)
        whole = grown
        windows.append(whole)
    return windows[::-1]


def by_label(cut: str, label: str, cells: Cells) -> Window:
    """The cells summed by one label; by none, under GLOBAL. Those with most requests first."""
    known = CUTS[cut]
    place = None if label == GLOBAL else known.index(label)
    kind = known.index(ERROR_CLASS)
    groups: Cells = {}
    classes: dict[str, dict[str, int]] = {}
    for labels, cell in cells.items():
        name = GLOBAL if place is None else labels[place]
        series.put(groups, (name,), cell)
        if labels[kind]:
            of_it = classes.setdefault(name, {})
            of_it[labels[kind]] = of_it.get(labels[kind], 0) + cell.sums[series.ERRORS]
    kept = series.bounded(groups, MOST_ROWS)
    rest = series.OTHER
    told: dict[str, dict[str, int]] = {}
    for name, counts in classes.items():
        into = told.setdefault(name if (name,) in kept else rest, {})
        for one, count in counts.items():
            into[one] = into.get(one, 0) + count
    ranked = sorted(kept, key=lambda key: (-kept[key].sums[series.REQUESTS], key))
    return {key[0]: Summary(kept[key], told.get(key[0], {})) for key in ranked}
