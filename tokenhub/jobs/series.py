"""Delete the points of charts that are older than their time, once an hour."""

import logging

from tokenhub.admin.charts import Charts
from tokenhub.core.errors import Unavailable
from tokenhub.ports.clock import Clock

# As often as the original; soon after a start, since what was over meanwhile is no use to anybody.
FIRST_S = 300.0
EVERY_S = 3600.0

_log = logging.getLogger("tokenhub.jobs")


class SeriesPruner:
    def __init__(self, charts: Charts, *, clock: Clock) -> None:
        self._charts = charts
        self._clock = clock

    async def run(self) -> None:
        """Prune every hour, until it is cancelled."""
        await self._clock.sleep(FIRST_S)
        while True:
            try:
                await self._charts.prune()
            except Unavailable as error:
                # A disk that is full or failing: the next time will do.
                _log.warning("series_prune_failed", extra={"reason": str(error)})
            await self._clock.sleep(EVERY_S)
