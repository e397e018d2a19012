"""Prometheus: counted in plain numbers while requests run, put into words when scraped.

Names and labels are those of `families.py`. The client library's own counters take locks and look
labels up on every increment; here each combination of labels has an object that is kept, and an
outcome costs two look-ups and a few additions.

Labels are bounded: modes are those we know, models and providers those of the catalog, and of
these MOST_ROUTES. What is beyond that is `other`.
"""

import asyncio
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from tokenhub.adapters.telemetry.families import BY_NAME, OTHER
from tokenhub.core.attempts import HEDGED
from tokenhub.core.catalog import MODES
from tokenhub.core.money import usd
from tokenhub.core.outcome import Attempt, Outcome
from tokenhub.core.waits import BOUNDS_S, Waits

# Doubling from 10 ms as in the original, but up to 164 s: its last bucket, 5 s, could not show
# what a slow model takes.
BOUNDS_MS = tuple(10.0 * 2**n for n in range(15))
FIRST_TOKEN_BOUNDS_S = tuple(bound / 1000 for bound in BOUNDS_MS)
# Combinations of mode, model and provider that are counted apart. An operator who makes and
# deletes models all day must not make a scrape longer every day.
MOST_ROUTES = 2000
_KNOWN_MODES = frozenset({*MODES, ""})
# Six steps of Waits are a doubling, which is fine enough for a dashboard.
_COARSE = 6


class Readings(msgspec.Struct, frozen=True, kw_only=True):
    """What others count, at the time of a scrape; totals are since the start.

    `stores` says of each file whether it takes writes, `dropped` what could not be kept. Health
    is 2, 1 or 0, by provider and by model and provider.
    """

    under_way: int = 0
    overload_refused: int = 0
    addresses_refused: int = 0
    keys_refused: int = 0
    operators_refused: int = 0
    queue_waits: Waits = msgspec.field(default_factory=Waits)
    commit_waits: Waits = msgspec.field(default_factory=Waits)
    dropped: Mapping[str, int] = {}
    stores: Mapping[str, bool] = {}
    store_faults: Mapping[str, int] = {}
    providers: Mapping[str, int] = {}
    routes: Mapping[tuple[str, str], int] = {}
    vault_locked: bool = False
    version: str = ""


