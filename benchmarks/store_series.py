"""Stats and charts over a week of 1,000,000 requests, and over 90 days of roll-ups.

    python benchmarks/store_series.py [--requests 1000000] [--folder .]

The week is written by the server's own sink and writer, in the order of time, into a store as the
server has it; before it come 83 days of as many requests, whose roll-ups alone are written, by the
same code from hours that are the week's. Requests are synthetic: 6 models at 3 providers, 20 keys,
4 modes, 2 % failures, latencies and first tokens log-normal, one in five answers streamed.
"""

import argparse
import asyncio
import random
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec
import uvloop

from tokenhub.adapters.sqlite.series import SqliteSeries
from tokenhub.adapters.sqlite.stores import Stores, open_stores
from tokenhub.admin.charts import ChartQuery, Charts
from tokenhub.admin.stats import Statistics
from tokenhub.core.levels import DAY_S, LEVELS, RETENTION_DAYS
from tokenhub.core.outcome import Attempt, Outcome
from tokenhub.ports.snapshot import Snapshot

WEEK_S = 7 * DAY_S
REQUESTS = 1_000_000
END = 1_764_000_000 // DAY_S * DAY_S + 9 * 3600
ROUNDS = 20
# What the writer gets at once: a minute of the week at a time, since it is long, and what the
# server gives it where its cost is measured.
MINUTE_S = 60.0
FLIGHT_S = 5.0
# Requests a second: as many as the week has, and as many as a server bears.
RATES = (2, 1000)
QUERIES = {
    "7 days, requests": ChartQuery(metric="requests", start=END - WEEK_S),
    "7 days, cost by model": ChartQuery(metric="cost", by=("model",), start=END - WEEK_S),
    "7 days, p95 by model": ChartQuery(
        metric="latency", agg="p95", by=("model",), start=END - WEEK_S
    ),
    "7 days, p95 by key": ChartQuery(metric="latency", agg="p95", by=("key",), start=END - WEEK_S),
    "7 days, cost of a key by model": ChartQuery(
        metric="cost", by=("model",), only={"key": "key_3"}, start=END - WEEK_S
    ),
    "7 days in 10 min, p95 by model": ChartQuery(
        metric="latency", agg="p95", by=("model",), start=END - WEEK_S, step_s=600
    ),
    "90 days, cost by model": ChartQuery(metric="cost", by=("model",), start=END - 90.0 * DAY_S),
    "90 days, p95 by model": ChartQuery(
        metric="latency", agg="p95", by=("model",), start=END - 90.0 * DAY_S
    ),
    "90 days, p95 by key": ChartQuery(
        metric="latency", agg="p95", by=("key",), start=END - 90.0 * DAY_S
    ),
    "90 days in 1 h, p95 by model": ChartQuery(
        metric="latency", agg="p95", by=("model",), start=END - 90.0 * DAY_S, step_s=3600
    ),
}


class Still:
    """A clock that stands at the end of the week."""

    def now(self) -> float:
        return float(END)

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def requests(count: int, *, seed: int = 1) -> Iterator[Outcome]:
    """So many requests in the week before END."""
    rng = random.Random(seed)
    models = [(f"vendor-{n % 3}", f"large-model-{n}") for n in range(6)]
    for number in range(count):
        provider, model = models[min(int(rng.expovariate(0.6)), 5)]
        failed = rng.random() < 0.02
        streamed = rng.random() < 0.2
        tokens = rng.randrange(100, 4000)
        attempt = Attempt(
            number=1,
            provider_id=provider,
            model_id=model,
            state="voided" if failed else "settled",
            input_tokens=0 if failed else tokens,
            output_tokens=0 if failed else tokens // 4,
            cost_nusd=0 if failed else tokens * 900,
        )
        yield Outcome(
            request_id=f"req_{number}",
            at=END - WEEK_S + number * WEEK_S / count,
            key_id=f"key_{min(int(rng.expovariate(0.2)), 19)}",
            dialect="openai",
            requested_model=model,
            mode=rng.choice(("normal", "normal", "cheap", "high_confidence", "thompson")),
            reason="routed-weight-5",
            model_id="" if failed else model,
            provider_id="" if failed else provider,
            status=rng.choice((502, 429, 504)) if failed else 200,
            error_class="transient" if failed else "",
            latency_s=rng.lognormvariate(0, 0.8),
            first_token_s=rng.lognormvariate(-1, 0.5) if streamed and not failed else 0.0,
            attempts=(attempt,),
        )


async def fill(series: SqliteSeries, count: int) -> None:
    """Write the week."""
    flight: list[Outcome] = []
    border = END - WEEK_S + MINUTE_S
    for outcome in requests(count):
        if outcome.at >= border:
            await write(series, flight)
            flight, border = [], border + MINUTE_S
        flight.append(outcome)
    await write(series, flight)


