"""Make a backup now and then."""

import logging

from tokenhub.admin.backups import Backups
from tokenhub.admin.changes import By
from tokenhub.core.errors import Conflict, Unavailable
from tokenhub.ports.backups import UPGRADE
from tokenhub.ports.clock import Clock

# After a start there is better to do; and one that failed is tried again after so long.
FIRST_S = 600.0
AGAIN_S = 3600.0

_log = logging.getLogger("tokenhub.jobs")


class Timer:
    """A backup where the newest one is older than `every_s`, however often the server starts."""

    def __init__(self, backups: Backups, *, clock: Clock, every_s: float) -> None:
        self._backups = backups
        self._clock = clock
        self._every_s = every_s

    async def run(self) -> None:
        """Make backups until it is cancelled."""
        await self._clock.sleep(FIRST_S)
        while True:
            await self._clock.sleep(await self._due_s())

    async def _due_s(self) -> float:
        """How long nothing is to be done; where there is none to be had, a backup was made."""
        rows = [row for row in await self._backups.list() if row.reason != UPGRADE]
        left_s = rows[0].at + self._every_s - self._clock.now() if rows else 0.0
        if left_s > 0:
            # Of a time that lies ahead, as a clock that was wrong may have left it.
            return min(left_s, self._every_s)
        try:
            await self._backups.make(by=By(actor="timer"), reason="timer")
        except (Unavailable, Conflict) as error:
            _log.error("backup_failed", extra={"reason": str(error)})
            return min(AGAIN_S, self._every_s)
        return self._every_s
