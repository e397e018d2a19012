"""When a second request beside the first is worth its price: pure, from what a route has shown.

A second request, sent after `d` without an answer, ends what takes longer than `t` only where both
do: with S(t) the share of calls that take longer, S(t) * S(t - d) is left of S(t), for S(d) more
calls (J. Dean, L. A. Barroso: The Tail at Scale, CACM 56(2), 2013). That takes the second call for
as slow as the first, and for independent of it. So where S is known, what a delay brings is known
before it is tried, and the best one is searched for (T. Kaler, Y. He, S. Elnikety: Optimal Reissue
Policies for Reducing Tail Latency, SPAA 2017; theirs may also leave the second call to chance,
which pays where fewer calls are allowed than the tail has that is to be cut). S is learned live
(`tokenhub.core.survival`).

- Worth it: one of the times that 5, 2 and 1 % of calls exceed at least halves. A thin tail gets
  nothing: under the exponential law, or a log-normal of sigma 0.6, none of them falls so far.
- The delay: the one that makes these three times the smallest, in the mean of their logarithms,
  where a percent more calls has to take a percent off. Where 2 % of calls are slow that is far
  out, and costs little.
- The most: S(d) may be about the cap's share, a tenth more while the cap is full, and less as it
  empties: so calls stay under the cap, and hardly ever one is refused which would have paid.
- Wrong after all: where long answers are slow because they are long, the second call takes as long
  as the first. So what came of a plan is counted; where most of the gain is not there, the route is
  let alone for a while, and longer each time.
"""

from math import log

import msgspec

from tokenhub.core.survival import RECENT, Curve, Times

# Of so many calls three are in the 5 % tail: with fewer it is not to be seen at all.
ENOUGH = 64
# The estimate is made anew after so many calls: it moves little meanwhile, and costs most.
REFRESH = 32
# How much the tail has to fall for hedging to begin, and to go on once it has.
BEGIN_GAIN = 2.0
KEEP_GAIN = 1.5
# When so many requests were to take longer than the plan says, it is judged by how many did; it has
# failed where of what it was to spare most was not spared. Then it rests for so many calls. It is
# not judged by a difference that chance makes as well.
JUDGED = 20.0
MISSED_SHARE = 0.75
PLAIN = 2.0
REST = RECENT
MAX_REST = 64 * RECENT
# Calls that may be sent at once after a calm, and so the most that a bad moment can add at once.
BURST = 32
# A route's own credit is so much larger than its share of the cap: where the second call goes to
# the same route and is slow as well, it passes for a slow first one.
OWN = 1.25
# The newest cost moves the usual one by a sixteenth.
AVERAGED = 16
PERCENT = 100

