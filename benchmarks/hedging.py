"""What hedging makes of measured latencies: the tail with it and without, and the calls it adds.

    python benchmarks/hedging.py --data DIR [--field ttft_s] [--seeds 20] [--requests 20000]

DIR/latency.json holds measured calls by provider. For every provider and seed a long row of
requests is drawn from its calls, and for each a second call that nothing binds to the first; the
server's own `Hedges` learns from them live, from the first request on, and says when the second
one goes out. Times are replayed, not waited for.

Second calls go to the same provider, the harder case. `limit` is what p99 would have fallen by at
the best fixed delay for as many calls as are allowed, known beforehand: more than that is not to
be had. For a heavy tail it is done again with second calls at the next quickest provider, where
routing sends them if there is one. Exits with 1 where a target is missed.
"""

import argparse
import time
from bisect import bisect_right
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from tokenhub.core.catalog import Catalog, Model, Provider, Route
from tokenhub.core.rng import below, split
from tokenhub.gateway.hedges import Hedges
from tokenhub.ports.hedging import Hedging, NoHedges
from tokenhub.ports.snapshot import Snapshot

# What issue 4 holds hedging to.
MAX_EXTRA = 0.15
LEAST_GAIN = 5.0
# "Left alone": nobody notices one call more in a hundred.
NEARLY_NONE = 0.01
# A tail is heavy where its p99 is so many times the median, and thin where so few: the exponential
# law, for which having waited says nothing of how long it will still take, has 6.6.
HEAVY, THIN = 10.0, 3.0
COST_NUSD = 1_000_000

