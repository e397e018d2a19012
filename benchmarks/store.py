"""How long questions take over a week of a million requests, and what writing them costs.

    python benchmarks/store.py [--requests 1000000] [--rounds 20] [--folder .]

The week is synthetic (traffic_week.py) and written by the server's own journal: log rows, ledger
rows and what the log is searched by, each commit on the disk. Decision records are not: they are a
file of their own, which no question here reads; charts have theirs too, and a bench of their own
(store_series.py). The questions, those of store_logs.py, are put to a real server over HTTP, one
after the other, and timed to the end of the answer.
CPU is the server's own, which other work on the machine does not lengthen.
It ends with 1 where the p95 of one is above the limit.
"""

import argparse
import asyncio
import http.client
import os
import secrets
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import uvloop
from store_check import Check
from store_logs import CHECKS
from targets import Target, free_port
from traffic_week import WEEK_S, traffic

from tokenhub.adapters.clock import SystemClock
from tokenhub.adapters.sqlite.stores import Stores, open_stores, telemetry_path
from tokenhub.core.outcome import Outcome

LIMIT_MS = 200.0
# Requests that are written at once, as under load: what one commit can take.
AT_ONCE = 512
# Of these each insert cost is measured, so many rounds with and without, in turn.
SAMPLE, SAMPLES = 30_000, 3
CALLERS = 32
EXPORTED = 100_000
START_S = 120.0