class _Taken(Collector):
    """What was collected before."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


class _Ends:
    """How the requests of one mode, model and provider ended."""

    __slots__ = ("buckets", "errors", "latency_ms", "ok")

    def __init__(self) -> None:
        self.ok = 0
        self.errors: dict[int, int] = {}
        self.buckets = [0] * (len(BOUNDS_MS) + 1)
        self.latency_ms = 0.0


class _Calls:
    """What the calls of one model at one provider came to."""

    __slots__ = ("cost_nusd", "ends", "first_buckets", "first_s", "input_tokens", "output_tokens")

    def __init__(self) -> None:
        self.cost_nusd = 0
        self.input_tokens = 0
        self.output_tokens = 0
        self.ends: dict[tuple[str, str], int] = {}
        self.first_buckets: list[int] = []
        self.first_s = 0.0


class Metrics(Collector):
    """A sink of outcomes, and what `GET /metrics` shows of them beside the `readings`."""

    def __init__(self, readings: Callable[[], Readings] = Readings) -> None:
        self._readings = readings
        self._ends: dict[tuple[str, str, str], _Ends] = {}
        self._calls: dict[tuple[str, str], _Calls] = {}
        self._skips: dict[tuple[str, str], int] = defaultdict(int)
        self._overhead = Waits()
        self._retries = 0
        self._hedges = {"won": 0, "lost": 0}
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def record(self, outcome: Outcome) -> None:
        ends = self._ends.get((outcome.mode, outcome.model_id, outcome.provider_id))
        if ends is None:
            ends = self._new_ends(outcome)
        if outcome.error_class:
            ends.errors[outcome.status] = ends.errors.get(outcome.status, 0) + 1
        else:
            latency_ms = outcome.latency_s * 1000
            ends.ok += 1
            ends.buckets[bisect_left(BOUNDS_MS, latency_ms)] += 1
            ends.latency_ms += latency_ms
        if outcome.attempts:
            self._overhead.note(outcome.overhead_s)
            for attempt in outcome.attempts:
                self._called(attempt)
            if outcome.hedges or len(outcome.attempts) > 1:
                self._tried_again(outcome)
            if outcome.first_token_s:
                self._began(outcome)
        if outcome.skipped:
            self._passed_over(outcome.skipped)

    def text(self) -> bytes:
        """The text format of Prometheus."""
        return generate_latest(self._registry)

    async def page(self) -> bytes:
        """The same, with all but the reading done by a thread.

        To write it takes four fifths of the time: 0.2 s for 1,000 models, which requests would
        wait for.
        """
        taken = CollectorRegistry()
        taken.register(_Taken(list(self._registry.collect())))
        return await asyncio.to_thread(generate_latest, taken)

    # --- an outcome

    def _called(self, attempt: Attempt) -> None:
        calls = self._calls.get((attempt.model_id, attempt.provider_id))
        if calls is None:
            calls = self._new_calls(attempt.model_id, attempt.provider_id)
        calls.cost_nusd += attempt.cost_nusd or 0
        calls.input_tokens += attempt.input_tokens
        calls.output_tokens += attempt.output_tokens
        end = (attempt.state, attempt.kind)
        calls.ends[end] = calls.ends.get(end, 0) + 1

    def _passed_over(self, skipped: Sequence[tuple[str, str]]) -> None:
        """Of each provider, each reason once, however many of its models were left out for it."""
        for who in {(route.partition("/")[0], reason) for route, reason in skipped}:
            if who in self._skips or len(self._skips) < MOST_ROUTES:
                self._skips[who] += 1
            else:
                self._skips[OTHER, who[1]] += 1

    def _tried_again(self, outcome: Outcome) -> None:
        self._retries += max(0, len(outcome.attempts) - 1 - outcome.hedges)
        if outcome.hedges:
            won = outcome.reason == HEDGED
            self._hedges["won"] += won
            self._hedges["lost"] += outcome.hedges - won

    def _began(self, outcome: Outcome) -> None:
        who = (outcome.model_id, outcome.provider_id)
        calls = self._calls.get(who) or self._new_calls(*who)
        if not calls.first_buckets:
            calls.first_buckets = [0] * (len(FIRST_TOKEN_BOUNDS_S) + 1)
        calls.first_buckets[bisect_left(FIRST_TOKEN_BOUNDS_S, outcome.first_token_s)] += 1
        calls.first_s += outcome.first_token_s

    def _new_ends(self, outcome: Outcome) -> _Ends:
        """The place of a combination that was not seen before, or that of all the rest."""
        mode = outcome.mode if outcome.mode in _KNOWN_MODES else OTHER
        route = (mode, outcome.model_id, outcome.provider_id)
        if route not in self._ends and len(self._ends) >= MOST_ROUTES:
            route = (mode, OTHER, OTHER)
        return self._ends.setdefault(route, _Ends())

    def _new_calls(self, model_id: str, provider_id: str) -> _Calls:
        full = len(self._calls) >= MOST_ROUTES
        return self._calls.setdefault((OTHER, OTHER) if full else (model_id, provider_id), _Calls())

    # --- a scrape

    def collect(self) -> Iterable[Metric]:
        now = self._readings()
        yield from self._of_requests()
        yield from self._of_calls()
        yield from _of_the_door(now)
        yield from _of_health(now)
        yield from _of_the_stores(now)
        locked = {(): float(now.vault_locked)}
        yield _gauge("tokenhub_vault_locked", locked)
        yield _gauge("tokenhub_build_info", {(now.version,): 1.0})

    def _of_requests(self) -> Iterable[Metric]:
        requests = {(*route, "ok"): ends.ok for route, ends in self._ends.items() if ends.ok}
        errors: dict[tuple[str, ...], float] = {}
        for route, ends in self._ends.items():
            for status, count in ends.errors.items():
                errors[*route, str(status)] = count
            if ends.errors:
                requests[*route, "error"] = sum(ends.errors.values())
        yield _counter("tokenhub_requests_total", requests)
        yield _counter("tokenhub_request_errors_total", errors)
        latency = _histogram("tokenhub_request_latency_ms")
        for route, ends in self._ends.items():
            if ends.ok:
                shown = _summed(BOUNDS_MS, ends.buckets)
                latency.add_metric(list(route), shown, sum_value=ends.latency_ms)
        yield latency
        yield _waits("tokenhub_overhead_seconds", self._overhead)
        yield _counter("tokenhub_retries_total", {(): self._retries})
        yield _counter("tokenhub_hedges_total", {(name,): n for name, n in self._hedges.items()})
        yield _counter("tokenhub_provider_skips_total", self._skips)

    def _of_calls(self) -> Iterable[Metric]:
        calls = self._calls.items()
        yield _counter("tokenhub_cost_usd_total", {who: usd(one.cost_nusd) for who, one in calls})
        tokens: dict[tuple[str, ...], float] = {}
        ends: dict[tuple[str, ...], float] = {}
        first = _histogram("tokenhub_first_token_seconds")
        for who, one in calls:
            tokens[*who, "input"] = one.input_tokens
            tokens[*who, "output"] = one.output_tokens
            ends |= {(*who, *end): count for end, count in one.ends.items()}
            if one.first_buckets:
                shown = _summed(FIRST_TOKEN_BOUNDS_S, one.first_buckets)
                first.add_metric(list(who), shown, sum_value=one.first_s)
        yield _counter("tokenhub_tokens_total", tokens)
        yield _counter("tokenhub_attempts_total", ends)
        yield first


def _of_the_door(now: Readings) -> Iterable[Metric]:
    told = now.addresses_refused + now.keys_refused
    yield _gauge("tokenhub_requests_under_way", {(): now.under_way})
    yield _counter("tokenhub_requests_refused_total", {(): now.overload_refused})
    yield _counter("tokenhub_rate_limited_total", {(): told})
    yield _counter("tokenhub_key_rate_limited_total", {(): now.keys_refused})
    yield _counter("tokenhub_admin_rate_limited_total", {(): now.operators_refused})
    yield _waits("tokenhub_queue_wait_seconds", now.queue_waits)


def _of_health(now: Readings) -> Iterable[Metric]:
    states = {(name,): state for name, state in now.providers.items()}
    yield _gauge("tokenhub_provider_health_state", states)
    yield _gauge("tokenhub_route_health_state", now.routes)


def _of_the_stores(now: Readings) -> Iterable[Metric]:
    # As fine as it is counted: the benchmark reads percentiles from it.
    commits = _histogram("tokenhub_commit_wait_seconds")
    waits = now.commit_waits
    commits.add_metric([], _summed(BOUNDS_S, waits.counts), sum_value=waits.sum_s)
    yield commits
    yield _gauge("tokenhub_store_up", {(file,): float(up) for file, up in now.stores.items()})
    faults = {(file,): count for file, count in now.store_faults.items()}
    yield _counter("tokenhub_store_faults_total", faults)
    dropped = {(op,): count for op, count in now.dropped.items()}
    yield _counter("tokenhub_store_dropped_total", dropped)
    yield _counter("tokenhub_decisions_lost_total", {(): now.dropped.get("decision", 0)})


def _summed(bounds: Iterable[float], counts: Iterable[int]) -> list[tuple[str, float]]:
    """Each bound with the count of all up to it, as Prometheus has them."""
    return [
        (str(bound), float(total))
        for bound, total in zip((*bounds, "+Inf"), accumulate(counts), strict=True)
    ]


def _waits(name: str, waits: Waits) -> Metric:
    """A histogram of waits, at every doubling of a tenth of a millisecond."""
    family = _histogram(name)
    summed = _summed(BOUNDS_S, waits.counts)
    family.add_metric([], [*summed[:-1:_COARSE], summed[-1]], sum_value=waits.sum_s)
    return family


def _histogram(name: str) -> HistogramMetricFamily:
    about = BY_NAME[name]
    return HistogramMetricFamily(name, about.text, labels=list(about.labels))


def _counter(name: str, values: Mapping[Any, float]) -> Metric:
    about = BY_NAME[name]
    return _filled(CounterMetricFamily(name, about.text, labels=list(about.labels)), values)


def _gauge(name: str, values: Mapping[Any, float]) -> Metric:
    about = BY_NAME[name]
    return _filled(GaugeMetricFamily(name, about.text, labels=list(about.labels)), values)


def _filled(family: CounterMetricFamily | GaugeMetricFamily, values: Mapping[Any, float]) -> Metric:
    for labels, value in values.items():
        family.add_metric(list(labels), value)
    return family
