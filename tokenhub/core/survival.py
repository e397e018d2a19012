"""How long answers take, where some are only known to have taken longer.

A call that is cancelled after `t` without an answer says "more than t". Left out, such calls would
make a route look quicker the more of its slow calls are cut short; taken as answers, they would
too. The product-limit estimate counts each for as long as it was watched (E. L. Kaplan, P. Meier:
Nonparametric Estimation from Incomplete Observations, JASA 53, 1958). It asks that what cut a call
short says nothing about the call itself, which is so where another provider's answer did.
"""

from array import array
from bisect import bisect_left, bisect_right
from operator import neg

# The share of slow calls that hedging asks for is known to a hundredth from so many (the square
# root of .15 * .85 / 1024), and a route of one call a second is learned anew in a quarter hour.
RECENT = 1024


class Curve:
    """The share of calls that take longer than a time."""

    __slots__ = ("_left", "_longest_s", "_times_s")

    def __init__(self, times_s: list[float], left: list[float], *, longest_s: float) -> None:
        """`left[i]` is the share that takes longer than `times_s[i]`; times rise, shares fall."""
        self._times_s = times_s
        self._left = left
        self._longest_s = longest_s

    def over(self, seconds: float) -> float:
        """The share of calls that take longer; 1 before the first answer."""
        before = bisect_right(self._times_s, seconds)
        return self._left[before - 1] if before else 1.0

    def at(self, share: float) -> float:
        """The first time that no more than this share of calls exceeds.

        The longest time that was watched where more of them did: then it is a lower bound.
        """
        found = bisect_left(self._left, -share, key=neg)
        return self._times_s[found] if found < len(self._times_s) else self._longest_s


class Times:
    """The most recent times, at most `size` of them: 8 bytes each."""

    __slots__ = ("_at", "_seen", "_size")

    def __init__(self, size: int = RECENT) -> None:
        self._seen = array("d")  # calls that were cut short are negative
        self._size = size
        self._at = 0

    def __len__(self) -> int:
        return len(self._seen)

    def heard(self, seconds: float) -> None:
        """A call was answered after so long."""
        self._add(max(0.0, seconds))

    def cut(self, seconds: float) -> None:
        """A call was not answered for so long, and then no longer waited for."""
        if seconds > 0:
            self._add(-seconds)

    def curve(self) -> Curve:
        """The estimate from what is kept. Of answers and cuts at one time the answers count first.

        It sorts all of them: some hundred microseconds.
        """
        at_risk = len(self._seen)
        share = 1.0
        times_s: list[float] = []
        left: list[float] = []
        ordered = sorted((abs(seconds), seconds < 0) for seconds in self._seen)
        for seconds, cut in ordered:
            if not cut:
                share *= (at_risk - 1) / at_risk
                times_s.append(seconds)
                left.append(share)
            at_risk -= 1
        return Curve(times_s, left, longest_s=ordered[-1][0] if ordered else 0.0)

    def _add(self, signed_s: float) -> None:
        if len(self._seen) < self._size:
            self._seen.append(signed_s)
            return
        self._seen[self._at] = signed_s
        self._at = (self._at + 1) % self._size
