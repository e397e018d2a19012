"""Past requests under another policy: what it would have chosen, and what came of such choices."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from time import sleep
from typing import Literal

import msgspec
from msgspec.structs import replace

from tokenhub.admin.durations import moment
from tokenhub.core.ask import Wish
from tokenhub.core.catalog import Catalog
from tokenhub.core.decide import Record, firsts
from tokenhub.core.errors import BadRequest, TokenHubError, Unavailable
from tokenhub.core.estimates import Estimate, Logged, Priced, costed, estimated
from tokenhub.core.policy import THOMPSON, wished
from tokenhub.core.rng import split
from tokenhub.core.stored import record_of
from tokenhub.core.verify import intent_of, signals_of
from tokenhub.ports.clock import Clock
from tokenhub.ports.stores import CATALOG_DAMAGED, CatalogStore
from tokenhub.ports.traffic import Past, Traffic

WEEK = "7d"
# Where a policy draws, so often for each request; and no more than so many draws in all.
DRAWS = 20
MOST_DRAWS = 200_000
# After so many draws the thread sleeps for a moment. A thread that only computes gives the others
# a turn every 5 ms, and a request takes many turns: beside a replay they took four times as long.
_DRAWS_AT_ONCE = 5
_PAUSE_S = 1e-4
# RFC 9110: a server's fault, which is what a policy is to blame for, begins here.
_OURS = 500
_REFUSED = 400

_log = logging.getLogger(__name__)


class Other(msgspec.Struct, frozen=True):
    """Another policy: what it says, and how freely it explores; None is as it was."""

    wish: Wish
    temperature: float | None = None


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """How often a route was chosen, and how often the policy would have chosen it; of 1."""

    route: str
    was: float
    would: float


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """What one policy would have come to. Failures are a share of 1, costs nano-USD a request."""

    decided: int
    refused: int
    quality: Estimate
    failures: Estimate
    latency_s: Estimate
    cost_nusd: Estimate
    shares: tuple[Share, ...]


class Was(msgspec.Struct, frozen=True, kw_only=True):
    """What did come of these requests: plain means; None where there is nothing to take one of."""

    judged: int
    quality: float | None
    failures: float | None
    latency_s: float | None
    cost_nusd: float | None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`requests` were read and decided again; of `left_out` too little is known any more."""

    requests: int
    left_out: int
    was: Was
    policies: tuple[Replayed, ...]


class Decided(msgspec.Struct, frozen=True, gc=False):
    """A request with the decision that was taken, and the catalog it was taken over."""

    past: Past
    record: Record
    catalog: Catalog


class Replay:
    """Nothing is called, learned or written: records are read, and decided again."""

    def __init__(self, *, traffic: Traffic, catalogs: CatalogStore, clock: Clock) -> None:
        self._traffic = traffic
        self._catalogs = catalogs
        self._clock = clock
        # Each holds its records in memory, and a core: the next one waits for it.
        self.turn = asyncio.Lock()

    def span(self, since: str, until: str) -> tuple[float, float]:
        """The Unix seconds that two texts name; a week up to now. Raises BadRequest."""
        now = self._clock.now()
        start = moment(since or WEEK, now=now, field="since")
        end = moment(until, now=now, field="until")
        end = now if end is None else end
        if start is None or start >= end:
            raise BadRequest("since must be before until", field="since")
        return start, end

    async def read(self, since: float, until: float, *, limit: int) -> tuple[list[Decided], int]:
        """The requests that can be decided again, and how many cannot. Times are Unix seconds."""
        rows = await self._traffic.between(since, until, limit=limit)
        # Half a second for the most of them, in which nobody else would be answered.
        records = await asyncio.to_thread(lambda: [_read(row) for row in rows])
        catalogs: dict[int, Catalog | None] = {}
        found = []
        for row, record in zip(rows, records, strict=True):
            if record is None or not record.candidates or _REFUSED <= row.status < _OURS:
                continue
            version = record.catalog_version
            if version not in catalogs:
                catalogs[version] = await self._catalog(version)
            if (catalog := catalogs[version]) is not None:
                found.append(Decided(row, record, catalog))
        return found, len(rows) - len(found)

    async def _catalog(self, version: int) -> Catalog | None:
        try:
            return await self._catalogs.at(version)
        except Unavailable as error:
            if error.code != CATALOG_DAMAGED:
                raise
            return None


