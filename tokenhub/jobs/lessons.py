"""Write down, now and then, what was learned of the routes."""

from tokenhub.admin.rewards import Rewards
from tokenhub.ports.clock import Clock

# A kill -9 forgets so much of it, at most.
EVERY_S = 30.0


class Saver:
    """The job; the last time is at the server's end."""

    def __init__(self, rewards: Rewards, *, clock: Clock) -> None:
        self._rewards = rewards
        self._clock = clock

    async def run(self) -> None:
        """Go on until it is cancelled."""
        while True:
            await self._clock.sleep(EVERY_S)
            await self._rewards.flush()
