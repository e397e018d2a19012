"""How something that can be called is doing, and whether it may be: pure transitions.

A route (a model at a provider) has one of these, and so has each provider. Draws and times are
arguments; times are seconds of a monotonic clock.

    healthy ── 2 failures in a row ──> degraded ── 5 in a row, or half of 20 in 30 s ──> down
       ^                                  │                                              │ ^
       │<─────────── success ─────────────┘                       time is up, or a probe │ │
       │                                                                                 v │
       │<─────────── success of the one request that was let in ──────────────── half-open ┘
       │                                                              its failure: twice as long
       │
       └── any ── a refused key, an empty account ──> credential ── 10 min, a probe ──> half-open

A request that was throttled is no failure: its route is left alone until the provider wants to be
asked again. What the caller did wrong, and callers who left, say nothing of anybody's health.

A probe is a call of our own that asks a provider for its models. Nobody there counts like a
failure, and a refused key is a refused key. A good one proves less than an answer: it takes back
what probes have said, and it ends the wait of who is out, once, so that one request may prove the
rest; where that one fails, the next good probe is not believed. `docs/developer/health.md` draws
every arrow.

Source of the figures: reliability.md 2.5, after Envoy's outlier detection.
"""

from enum import StrEnum

import msgspec
from msgspec.structs import replace

from tokenhub.core.failures import Kind

DEGRADED_AFTER = 2
DOWN_AFTER = 5
# Or this part of the calls, once there are enough of them to tell. They are counted in two
# halves, the running one and the one before it, so that the window is 15 to 30 s long.
DOWN_PART = 0.5
ENOUGH_CALLS = 20
HALF_WINDOW_S = 15.0

FIRST_DOWN_S = 5.0
LONGEST_DOWN_S = 300.0
# Down times vary by as much, so that many servers do not come back to one provider at once.
JITTER = 0.2
# The one request that is let in may take so long; another is let in after that.
PROBE_S = 30.0
# An account may be filled up, or a key let in again, without anybody telling us: so often one
# request tries.
REFUSED_S = 600.0

# A gateway in front of servers says with these that nobody is behind it. Any other answer, be it
# an error, comes from somebody: a list of models may fail where the models do not.
NOBODY_BEHIND = frozenset({502, 503, 504})

# A provider that throttles without saying how long; and the longest that is believed.
COOLING_S = 5.0
LONGEST_COOLING_S = 60.0

NOT_ITS_FAULT = frozenset({Kind.CLIENT, Kind.CONTEXT, Kind.UNSUPPORTED})
_REFUSED = frozenset({Kind.CREDENTIAL, Kind.FORBIDDEN, Kind.EXHAUSTED})
_NOBODY = frozenset({Kind.UNREACHABLE, Kind.LOST, Kind.TIMEOUT})


