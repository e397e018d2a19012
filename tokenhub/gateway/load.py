"""Who gets in: requests under way, and those who are refused.

`enter` costs a comparison and an addition while there is room, which is always but in overload.
The loop is looked at only while many requests are under way.
"""

import asyncio
import logging

from tokenhub.core.errors import Unavailable
from tokenhub.core.overload import FEW, OVERLOADED, Window
from tokenhub.core.waits import Waits

# Between two looks at how late the loop is.
LOOK_S = 0.01

_log = logging.getLogger("tokenhub.load")


class Load:
    """`most` is how many requests may be under way, 0 for any number; `late_s` see `Window`.

    Every `enter` that gives True is followed by a `leave`. `waits` are the times that requests
    waited for somebody to begin with them; the door counts in `callers_refused` and
    `operators_refused` whom it has told that they send too much.
    """

    def __init__(self, *, most: int = 0, late_s: float = 0.0) -> None:
        self._window = Window(most=most or 1 << 31, late_s=late_s)
        self._looking = False
        self._due = 0.0
        self._refused_before = 0
        self._coming = 0
        self.under_way = 0
        self.refused = 0
        self.callers_refused = 0
        self.operators_refused = 0
        self.waits = Waits()

    def counts(self) -> tuple[int, int]:
        """How many are under way, and how many were refused since the start."""
        return self.under_way, self.refused

    def room(self) -> bool:
        """Whether there is room for one more, beside all who were told so at this turn of the loop.

        They enter at the next turn, when as many again may have come.
        """
        if self.under_way + self._coming >= self._window.limit:
            return False
        if self._window.crowded:
            if not self._coming:
                asyncio.get_running_loop().call_soon(self._came)
            self._coming += 1
        return True

    def enter(self) -> bool:
        """Take a place, if there is one."""
        if self.under_way >= self._window.limit:
            return False
        self.under_way += 1
        if self.under_way > FEW and not self._looking and self._window.watched:
            self._begin_to_look()
        return True

    def leave(self) -> None:
        self.under_way -= 1

    def refusal(self) -> Unavailable:
        """The error for one who does not get in."""
        self.refused += 1
        return overloaded()

    def _came(self) -> None:
        self._coming = 0

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
        refused = self.refused > self._refused_before
        self._refused_before = self.refused
        window.saw(now, by_s=now - self._due, under_way=self.under_way, refused=refused)
        if window.crowded is not was:
            self._tell(now - self._due)
        if window.crowded or self.under_way > FEW:
            self._look_again(now)
        else:
            self._looking = False

    def _tell(self, late_s: float) -> None:
        extra = {
            "under_way": self.under_way,
            "refused": self.refused,
            "late_ms": round(late_s * 1000, 1),
        }
        if self._window.crowded:
            _log.warning("overload_began", extra=extra)
        else:
            _log.info("overload_over", extra=extra)


def overloaded() -> Unavailable:
    """What those hear who do not get in."""
    return Unavailable(
        "the server has more requests than it can answer; send this one again in a moment",
        code=OVERLOADED,
    )
