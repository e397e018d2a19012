"""How many requests to answer at the same time when there are more than can be answered.

A server that takes on all that comes is late for everybody once it gets more than it can do. How
late its loop runs shows it: callbacks wait for their turn, and with them every request.

    calm ── late at each look for STANDING_S, and many under way ──► crowded
            (at two looks at least: one pause, however long, is no overload)
    calm ◄── in time, and nobody was refused, for CALM_S ────────────┘

While it is crowded, the number of requests under way that the machine bears is searched: some more
at each look that finds the loop in time; at one that finds it late, as many fewer as it is later
than it should be. It follows what requests cost, whatever they are, and whether they burn time here
or only wait for a provider. All others are refused at once: who must wait for a turn is better
served elsewhere, or a moment later, and those who wait are late for whoever comes after them.
"""

OVERLOADED = "overloaded"
# Fewer under way are never held up: what makes so few late is not their number.
FEW = 64
# A burst of a few hundred is through in less (a request takes about 0.25 ms, measured 2026-11-22).
STANDING_S = 0.15
CALM_S = 1.0
# The mean of about five looks, and a fifth less at one: a pause of a collector says little.
_NEWEST = 0.2
_LEAST = 0.8
# A sixty-fourth more: twice as many after 45 looks in time.
_GROW = 64


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
        self._late = False
        self._mean_s = 0.0
        self._refused_at = 0.0

    @property
    def watched(self) -> bool:
        """Whether lateness means anything to it."""
        return self._late_s > 0.0

    def begin(self, now: float) -> None:
        """Looks begin: what was seen before is old."""
        self._well_at = now
        self._late = False

    def saw(self, now: float, *, by_s: float, under_way: int, refused: bool) -> None:
        """A look: the loop was late `by_s`, and so many are under way.

        `refused` is whether anybody was refused since the last look.
        """
        late = by_s >= self._late_s
        if not late:
            self._well_at = now
        if refused:
            self._refused_at = now
        standing = late and self._late and now - self._well_at >= STANDING_S
        self._late = late
        if not self.crowded and standing and under_way > FEW:
            self.crowded = True
            self._refused_at = now
            self.limit = min(self._most, under_way)
        if self.crowded:
            self._adjust(now, by_s=by_s)

    def _adjust(self, now: float, *, by_s: float) -> None:
        self._mean_s += (by_s - self._mean_s) * _NEWEST
        if self._mean_s >= self._late_s:
            share = max(_LEAST, self._late_s / self._mean_s)
            self.limit = max(min(FEW, self._most), int(self.limit * share))
            return
        self.limit = min(self._most, self.limit + 1 + self.limit // _GROW)
        if now - self._refused_at >= CALM_S:
            self.crowded = False
            self.limit = self._most