class State(StrEnum):
    """What operators see."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    DOWN = "down"
    HALF_OPEN = "half-open"
    CREDENTIAL = "credential"


class Calls(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """How many went well and ill in one half of the window, `half` numbering the halves."""

    half: int = 0
    good: int = 0
    bad: int = 0


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """`failures` are those in a row; `downs` is how often it went down without a long rest.

    `missed` are the probes in a row that nobody answered. `vouched` says that a probe has ended
    its last wait, and that no call has succeeded since.
    `out` says that it went down and has not proved itself since: down until `down_until`, then
    half-open. `refused` is the kind that took its credential out, empty while it is in.
    """

    failures: int = 0
    now: Calls = Calls()
    before: Calls = Calls()
    out: bool = False
    downs: int = 0
    down_until: float = 0.0
    probe_until: float = 0.0
    cooling_until: float = 0.0
    refused: str = ""
    refused_until: float = 0.0
    missed: int = 0
    vouched: bool = False


FRESH = Health()


class Known(msgspec.Struct, frozen=True):
    """What is known of a provider or a route, and the provider's version then.

    Times are of the monotonic clock, 0 where it never happened.
    """

    health: Health = FRESH
    version: int = 0
    calls: int = 0
    errors: int = 0
    last_failure: str = ""
    failed_at: float = 0.0
    succeeded_at: float = 0.0


UNMET = Known()


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """How the last probe of a provider went, and when the next is due.

    Times are of the monotonic clock, 0 where there is none. `kind` is the class of its failure,
    empty where it was good.
    """

    at: float = 0.0
    kind: str = ""
    latency_s: float = 0.0
    next_at: float = 0.0


def succeeded(health: Health, now: float) -> Health:
    """After a call that brought an answer: whatever was thought of it, it works."""
    current, before = _counted(health, now, good=1)
    return Health(
        now=current,
        before=before,
        downs=health.downs,
        down_until=health.down_until,
        cooling_until=health.cooling_until if health.cooling_until > now else 0.0,
    )


def failed(
    health: Health, kind: Kind, now: float, *, draw: float, retry_after_s: float | None = None
) -> Health:
    """After a call that brought none; `draw` is uniform in [0, 1)."""
    if kind in NOT_ITS_FAULT:
        return let_go(health)
    if kind in _REFUSED:
        return replace(health, refused=str(kind), refused_until=now + REFUSED_S, probe_until=0.0)
    if kind is Kind.THROTTLED or retry_after_s is not None:
        rest_s = COOLING_S if retry_after_s is None else min(retry_after_s, LONGEST_COOLING_S)
        health = replace(health, cooling_until=max(health.cooling_until, now + rest_s))
        if kind is Kind.THROTTLED:
            return health
    current, before = _counted(health, now, bad=1)
    health = replace(health, failures=health.failures + 1, now=current, before=before)
    return _down(health, now, draw) if _is_bad(health, now) else health


def probing(health: Health, now: float) -> Health:
    """After a request was let in to see whether it works again."""
    return replace(health, probe_until=now + PROBE_S)


def let_go(health: Health) -> Health:
    """After a request that told nothing: the place that it may have held is free again."""
    return replace(health, probe_until=0.0) if health.probe_until else health


def reached(health: Health) -> Health:
    """Of a provider, after one of its routes failed with an answer: somebody is there."""
    if not (health.out or health.failures or health.missed or health.probe_until):
        return health
    return replace(health, out=False, failures=0, missed=0, probe_until=0.0)


def probed(
    health: Health, kind: Kind | None, now: float, *, draw: float, status: int = 0
) -> Health:
    """Of a provider, after a probe: None is a good one. `draw` is uniform in [0, 1)."""
    if kind is None:
        return _vouched(health, now, accepted=True)
    if kind is Kind.FORBIDDEN:
        kind = Kind.CREDENTIAL  # a key that may not even list the models
    if kind in _REFUSED:
        return replace(failed(health, kind, now, draw=draw), vouched=False)
    if kind not in _NOBODY and status not in NOBODY_BEHIND:
        return _vouched(health, now, accepted=False)
    health = replace(health, missed=health.missed + 1, vouched=False)
    return _down(health, now, draw) if _is_bad(health, now) else health


def state(health: Health, now: float) -> State:
    """How it is doing, in one word."""
    if health.refused and now < health.refused_until:
        return State.CREDENTIAL
    if health.out or health.refused:
        return State.DOWN if health.out and now < health.down_until else State.HALF_OPEN
    in_a_row = health.failures + health.missed
    return State.DEGRADED if in_a_row >= DEGRADED_AFTER else State.HEALTHY


def open_at(health: Health, now: float) -> float:
    """When it may be called next: `now` where it may be at once."""
    until = max(now, health.cooling_until)
    if health.out:
        until = max(until, health.down_until)
    if health.refused:
        until = max(until, health.refused_until)
    return max(until, health.probe_until) if state(health, now) is State.HALF_OPEN else until


def down_s(downs: int, draw: float) -> float:
    """Seconds of the n-th time down, counted from 0: doubled each time, less a random part."""
    longest = min(LONGEST_DOWN_S, FIRST_DOWN_S * 2.0 ** min(downs, 10))
    return longest * (1 - JITTER * draw)


def _vouched(health: Health, now: float, *, accepted: bool) -> Health:
    """Somebody is there, and has `accepted` our key or not said.

    An account that is used up still lists models, so of that a probe knows nothing.
    """
    if health.missed:
        health = replace(health, missed=0)
    if health.vouched:
        return health
    if accepted and health.refused == Kind.CREDENTIAL and now < health.refused_until:
        health = replace(health, refused_until=now, vouched=True)
    if health.out and now < health.down_until:
        health = replace(health, down_until=now, vouched=True)
    return health


def _is_bad(health: Health, now: float) -> bool:
    """Whether it is to go down. One that was let in to prove itself has one try."""
    in_a_row = health.failures + health.missed
    if state(health, now) is State.HALF_OPEN or in_a_row >= DOWN_AFTER:
        return True
    bad = health.now.bad + health.before.bad
    calls = bad + health.now.good + health.before.good
    return calls >= ENOUGH_CALLS and bad >= DOWN_PART * calls


def _down(health: Health, now: float, draw: float) -> Health:
    if health.out and now < health.down_until:
        return health  # a request that was under way when it went down tells nothing new
    rested = now - health.down_until > LONGEST_DOWN_S
    downs = 0 if rested else health.downs
    return replace(
        health,
        now=Calls(),
        before=Calls(),
        out=True,
        downs=downs + 1,
        down_until=now + down_s(downs, draw),
        probe_until=0.0,
    )


def _counted(health: Health, now: float, *, good: int = 0, bad: int = 0) -> tuple[Calls, Calls]:
    half = int(now // HALF_WINDOW_S)
    current, before = health.now, health.before
    if half != current.half:
        before = current if current.half == half - 1 else Calls()
        current = Calls(half)
    return Calls(half, current.good + good, current.bad + bad), before
