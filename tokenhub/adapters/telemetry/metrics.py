"""Prometheus: counted in plain dicts while requests run, put into words when scraped.

Names and labels are the original's (original-behaviour 6.7). The client library's own counters
take locks and look labels up on every increment; here an outcome costs a few dict additions.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from tokenhub.core.money import usd
from tokenhub.core.outcome import Outcome
from tokenhub.core.waits import BOUNDS_S, Waits

# Doubling from 10 ms as in the original, but up to 164 s: its last bucket, 5 s, could not show
# what a slow model takes.
BOUNDS_MS = tuple(10.0 * 2**n for n in range(15))

_Labels = tuple[str, str, str, str]
_Route = tuple[str, str, str]


class Metrics(Collector):
    """A sink of outcomes, and what `GET /metrics` shows of them.

    `decisions_lost` gives how many decision records were dropped since the start, `load` how many
    requests are under way, wait for their turn, and were refused in overload, `commits` how long
    requests waited to be on the disk.
    """

    def __init__(
        self,
        *,
        decisions_lost: Callable[[], int] = lambda: 0,
        load: Callable[[], tuple[int, int]] = lambda: (0, 0),
        commits: Waits | None = None,
    ) -> None:
        self._commits = commits or Waits()
        self._decisions_lost = decisions_lost
        self._load = load
        self._requests: dict[_Labels, int] = defaultdict(int)
        self._errors: dict[_Labels, int] = defaultdict(int)
        self._costs: dict[tuple[str, str], int] = defaultdict(int)
        self._tokens: dict[tuple[str, str, str], int] = defaultdict(int)
        self._buckets: dict[_Route, list[int]] = {}
        self._latency_sums: dict[_Route, float] = defaultdict(float)
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def record(self, outcome: Outcome) -> None:
        route = (outcome.mode, outcome.model_id, outcome.provider_id)
        self._requests[(*route, "error" if outcome.error_class else "ok")] += 1
        if outcome.error_class:
            self._errors[(*route, str(outcome.status))] += 1
        else:
            self._time(route, outcome.latency_s * 1000)
        for attempt in outcome.attempts:
            who = (attempt.model_id, attempt.provider_id)
            self._costs[who] += attempt.cost_nusd or 0
            self._tokens[(*who, "input")] += attempt.input_tokens
            self._tokens[(*who, "output")] += attempt.output_tokens

    def text(self) -> bytes:
        """The text format of Prometheus."""
        return generate_latest(self._registry)

    def collect(self) -> Iterable[Metric]:
        labels = ["mode", "model", "provider", "status"]
        yield _counter("tokenhub_requests", "Requests by how they ended", labels, self._requests)
        labels = ["mode", "model", "provider", "http_status"]
        yield _counter("tokenhub_request_errors", "Failed requests", labels, self._errors)
        costs = {who: usd(cost) for who, cost in self._costs.items()}
        yield _counter("tokenhub_cost_usd", "USD spent", ["model", "provider"], costs)
        labels = ["model", "provider", "direction"]
        yield _counter("tokenhub_tokens", "Tokens of all attempts", labels, self._tokens)
        yield self._latency()
        yield CounterMetricFamily(
            "tokenhub_decisions_lost",
            "Decision records that were dropped or could not be written",
            value=self._decisions_lost(),
        )

        yield self._commit_waits()
        under_way, refused = self._load()
        yield GaugeMetricFamily("tokenhub_requests_under_way", "Requests on /v1 now", under_way)
        yield CounterMetricFamily(
            "tokenhub_requests_refused", "Requests refused in overload", value=refused
        )

    def _commit_waits(self) -> Metric:
        waits = self._commits
        return HistogramMetricFamily(
            "tokenhub_commit_wait_seconds",
            "How long finished requests waited to be on the disk",
            buckets=_summed(BOUNDS_S, waits.counts),
            sum_value=waits.sum_s,
        )

    def _time(self, route: _Route, latency_ms: float) -> None:
        buckets = self._buckets.get(route)
        if buckets is None:
            buckets = self._buckets[route] = [0] * (len(BOUNDS_MS) + 1)
        buckets[bisect_left(BOUNDS_MS, latency_ms)] += 1
        self._latency_sums[route] += latency_ms

    def _latency(self) -> Metric:
        family = HistogramMetricFamily(
            "tokenhub_request_latency_ms",
            "Latency of successful requests in milliseconds",
            labels=["mode", "model", "provider"],
        )
        for route, buckets in self._buckets.items():
            shown = _summed(BOUNDS_MS, buckets)
            family.add_metric(list(route), shown, sum_value=self._latency_sums[route])
        return family


def _summed(bounds: Iterable[float], counts: Iterable[int]) -> list[tuple[str, float]]:
    """Each bound with the count of all up to it, as Prometheus has them."""
    return [
        (str(bound), float(total))
        for bound, total in zip((*bounds, "+Inf"), accumulate(counts), strict=True)
    ]


def _counter(name: str, text: str, labels: list[str], values: Mapping[Any, float]) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(list(key), value)
    return family