class Server(Target):
    """TokenHub over a file that is there."""

    name = "tokenhub"

    def __init__(self, path: Path) -> None:
        self.port = free_port()
        self.token = secrets.token_urlsafe(32)
        env = {
            "HOME": str(path.parent),
            "PATH": os.defpath,
            "TOKENHUB_LISTEN_ADDR": f"127.0.0.1:{self.port}",
            "TOKENHUB_DB_DSN": str(path),
            "TOKENHUB_ADMIN_TOKEN": self.token,
            "TOKENHUB_RATE_LIMIT_RPS": "0",
            "TOKENHUB_CREDENTIALS_FILE": str(path.parent / "none"),
        }
        quiet = subprocess.DEVNULL
        cores = len(os.sched_getaffinity(0))
        super().__init__(
            ["-m", "tokenhub", "serve"], core=cores - 1, env=env, stdout=quiet, stderr=quiet
        )
        os.sched_setaffinity(self._child.pid, os.sched_getaffinity(0))
        until = time.perf_counter() + START_S
        while time.perf_counter() < until and self.alive():
            try:
                self.ask("/healthz")
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise SystemExit("the server did not start")

    def ask(self, path: str) -> int:
        """The length of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60.0)
        try:
            connection.request("GET", path, headers={"authorization": f"Bearer {self.token}"})
            answer = connection.getresponse()
            body, length = b"", 0
            while piece := answer.read(65_536):
                body, length = piece, length + len(piece)
            if answer.status != http.client.OK:
                raise SystemExit(f"{path} was answered with {answer.status}: {body.decode()}")
            return length
        finally:
            connection.close()


async def written(path: Path, requests: Iterator[Outcome]) -> float:
    """Write the requests; the seconds of CPU that each took."""
    async with open_stores(path) as stores:
        count, cpu = 0, time.process_time()
        while batch := list(islice(requests, AT_ONCE)):
            count += len(batch)
            done = [stores.journal.record(outcome) for outcome in batch]
            await asyncio.gather(*done)
        return (time.process_time() - cpu) / max(count, 1)


async def insert_cost(folder: Path, outcomes: Sequence[Outcome], *, indexed: bool) -> float:
    """Microseconds of CPU for a request, 32 callers at once, in a new file."""
    async with open_stores(folder / "tokenhub.sqlite") as stores:
        if not indexed:
            await stores._ledger.write(_drop_index)  # noqa: SLF001 - what no server does
        todo = iter(outcomes)
        cpu = time.process_time()
        async with asyncio.TaskGroup() as callers:
            for _ in range(CALLERS):
                callers.create_task(_record(stores, todo))
        return (time.process_time() - cpu) / len(outcomes) * 1e6


async def _record(stores: Stores, todo: Iterator[Outcome]) -> None:
    for outcome in todo:
        await stores.journal.record(outcome)


def _drop_index(conn: sqlite3.Connection) -> None:
    conn.execute("DROP TRIGGER requests_indexed")


def timed(server: Server, check: Check, *, rounds: int, now: float) -> tuple[list[float], float]:
    """Milliseconds of each round, sorted, and those of the server's CPU on the average.

    The first round, which reads the disk, is one of them.
    """
    took = []
    clock = server.clock()
    cpu = time.clock_gettime(clock)
    for number in range(rounds):
        start = time.perf_counter()
        server.ask(check.path(number, now))
        took.append((time.perf_counter() - start) * 1000)
    return sorted(took), (time.clock_gettime(clock) - cpu) / rounds * 1000


def _run(work: Callable[[], object]) -> object:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work())


def print_insert_cost(folder: Path) -> None:
    # As close together as a million of a week are.
    span_s = WEEK_S * SAMPLE / 1_000_000
    outcomes = list(traffic(SAMPLE, end=SystemClock().now(), span_s=span_s))
    costs: dict[bool, list[float]] = {True: [], False: []}
    for indexed in (True, False) * SAMPLES:
        with tempfile.TemporaryDirectory(dir=folder) as inner:
            cost = _run(lambda at=Path(inner), on=indexed: insert_cost(at, outcomes, indexed=on))
        costs[indexed].append(float(str(cost)))
    with_it, without = (statistics.median(costs[on]) for on in (True, False))
    print(
        f"insert, {CALLERS} callers: {with_it:.1f} us of CPU per request, {without:.1f} without "
        f"what the log is searched by (median of {SAMPLES})",
        flush=True,
    )


def print_export(server: Server) -> None:
    before, start = server.rss_bytes(), time.perf_counter()
    length = server.ask(f"/admin/v1/logs?format=csv&limit={EXPORTED}")
    took = time.perf_counter() - start
    grown = (server.rss_bytes() - before) / 2**20
    print(
        f"export of {EXPORTED:,} rows as CSV: {took:.1f} s, {length / 2**20:.0f} MiB, the server's "
        f"memory grew by {grown:.0f} MiB"
    )


def print_files(path: Path, requests: int) -> None:
    for name in (path, telemetry_path(path)):
        size = name.stat().st_size
        print(f"{name.name}: {size / 2**20:.0f} MiB, {size / requests:.0f} bytes per request")
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as conn:
        kinds, hours = (
            conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("log_kinds", "log_hours")
        )
    conn.close()
    print(f"log_kinds: {kinds:,} rows, log_hours: {hours:,} rows")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=20, help="of each question")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        print_insert_cost(folder)
        path, now = folder / "tokenhub.sqlite", SystemClock().now()
        start = time.perf_counter()
        each = _run(lambda: written(path, traffic(arguments.requests, end=now)))
        print(
            f"wrote {arguments.requests:,} requests in {time.perf_counter() - start:.0f} s, "
            f"{float(str(each)) * 1e6:.1f} us of CPU each, with what makes them up"
        )
        print_files(path, arguments.requests)
        late = []
        with Server(path) as server:
            print(f"{'ms over HTTP':50} {'p50':>8} {'p95':>8} {'max':>8} {'CPU':>8}")
            for check in CHECKS:
                took, cpu = timed(server, check, rounds=arguments.rounds, now=now)
                p95 = took[min(len(took) - 1, -(-len(took) * 95 // 100) - 1)]
                p50 = statistics.median(took)
                shown = f"{p50:8.1f} {p95:8.1f} {took[-1]:8.1f} {cpu:8.1f}"
                print(f"{check.name:50} {shown}", flush=True)
                if p95 > LIMIT_MS:
                    late.append(check.name)
            print_export(server)
    if late:
        sys.exit(f"above {LIMIT_MS:.0f} ms: {'; '.join(late)}")
    print(f"every p95 is below {LIMIT_MS:.0f} ms")


if __name__ == "__main__":
    main()
