"""The last minute, five minutes, hour and day: of all, and by model, provider, key and mode."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import msgspec

from tokenhub.core.charts import Dated
from tokenhub.core.keys import KeyTable
from tokenhub.core.series import SLOT_S
from tokenhub.core.windows import GLOBAL, GROUPS, Window, by_label, starts, summed
from tokenhub.ports.clock import Clock
from tokenhub.ports.series import Reading, SeriesStore
from tokenhub.ports.snapshot import Snapshot

_CUTS = tuple(dict.fromkeys(cut for cut, _ in GROUPS.values()))


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """By group (`GLOBAL`, or a label) and window; windows without a request are not there.

    `names` are those of the keys, by their ids; `seconds` how long each window was.
    """

    groups: Mapping[str, Mapping[str, Window]]
    seconds: Mapping[str, float]
    names: Mapping[str, str]


class Statistics:
    """`table` is where the names of keys are."""

    def __init__(self, *, store: SeriesStore, table: Snapshot[KeyTable], clock: Clock) -> None:
        self._store = store
        self._table = table
        self._clock = clock

    async def now(self) -> Stats:
        """What was until now, the last request in it. Raises Unavailable."""
        now = self._clock.now()
        begun = starts(now)
        end = int(now // SLOT_S + 1) * SLOT_S
        borders = [*begun.values(), end]
        readings = [
            Reading(cut=cut, start=since, end=until)
            for cut in _CUTS
            for since, until in pairwise(borders)
        ]
        groups = await self._store.read(readings, _work(tuple(begun)))
        return Stats(
            groups=groups,
            seconds={name: now - at for name, at in begun.items()},
            names={key.id: key.name for key in self._table.current.values()},
        )


def _work(windows: Sequence[str]) -> Callable[[Sequence[Dated]], dict[str, dict[str, Window]]]:
    """Makes the groups of what was read: for each cut the pieces of the time, in order."""

    def work(read: Sequence[Dated]) -> dict[str, dict[str, Window]]:
        cuts = {
            cut: summed(
                [
                    [pair for _, cells in dated for pair in cells]
                    for dated in read[place * len(windows) : (place + 1) * len(windows)]
                ]
            )
            for place, cut in enumerate(_CUTS)
        }
        groups = {}
        for group, (cut, label) in {GLOBAL: (_CUTS[-1], GLOBAL), **GROUPS}.items():
            groups[group] = {
                window: told
                for window, cells in zip(windows, cuts[cut], strict=True)
                if (told := by_label(cut, label, cells))
            }
        return groups

    return work