FIRST, SECOND = 0, 1


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """One seed of one provider. Seconds; `extra` is the share of calls that were added."""

    p50_s: float
    p99_s: float
    alone_s: float
    extra: float

    @property
    def gain(self) -> float:
        return self.alone_s / self.p99_s


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One provider over all seeds; `to` is where second calls go, empty for the same."""

    provider: str
    to: str = ""
    replays: list[Replay]
    alone: Replay
    limit: float

    def middle(self, figure: Callable[[Replay], float]) -> float:
        return median(map(figure, self.replays))

    @property
    def tail(self) -> str:
        weight = self.middle(lambda r: r.alone_s) / self.alone.p50_s
        return "heavy" if weight >= HEAVY else "thin" if weight <= THIN else "between"

    @property
    def gain(self) -> float:
        return self.middle(lambda r: r.gain)

    @property
    def extra(self) -> float:
        return self.middle(lambda r: r.extra)

    def misses(self) -> list[str]:
        """The targets that this provider does not reach, in words."""
        missed = []
        if self.extra > MAX_EXTRA:
            missed.append(f"{100 * self.extra:.1f} % more calls, not {100 * MAX_EXTRA:.0f}")
        if self.tail == "thin" and self.extra > NEARLY_NONE:
            missed.append(f"a thin tail, and {100 * self.extra:.1f} % more calls")
        if self.tail == "heavy" and self.gain < LEAST_GAIN <= self.limit:
            missed.append(f"p99 falls {self.gain:.2f}-fold, not {LEAST_GAIN:.0f}-fold")
        if self.alone.extra or self.alone.p99_s != self.alone.alone_s:
            missed.append("off, it is not without effect")
        return [f"{self.provider}: {miss}" for miss in missed]


def main() -> int:
    options = arguments().parse_args()
    calls = measured(options.data / "latency.json", options.field)
    rows = []
    print(f"{options.field}, {options.requests} requests a seed, {options.seeds} seeds\n{HEAD}")
    for provider in calls:
        for to in ("", next_quickest(calls, provider)):
            row = replayed(calls, provider, to, seeds=options.seeds, requests=options.requests)
            rows.append(row)
            print(line(row), flush=True)
            if row.tail != "heavy":
                break
    print(f"\na request costs {cost_us(NoHedges()):.2f} us of CPU more with hedging off", end="")
    print(f", {cost_us(hedges()):.1f} us with it on")
    misses = [miss for row in rows for miss in row.misses()]
    print("".join(f"MISSED  {miss}\n" for miss in misses), end="")
    return int(bool(misses))


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of latency.json")
    parser.add_argument(
        "--field", choices=("ttft_s", "end_to_end_s"), default="ttft_s", help="which times"
    )
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--requests", type=int, default=20_000, help="of each seed")
    return parser


def measured(file: Path, field: str) -> dict[str, list[float]]:
    """The times of the calls that were answered, by provider."""
    found: dict[str, list[dict[str, Any]]] = msgspec.json.decode(file.read_bytes())
    return {
        provider: [call[field] for call in calls if not call["error"] and call[field] is not None]
        for provider, calls in found.items()
    }


def next_quickest(calls: dict[str, list[float]], provider: str) -> str:
    """The other provider with the least median, the same where there is no other."""
    others = [name for name in calls if name != provider]
    return min(others, key=lambda name: median(calls[name]), default=provider)


def replayed(
    calls: dict[str, list[float]], provider: str, to: str, *, seeds: int, requests: int
) -> Row:
    firsts, seconds = calls[provider], calls[to or provider]
    other = OTHER if to else ROUTE

    def replays(hedging: Callable[[], Hedging], count: int) -> list[Replay]:
        return [
            replay(firsts, seconds, hedging(), other=other, seed=seed, requests=requests)
            for seed in range(count)
        ]

    return Row(
        provider=provider,
        to=to,
        replays=replays(hedges, seeds),
        alone=replays(NoHedges, 1)[0],
        limit=limit(firsts, seconds),
    )


def replay(
    firsts: list[float],
    seconds: list[float],
    hedging: Hedging,
    *,
    other: Route,
    seed: int,
    requests: int,
) -> Replay:
    """A row of requests, each of them with a first and a second call drawn anew."""
    took, alone, extra = [], [], 0
    first, second = split(seed, FIRST), split(seed, SECOND)
    for number in range(requests):
        first_s = firsts[below(first, number, len(firsts))]
        second_s = seconds[below(second, number, len(seconds))]
        answered_s, fired = served(hedging, first_s, second_s, other=other)
        took.append(answered_s)
        alone.append(first_s)
        extra += fired
    took.sort()
    alone.sort()
    return Replay(
        p50_s=took[requests // 2],
        p99_s=took[requests * 99 // 100],
        alone_s=alone[requests * 99 // 100],
        extra=extra / requests,
    )


def served(
    hedging: Hedging, first_s: float, second_s: float, *, other: Route
) -> tuple[float, bool]:
    """When the request is answered, and whether a second call went out."""
    hedging.sent(ROUTE, COST_NUSD)
    after_s = hedging.after_s(ROUTE, stream=True)
    if after_s is None or first_s <= after_s or not hedging.fire(other, COST_NUSD):
        hedging.heard(ROUTE, stream=True, took_s=first_s)
        return first_s, False
    answered_s = min(first_s, after_s + second_s)
    if answered_s == first_s:
        hedging.heard(ROUTE, stream=True, took_s=first_s)
        hedging.lost(other, stream=True, after_s=first_s - after_s)
    else:
        hedging.heard(other, stream=True, took_s=second_s)
        hedging.lost(ROUTE, stream=True, after_s=answered_s)
    return answered_s, True


def limit(firsts: list[float], seconds: list[float]) -> float:
    """How much p99 falls at the best fixed delay that adds no more calls than are allowed."""
    firsts, seconds = sorted(firsts), sorted(seconds)
    alone_s = best_s = next(t for t in firsts if over(firsts, t) <= 0.01)
    for delay_s in (t for t in firsts if over(firsts, t) <= MAX_EXTRA):
        ends = sorted({*firsts, *(t + delay_s for t in seconds)})
        end_s = next(t for t in ends if over(firsts, t) * over(seconds, t - delay_s) <= 0.01)
        best_s = min(best_s, end_s)
    return alone_s / best_s


def over(times_s: list[float], seconds: float) -> float:
    """The share of sorted times that are longer."""
    return 1 - bisect_right(times_s, seconds) / len(times_s)


def cost_us(hedging: Hedging, calls: int = 20_000) -> float:
    """CPU microseconds of a request's questions and reports, of a tail that is worth hedging."""
    begun = time.process_time()
    for number in range(calls):
        served(hedging, 9.0 if number % 10 == 0 else 1.0, 1.0, other=ROUTE)
    return 1e6 * (time.process_time() - begun) / calls


def hedges() -> Hedges:
    return Hedges(Snapshot(CATALOG), percent=round(100 * MAX_EXTRA))


def _catalog() -> Catalog:
    return Catalog.build(
        providers=[Provider(id="measured", base_url="http://measured.invalid")],
        models=[Model(id=name, provider_id="measured") for name in ("first", "second")],
    )


HEAD = (
    f"{'':<32} {'tail':<8} {'p50':>7} {'p99':>8} {'without':>8} {'ratio':>6} {'worst':>6}"
    f" {'limit':>6} {'more calls':>11} {'most':>7}"
)


def line(row: Row) -> str:
    worst = min(replay.gain for replay in row.replays)
    most = max(replay.extra for replay in row.replays)
    name = f"{row.provider} then {row.to}" if row.to else row.provider
    return (
        f"{name:<32} {row.tail:<8} {row.middle(lambda r: r.p50_s):>7.2f}"
        f" {row.middle(lambda r: r.p99_s):>8.2f} {row.middle(lambda r: r.alone_s):>8.2f}"
        f" {row.gain:>6.2f} {worst:>6.2f} {row.limit:>6.2f} {100 * row.extra:>9.1f} %"
        f" {100 * most:>5.1f} %"
    )


CATALOG = _catalog()
ROUTE, OTHER = CATALOG.routes

if __name__ == "__main__":
    raise SystemExit(main())
