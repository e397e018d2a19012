"""Let readers of events hear that the stream lives, and end those who may read no more."""

from collections.abc import Callable

from tokenhub.ports.clock import Clock
from tokenhub.ports.events import Feed

# A token that was revoked, or has expired, may read for so long yet while nothing happens; what
# does happen it gets no more.
LOOK_S = 1.0
# The original's (original-behaviour 6.4). Proxies close what is silent for a minute.
BEAT_S = 15.0


class Heartbeat:
    """`reason` gives what a heartbeat says."""

    def __init__(self, feed: Feed, *, clock: Clock, reason: Callable[[], str]) -> None:
        self._feed = feed
        self._clock = clock
        self._reason = reason

    async def run(self) -> None:
        """Go on until it is cancelled."""
        beat_at = self._clock.monotonic() + BEAT_S
        while True:
            await self._clock.sleep(LOOK_S)
            self._feed.look()
            if self._clock.monotonic() >= beat_at:
                beat_at += BEAT_S
                self._feed.beat(self._reason())
