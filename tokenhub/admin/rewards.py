"""What was judged, what was learned of it, and to forget it."""

import logging
from collections.abc import Sequence

from tokenhub.admin.audit import Trail
from tokenhub.admin.changes import By
from tokenhub.admin.paging import Page, page_of
from tokenhub.core.errors import NotFound, Unavailable
from tokenhub.core.learning import Standing
from tokenhub.ports.clock import Clock
from tokenhub.ports.rewards import Learning, Reward, RewardQuery, RewardStore

ALL = "all"
_log = logging.getLogger("tokenhub.rewards")


class Rewards:
    """Read what was judged and learned, write it down, and forget it."""

    def __init__(
        self, *, store: RewardStore, learning: Learning, trail: Trail, clock: Clock
    ) -> None:
        self._store = store
        self._learning = learning
        self._trail = trail
        self._clock = clock
        self._saved = learning.version

    async def page(self, query: RewardQuery) -> Page[Reward]:
        """Judgements, newest first."""
        return await page_of(self._store, query, id_of=lambda row: str(row.id))

    def arms(self) -> Sequence[Standing]:
        """Each route, and each task that it was judged at, by name."""
        return list(self._learning.standings())

    async def reset(self, route: str, *, by: By) -> Sequence[str]:
        """Forget what was learned of a route, or of all; gives whose. Raises NotFound.

        The judgements themselves stay in the list: they happened.
        """
        known = sorted(self._learning.known())
        if route and route not in known:
            raise NotFound(f"nothing was learned of {route!r} yet")
        await self._trail.record("rewards.reset", route or ALL, by)
        if route:
            known = [route]
            self._learning.forget(route)
        else:
            self._learning.forget_all()
        await self.write_down()
        if not by.rehearsed:
            _log.info("rewards_reset", extra={"target": route or ALL})
        return known

    async def write_down(self) -> None:
        """Save what was learned since the last time. Raises Unavailable."""
        version = self._learning.version
        if version != self._saved:
            await self._store.save(self._learning.taught, at=self._clock.now())
            self._saved = version

    async def flush(self) -> None:
        """The same, where nobody can be told of a failure."""
        try:
            await self.write_down()
        except Unavailable as error:
            # It is kept in memory, and saved when the disk takes it again.
            _log.warning("lessons_waiting", extra={"detail": str(error)})
