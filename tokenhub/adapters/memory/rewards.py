"""Judgements in memory, for as long as the process lives."""

from collections.abc import Sequence

from msgspec.structs import replace

from tokenhub.core.learning import Taught
from tokenhub.core.rewards import Quality
from tokenhub.ports.rewards import MOST_UNLEARNED, Reward, RewardQuery

_FILTERS = ("request_id", "provider_id", "model_id", "source", "task")


class MemoryRewards:
    """A RewardStore that forgets everything when it ends."""

    def __init__(self) -> None:
        self._rows: list[Reward] = []
        self._taught: Taught | None = None
        self._saved_at = 0.0

    def record(self, quality: Quality) -> None:
        self._rows.append(Reward(id=len(self._rows) + 1, quality=quality))

    async def taught(self) -> Taught | None:
        return self._taught

    async def unlearned(self) -> Sequence[Quality]:
        found = []
        said: dict[tuple[str, str], float] = {}
        for row in self._rows:
            one = row.quality
            name = (one.request_id, one.source)
            if one.at > self._saved_at:
                found.append(replace(one, replaces=said.get(name)))
            said[name] = one.score
        return found[-MOST_UNLEARNED:]

    async def save(self, taught: Taught, *, at: float) -> None:
        self._taught, self._saved_at = taught, at

    async def page(self, query: RewardQuery) -> Sequence[Reward]:
        return self._found(query)[query.offset : query.offset + query.limit]

    async def count(self, query: RewardQuery) -> int:
        return len(self._found(query))

    def _found(self, query: RewardQuery) -> list[Reward]:
        return [row for row in reversed(self._rows) if _fits(row, query)]


def _fits(row: Reward, query: RewardQuery) -> bool:
    if query.before and row.id >= int(query.before):
        return False
    wanted = [(name, getattr(query, name)) for name in _FILTERS]
    return all(not value or getattr(row.quality, name) == value for name, value in wanted)