_TAILS = (0.05, 0.02, 0.01)
_PARTS = (1.0, 0.93, 0.85, 0.7, 0.55, 0.4, 0.3, 0.2)
_STEPS = 14
_TINY_S = 1e-6


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A second request after `delay_s`, for `share` more calls: one of the tails falls `gain`-fold.

    It can be judged by `end_s`: the share `alone` of calls takes longer, and only `left` of them
    with second requests.
    """

    delay_s: float
    share: float
    gain: float
    end_s: float
    alone: float
    left: float


def plan(curve: Curve, *, most: float, least_s: float = 0.0) -> Plan | None:
    """The best delay for at most the share `most` of calls, and not under `least_s`.

    None where there is nothing to gain by any.
    """
    alone_s = [max(_TINY_S, curve.at(tail)) for tail in _TAILS]
    best_s, best, best_score = 0.0, alone_s, sum(map(log, alone_s)) / len(_TAILS)
    for part in _PARTS:
        delay_s = max(least_s, curve.at(most * part))
        ends_s = [
            _end_s(curve, delay_s, tail=tail, alone_s=alone)
            for tail, alone in zip(_TAILS, alone_s, strict=True)
        ]
        score = sum(map(log, ends_s)) / len(_TAILS) + curve.over(delay_s)
        if score < best_score:
            best_s, best, best_score = delay_s, ends_s, score
    if best is alone_s:
        return None
    _, alone, left, end_s = max(
        (over / tail, over, tail, end_s)
        for over, tail, end_s in zip(map(curve.over, best), _TAILS, best, strict=True)
    )
    return Plan(
        delay_s=best_s,
        share=curve.over(best_s),
        gain=max(long / short for long, short in zip(alone_s, best, strict=True)),
        end_s=end_s,
        alone=alone,
        left=left,
    )


class Cap:
    """What all second requests together may cost: `percent` of what was sent, in calls and money.

    It begins empty, so this holds at every moment. Whole numbers: hundredths of a call, and of a
    nano-USD. What is not used is kept for BURST calls, or what so many usually cost.
    """

    __slots__ = ("_calls", "_money", "_percent", "_usual_nusd", "price")

    def __init__(self, percent: int) -> None:
        self._percent = percent
        self._calls = 0
        self._money = 0
        self._usual_nusd: int | None = None
        self.price = 1.0  # what a second call costs, in usual calls; at least one

    @property
    def share(self) -> float:
        """The cap as a share of the calls."""
        return self._percent / PERCENT

    @property
    def full(self) -> float:
        """How much of what can be kept is there, 0 to 1."""
        calls = self._calls / (PERCENT * BURST)
        if not self._usual_nusd:
            return calls
        return min(calls, self._money / (PERCENT * BURST * self._usual_nusd))

    @property
    def open(self) -> bool:
        """Whether there is room for a usual call."""
        return self._calls >= PERCENT and self._money >= PERCENT * (self._usual_nusd or 0)

    def sent(self, cost_nusd: int | None) -> None:
        """A first call went out. A cost of None is unknown, and feeds calls alone."""
        self._calls = min(PERCENT * BURST, self._calls + self._percent)
        if cost_nusd is None:
            return
        usual = self._usual_nusd
        usual = cost_nusd if usual is None else usual + (cost_nusd - usual) // AVERAGED
        self._usual_nusd = usual
        self._money = min(PERCENT * BURST * usual, self._money + self._percent * cost_nusd)

    def take(self, cost_nusd: int | None) -> bool:
        """Whether a second request may go out; if so it is taken from the cap.

        One of unknown cost may not where what others cost is known: it could be dear.
        """
        if cost_nusd is None and self._usual_nusd is not None:
            return False
        money = PERCENT * (cost_nusd or 0)
        if self._usual_nusd:
            usually = max(1.0, (cost_nusd or 0) / self._usual_nusd)
            self.price += (usually - self.price) / AVERAGED
        if self._calls < PERCENT or self._money < money:
            return False
        self._calls -= PERCENT
        self._money -= money
        return True


class Learner:
    """What the times of one route have taught, for whole answers or for streams.

    The cap is shared by all; beside it a route has a credit of its own, fed by its own calls and
    used by those that passed the delay. So one bad route does not use up what others have sent.
    """

    __slots__ = (
        "_alone",
        "_asked",
        "_cap",
        "_credit",
        "_due",
        "_least_s",
        "_plan",
        "_rest",
        "_rests",
        "_seen",
        "_times",
    )

    def __init__(self, cap: Cap, *, least_s: float = 0.0) -> None:
        self._cap = cap
        self._least_s = least_s
        self._times = Times()
        self._plan: Plan | None = None
        self._credit = 0.0
        self._asked = 0
        self._rest = 0
        self._rests = REST
        self._forget_judged()

    def after_s(self) -> float | None:
        """When a second request would pay, None where it would not; asked once a first call."""
        self._credit = min(float(BURST), self._credit + OWN * self._cap.share)
        self._asked += 1
        if self._asked % REFRESH == 0:
            self._refresh()
        found = self._plan
        if found is None or not self._open:
            return None
        if found.alone > PLAIN * found.left:
            self._due += found.left
            self._alone += found.alone
        return found.delay_s

    def heard(self, seconds: float) -> None:
        """A call was answered after so long."""
        self._times.heard(seconds)
        self._note(seconds)

    def lost(self, seconds: float) -> None:
        """A call was cancelled, unanswered, after so long."""
        self._times.cut(seconds)
        self._note(seconds)

    @property
    def _open(self) -> bool:
        return self._credit >= 1.0 and self._cap.open

    def _note(self, seconds: float) -> None:
        """The first call's time is its request's, won or lost; past the delay a second was due."""
        if self._plan is None or seconds <= self._plan.delay_s or not self._open:
            return
        self._credit -= 1.0
        if seconds > self._plan.end_s and self._plan.alone > PLAIN * self._plan.left:
            self._seen += 1

    def _refresh(self) -> None:
        self._rest = max(0, self._rest - REFRESH)
        if self._due >= JUDGED:
            self._verdict()
        if self._rest or len(self._times) < ENOUGH:
            self._plan = None
            return
        found = plan(self._times.curve(), most=self._most(), least_s=self._least_s)
        needed = BEGIN_GAIN if self._plan is None else KEEP_GAIN
        self._plan = found if found is not None and found.gain >= needed else None

    def _most(self) -> float:
        """The share of calls to aim at: the fuller, the more; less where they are dear."""
        full = min(self._cap.full, self._credit / BURST)
        return self._cap.share / self._cap.price * min(0.9 + 0.2 * full, 0.2 + 3.0 * full)

    def _verdict(self) -> None:
        """Rest, each time twice as long, where requests took nearly as long as they had alone."""
        failed = self._seen > self._due + MISSED_SHARE * (self._alone - self._due)
        self._rest = self._rests if failed else 0
        self._rests = min(MAX_REST, 2 * self._rests) if failed else REST
        self._forget_judged()

    def _forget_judged(self) -> None:
        self._due = self._alone = 0.0
        self._seen = 0


def _end_s(curve: Curve, delay_s: float, *, tail: float, alone_s: float) -> float:
    """The time that the share `tail` of requests exceeds, with second ones after the delay."""
    if delay_s >= alone_s:
        return alone_s
    under, over = delay_s, alone_s
    for _ in range(_STEPS):
        middle = (under + over) / 2
        if curve.over(middle) * curve.over(middle - delay_s) <= tail:
            over = middle
        else:
            under = middle
    return over