def report(rows: Sequence[Decided], left_out: int, others: Sequence[Other]) -> Report:
    """What each policy would have come to. Takes a while: not for the thread of the loop."""
    return Report(
        requests=len(rows),
        left_out=left_out,
        was=_was(rows),
        policies=tuple(_replayed(rows, other) for other in others),
    )


def _was(rows: Sequence[Decided]) -> Was:
    quality = [row.past.quality for row in rows if row.past.quality is not None]
    answered = [row.past.latency_s for row in rows if row.past.status < _OURS]
    costs = [row.past.cost_nusd for row in rows if row.past.cost_nusd is not None]
    return Was(
        judged=len(quality),
        quality=_mean(quality),
        failures=_mean([float(row.past.status >= _OURS) for row in rows]),
        latency_s=_mean(answered),
        cost_nusd=_mean(costs),
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _replayed(rows: Sequence[Decided], other: Other) -> Replayed:
    draws = max(1, min(DRAWS, MOST_DRAWS // max(1, len(rows))))
    decided = [(row, _wanted(row, other, draws)) for row in _with_pauses(rows, draws)]
    known = [(row, wanted) for row, wanted in decided if wanted]
    return Replayed(
        decided=len(known),
        refused=len(decided) - len(known),
        quality=_estimate(known, "quality"),
        failures=_estimate(known, "failed"),
        latency_s=_estimate(known, "latency", most=float("inf")),
        cost_nusd=costed([_priced(row, wanted) for row, wanted in known]),
        shares=_shares(known),
    )


def _with_pauses(rows: Iterable[Decided], draws: int) -> Iterator[Decided]:
    every = max(1, _DRAWS_AT_ONCE // draws)
    for number, row in enumerate(rows):
        if number % every == 0:
            sleep(_PAUSE_S)
        yield row


def _wanted(row: Decided, other: Other, draws: int) -> Mapping[str, float]:
    """With which probability the policy would choose which route; nothing where it would refuse.

    Draws of routes need what was known of each, which only a policy that draws has kept.
    """
    record = row.record
    intent = intent_of(record)
    intent = replace(intent, policy=wished(intent.policy, other.wish, origin="replay"))
    if other.temperature is not None:
        intent = replace(intent, temperature=other.temperature)
    drawn = intent.policy.mode == THOMPSON
    if drawn and record.candidates[0].sample is None:
        return {}
    seeds = [record.seed]
    if drawn or intent.temperature:
        seeds = [split(record.seed, number + 1) for number in range(draws)]
    try:
        found = Counter(firsts(intent, row.catalog, signals_of(record), seeds))
    except TokenHubError:
        return {}
    return {route: times / len(seeds) for route, times in found.items()}


def _estimate(
    known: Sequence[tuple[Decided, Mapping[str, float]]],
    what: Literal["quality", "failed", "latency"],
    *,
    most: float = 1.0,
) -> Estimate:
    rows = []
    for row, wanted in known:
        past = row.past
        value = {
            "quality": past.quality,
            "failed": float(past.status >= _OURS),
            "latency": past.latency_s if past.status < _OURS else None,
        }[what]
        if value is not None:
            chosen = row.record.candidates[0].route
            rows.append(Logged(chosen, row.record.propensity, wanted, value))
    return estimated(rows, most=most)


def _priced(row: Decided, wanted: Mapping[str, float]) -> Priced:
    record = row.record
    predicted = {
        one.route: float(one.cost_nusd) for one in record.candidates if one.cost_nusd is not None
    }
    actual = row.past.cost_nusd
    return Priced(
        record.candidates[0].route, wanted, predicted, None if actual is None else float(actual)
    )


def _shares(known: Sequence[tuple[Decided, Mapping[str, float]]]) -> tuple[Share, ...]:
    was: dict[str, float] = {}
    would: dict[str, float] = {}
    for row, wanted in known:
        chosen = row.record.candidates[0].route
        was[chosen] = was.get(chosen, 0.0) + 1.0
        for route, share in wanted.items():
            would[route] = would.get(route, 0.0) + share
    names = sorted(was.keys() | would.keys(), key=lambda name: (-would.get(name, 0.0), name))
    count = max(1, len(known))
    return tuple(
        Share(route=name, was=was.get(name, 0.0) / count, would=would.get(name, 0.0) / count)
        for name in names
    )


def _read(row: Past) -> Record | None:
    """The record, unless it is of a version that did not keep all that a decision stands on."""
    try:
        record = record_of(row.decision)
    except msgspec.DecodeError:
        _log.debug("decision_unreadable", extra={"request_id": row.request_id})
        return None
    return None if record.reserved_tokens is None else record
