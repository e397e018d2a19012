"""How many requests to answer at the same time when there are more than can be answered.

A server that takes on all that comes is late for everybody once it gets more than it can do. How
late its loop runs shows it: callbacks wait for their turn, and with them every request.

    calm ── late at each look for STANDING_S, and many under way ──► crowded
    calm ◄── in time, and nobody has waited, for CALM_S ─────────────┘

While it is crowded, the number of requests under way that the machine bears is searched as TCP
searches its window: one more at each look that finds the loop in time, a part less at each that
finds it late. It follows what requests cost, whatever they are, and whether they burn time here or
only wait for a provider. All others wait for a turn, and where too many wait, they are refused.
"""

OVERLOADED = "overloaded"
# Fewer under way are never held up: what makes so few late is not their number.
FEW = 64
# A burst of a few hundred is through in less (a request takes about 0.5 ms, measured 2026-11-21).
STANDING_S = 0.25
CALM_S = 1.0
# A sixteenth less: from 1,000 under way to FEW within 45 looks.
_SHRINK = 16


class Window:
    """`limit` is how many may be under way now; `most` is the limit of calm days.

    `late_s` is from when on the loop counts as late, 0 for never.
    """

    def __init__(self, *, most: int, late_s: float) -> None:
        self.limit = most
        self.crowded = False
        self._most = most
        self._late_s = late_s
        self._well_at = 0.0
        self._waited_at = 0.0

    @property
    def watched(self) -> bool:
        """Whether lateness means anything to it."""
        return self._late_s > 0.0

    def begin(self, now: float) -> None:
        """Looks begin: what was seen before is old."""
        self._well_at = now

    def saw(self, now: float, *, by_s: float, under_way: int, waiting: int) -> None:
        """A look: the loop was late `by_s`; so many are under way, and so many wait."""
        late = by_s >= self._late_s
        if not late:
            self._well_at = now
        if waiting:
            self._waited_at = now
        if self.crowded:
            self._adjust(now, late=late)
        elif late and now - self._well_at >= STANDING_S and under_way > FEW:
            self.crowded = True
            self._waited_at = now
            self.limit = min(self._most, under_way)

    def _adjust(self, now: float, *, late: bool) -> None:
        if late:
            self.limit = max(min(FEW, self._most), self.limit - self.limit // _SHRINK)
            return
        self.limit = min(self._most, self.limit + 1)
        if now - self._waited_at >= CALM_S:
            self.crowded = False
            self.limit = self._most
