"""Who gets in: requests under way, those who wait for a turn, and those who are refused.

`enter` costs a comparison and an addition while there is room, which is always but in overload.
The loop is looked at only while many requests are under way.
"""

import asyncio
import logging
from collections import deque
from contextlib import suppress

from tokenhub.core.errors import Unavailable
from tokenhub.core.overload import FEW, OVERLOADED, Window

# How many may wait for a turn: at a usual pace, for less than half a second.
WAITING = 256
# Who has not had a turn by then is refused.
WAIT_S = 2.0
# Between two looks at how late the loop is.
LOOK_S = 0.01

_log = logging.getLogger("tokenhub.load")


class Load:
    """`most` is how many requests may be under way, 0 for any number; `late_s` see `Window`.

    Every `enter` that gives True, and every `turn` that returns, is followed by a `leave`.
    """

    def __init__(self, *, most: int = 0, late_s: float = 0.0) -> None:
        self._window = Window(most=most or 1 << 31, late_s=late_s)
        self._under_way = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._looking = False
        self._due = 0.0
        self.refused = 0

    @property
    def under_way(self) -> int:
        return self._under_way

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def counts(self) -> tuple[int, int, int]:
        """How many are under way, how many wait, and how many were refused since the start."""
        return self._under_way, len(self._waiting), self.refused

    @property
    def full(self) -> bool:
        """Whether whoever comes now is refused: all places are taken, and all to wait at, too."""
        return len(self._waiting) >= WAITING

    def enter(self) -> bool:
        """Take a place, if there is one for whoever comes now."""
        if self._under_way >= self._window.limit or self._waiting:
            return False
        self._under_way += 1
        if self._under_way > FEW and not self._looking and self._window.watched:
            self._begin_to_look()
        return True

    async def turn(self) -> None:
        """Wait for a place. Raises Unavailable where too many wait, or it takes too long."""
        if self.full:
            raise self.refusal()
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            async with asyncio.timeout(WAIT_S):
                await place
        except BaseException as error:
            self._give_up(place)
            if isinstance(error, TimeoutError):
                raise self.refusal() from None
            raise

    def leave(self) -> None:
        self._under_way -= 1
        if self._waiting:
            self._call_in()

    def refusal(self) -> Unavailable:
        """The error for one who does not get in."""
        self.refused += 1
        return Unavailable(
            "the server has more requests than it can answer; send this one again in a moment",
            code=OVERLOADED,
        )

    def _give_up(self, place: "asyncio.Future[None]") -> None:
        """Whoever stops waiting may have been called in at the same moment."""
        if place.done() and not place.cancelled():
            self.leave()
        else:
            with suppress(ValueError):
                self._waiting.remove(place)

    def _call_in(self) -> None:
        while self._waiting and self._under_way < self._window.limit:
            place = self._waiting.popleft()
            if not place.done():  # who has just given up is still in the queue
                self._under_way += 1
                place.set_result(None)

    # --- how late the loop is

    def _begin_to_look(self) -> None:
        self._looking = True
        now = asyncio.get_running_loop().time()
        self._window.begin(now)
        self._look_again(now)

    def _look_again(self, now: float) -> None:
        self._due = now + LOOK_S
        asyncio.get_running_loop().call_at(self._due, self._look)

    def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        window, was = self._window, self._window.crowded
        window.saw(now, by_s=now - self._due, under_way=self._under_way, waiting=len(self._waiting))
        if window.crowded is not was:
            self._tell(now - self._due)
        self._call_in()
        if window.crowded or self._under_way > FEW:
            self._look_again(now)
        else:
            self._looking = False

    def _tell(self, late_s: float) -> None:
        extra = {
            "under_way": self._under_way,
            "waiting": len(self._waiting),
            "refused": self.refused,
            "late_ms": round(late_s * 1000, 1),
        }
        if self._window.crowded:
            _log.warning("overload_began", extra=extra)
        else:
            _log.info("overload_over", extra=extra)
