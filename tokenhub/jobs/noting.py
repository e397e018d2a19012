"""Write down, now and then, when admin tokens and sessions were last used."""

from tokenhub.admin.sessions import Sessions
from tokenhub.ports.clock import Clock

# A kill -9 forgets so much of it, at most: a session may live that much shorter after a restart.
EVERY_S = 30.0


class Noting:
    """The job; the last time is at the server's end."""

    def __init__(self, sessions: Sessions, *, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock

    async def run(self) -> None:
        """Go on until it is cancelled."""
        while True:
            await self._clock.sleep(EVERY_S)
            await self._sessions.write_down()
