"""Delete what is older than its time, a little at a time, so that no request waits for it."""

import logging
from collections.abc import Awaitable, Callable

from tokenhub.core.errors import Unavailable
from tokenhub.ports.clock import Clock
from tokenhub.ports.retention import CHUNK, Retention

# After a start there is better to do; a server that is started every day prunes all the same.
FIRST_S = 600.0
EVERY_S = 6 * 3600.0
# Between two transactions: what is under way has the writer for itself most of the time.
PAUSE_S = 0.05

_log = logging.getLogger("tokenhub.jobs")


class Pruner:
    """`decisions_s` and `requests_s` are how long each is kept, in seconds; None is for ever."""

    def __init__(
        self,
        retention: Retention,
        *,
        clock: Clock,
        decisions_s: float | None,
        requests_s: float | None,
    ) -> None:
        self._retention = retention
        self._clock = clock
        self._decisions_s = decisions_s
        self._requests_s = requests_s

    async def run(self) -> None:
        """Prune every few hours, until it is cancelled."""
        await self._clock.sleep(FIRST_S)
        while True:
            try:
                await self.prune()
            except Unavailable as error:
                # A disk that is full or failing: the next time will do.
                _log.warning("retention_failed", extra={"reason": str(error)})
            await self._clock.sleep(EVERY_S)

    async def prune(self) -> None:
        """Delete all that is over now. Raises Unavailable."""
        kept = self._retention
        decisions = await self._all(kept.decisions, self._decisions_s)
        catalogs = await kept.catalogs() if decisions else 0
        requests = await self._all(kept.requests, self._requests_s)
        orchestrations = await self._all(kept.orchestrations, self._requests_s)
        if decisions or requests or orchestrations:
            told = {"decisions": decisions, "catalogs": catalogs, "requests": requests}
            _log.info("retention_pruned", extra=told | {"orchestrations": orchestrations})

    async def _all(self, delete: Callable[[float], Awaitable[int]], period_s: float | None) -> int:
        """Chunk after chunk until one is not full; gives how many rows."""
        if period_s is None:
            return 0
        before = self._clock.now() - period_s
        total = 0
        while True:
            deleted = await delete(before)
            total += deleted
            if deleted < CHUNK:
                return total
            await self._clock.sleep(PAUSE_S)