async def write(series: SqliteSeries, flight: list[Outcome]) -> tuple[float, float]:
    began, loop = time.process_time(), time.thread_time()
    for outcome in flight:
        series.record(outcome)
    series._count()  # noqa: SLF001 - what the server's loop does in between
    sink_s = time.thread_time() - loop
    series._flush()  # noqa: SLF001 - what the server's timer does
    while series._flight is not None:  # noqa: SLF001
        await asyncio.wait([series._flight])  # noqa: SLF001
        await asyncio.sleep(0)
    return sink_s, time.process_time() - began


def age(conn: sqlite3.Connection) -> None:
    """Give the 83 days before the week the week's hours and days, again and again."""
    for weeks in range(1, 13):
        for step_s in (LEVELS[-2].step_s, LEVELS[-1].step_s):
            conn.execute(
                "INSERT OR IGNORE INTO series (step_s, cut, at, sums, latencies, firsts) "
                "SELECT step_s, cut, at - ?, sums, latencies, firsts FROM series "
                "WHERE step_s = ? AND at >= ? AND at - ? >= ?",
                (
                    weeks * WEEK_S,
                    step_s,
                    END - WEEK_S,
                    weeks * WEEK_S,
                    END - RETENTION_DAYS * DAY_S,
                ),
            )


async def timed(ask: Callable[[], Awaitable[object]]) -> str:
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        found = await ask()
        took.append((time.perf_counter() - began) * 1e3)
    took.sort()
    points = sum(len(line.points) for line in getattr(found, "lines", ()))
    shown = f", {points:5} points" if points else ""
    return f"p50 {took[ROUNDS // 2]:6.1f} ms, p95 {took[(ROUNDS * 95 - 1) // 100]:6.1f} ms{shown}"


async def sizes(stores: Stores) -> Iterator[str]:
    """The rows and bytes of each level, for each day of it and at its full length."""

    def query(conn: sqlite3.Connection) -> list[tuple[int, int, int, int]]:
        return conn.execute(
            "SELECT step_s, count(*), sum(length(sums) + length(latencies) + length(firsts) + 40), "
            "max(at) - min(at) + step_s FROM series GROUP BY step_s ORDER BY step_s"
        ).fetchall()

    found = await stores._telemetry.read(query)  # noqa: SLF001 - to look at the file
    lines = []
    whole = 0.0
    for (step_s, rows, size, span_s), level in zip(found, LEVELS, strict=True):
        a_day = size / (span_s / DAY_S)
        days = level.kept_s(RETENTION_DAYS * DAY_S) / DAY_S
        whole += a_day * days
        lines.append(
            f"steps of {step_s:5} s: {rows:6} rows, {a_day / 2**20:6.2f} MiB a day, "
            f"kept {days:2.0f} days: {a_day * days / 2**20:6.1f} MiB"
        )
    return iter([*lines, f"all that is kept: {whole / 2**20:.0f} MiB"])


async def measured(folder: Path, count: int) -> None:
    async with open_stores(folder / "tokenhub.sqlite") as stores:
        series = stores.series
        began = time.perf_counter()
        await fill(series, count)
        print(f"a week of {count} requests, written in {time.perf_counter() - began:.0f} s")
        await series.prune(float(END))
        await stores._telemetry.write(age)  # noqa: SLF001 - 83 days more
        for line in await sizes(stores):
            print(line)
        print(f"file: {stores._telemetry.path.stat().st_size / 2**20:.0f} MiB")  # noqa: SLF001
        await asked(series)


async def asked(series: SqliteSeries) -> None:
    statistics = Statistics(store=series, table=Snapshot({}), clock=Still())
    print(f"{'stats':34} {await timed(statistics.now)}")
    charts = Charts(store=series, clock=Still())
    for name, query in QUERIES.items():
        print(f"{name:34} {await timed(lambda query=query: charts.query(query))}", flush=True)


async def cost(folder: Path, per_s: int) -> None:
    """What a request costs, in the sink and behind it, at a rate."""
    count = min(60 * per_s, 30_000) + 500
    every = int(per_s * FLIGHT_S)
    outcomes = [
        msgspec.structs.replace(one, at=END - WEEK_S + number / per_s)
        for number, one in enumerate(requests(count))
    ]
    sink_s = cpu_s = 0.0
    async with open_stores(folder / "tokenhub.sqlite") as stores:
        for start in range(0, count, every):
            spent = await write(stores.series, outcomes[start : start + every])
            sink_s, cpu_s = sink_s + spent[0], cpu_s + spent[1]
    print(
        f"at {per_s:4} requests a second: {sink_s / count * 1e6:5.1f} us CPU per request in the "
        f"loop, {cpu_s / count * 1e6:5.1f} with the writer's thread",
        flush=True,
    )


def checks(folder: Path, count: int = REQUESTS) -> None:
    """Write and ask in a folder, and print what it took."""
    works = {f"at-{rate}": partial(cost, per_s=rate) for rate in RATES}
    for name, work in {**works, "week": partial(measured, count=count)}.items():
        place = folder / name
        place.mkdir()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work(place))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=REQUESTS, help="in the week")
    parser.add_argument("--folder", type=Path, default=Path(), help="on the disk to be measured")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        checks(Path(folder), max(1000, min(arguments.requests, 10 * REQUESTS)))


if __name__ == "__main__":
    main()
