"""What it costs to record a request: process CPU and waiting, at one caller and at many.

    python benchmarks/journal.py [--requests 20000] [--folder .]

Each caller records one request with one attempt, waits until it is committed, and goes on. CPU is
the whole process: event loop, writer thread and the kernel on their behalf. The disk decides the
waiting, so its own figure, measured just before in the same folder, stands in the first line.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path

import uvloop

from tokenhub.adapters.sqlite.stores import Stores, open_stores
from tokenhub.core.outcome import Attempt, Outcome

CALLERS = (1, 32)
ROUNDS = 3
MAX_REQUESTS = 200_000
DECISION = {"candidates": [{"route": "sim/small", "score": 0.25, "reason": ""}] * 3, "seed": 7}


def fdatasync_p50_us(folder: Path) -> float:
    """A write of two pages and its sync, in a file that does not grow: SQLite's WAL at a commit."""
    page = b"x" * 8240
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(512 * len(page)))
        os.fsync(file.fileno())
        took = []
        for number in range(300):
            os.pwrite(file.fileno(), page, number * len(page))
            start = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - start)
    return statistics.median(took) * 1e6


def outcome(number: int) -> Outcome:
    attempt = Attempt(
        number=1,
        provider_id="sim",
        model_id="sim-small",
        state="settled",
        status=200,
        latency_s=0.81,
        input_tokens=1200,
        output_tokens=300,
        cost_nusd=360_000,
    )
    # Three requests in each millisecond; the noise of an id is what it is in the server.
    noise = (number * 0x9E3779B97F4A7C15) & (2**64 - 1)
    return Outcome(
        request_id=f"req_{0x19000000000 + number // 3:012x}{noise:016x}",
        at=1_700_000_000 + number / 3000,
        key_id="key_3f2a9c",
        dialect="openai",
        requested_model="sim-small",
        mode="normal",
        reason="routed-weight-9",
        model_id="sim-small",
        provider_id="sim",
        latency_s=0.8123,
        upstream_s=0.81,
        attempts=(attempt,),
    )


async def record(stores: Stores, outcomes: list[Outcome], callers: int, *, explain: bool) -> str:
    waits: list[float] = []
    todo = iter(outcomes)

    async def caller() -> None:
        for row in todo:
            start = time.perf_counter()
            if explain:
                stores.journal.explain(row.request_id, row.at, DECISION)
            await stores.journal.record(row)
            waits.append(time.perf_counter() - start)

    cpu, loop, wall = time.process_time(), time.thread_time(), time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(callers):
            tasks.create_task(caller())
    cpu, loop, wall = (
        time.process_time() - cpu,
        time.thread_time() - loop,
        time.perf_counter() - wall,
    )
    waits.sort()
    count = len(waits)
    p50, p99 = waits[count // 2], waits[count * 99 // 100]
    return (
        f"{cpu / count * 1e6:6.1f} us CPU per request ({loop / count * 1e6:5.1f} in the loop's "
        f"thread), waited p50 {p50 * 1e6:5.0f} p99 {p99 * 1e6:5.0f} us, {count / wall:6.0f}/s"
    )


async def measure(folder: str, requests: int, callers: int, *, explain: bool) -> str:
    outcomes = [outcome(number) for number in range(requests)]
    async with open_stores(Path(folder) / "tokenhub.sqlite") as stores:
        return await record(stores, outcomes, callers, explain=explain)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=20_000, help="of each round")
    parser.add_argument("--folder", type=Path, default=Path(), help="on the disk to be measured")
    arguments = parser.parse_args()
    requests = max(1, min(arguments.requests, MAX_REQUESTS))
    print(f"fdatasync p50 {fdatasync_p50_us(arguments.folder):.0f} us")
    for explain in (False, True):
        for callers in CALLERS:
            for _ in range(ROUNDS):
                with (
                    tempfile.TemporaryDirectory(dir=arguments.folder) as folder,
                    asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
                ):
                    found = runner.run(measure(folder, requests, callers, explain=explain))
                print(f"{callers:2} callers{', explained' if explain else ''}: {found}", flush=True)


if __name__ == "__main__":
    main()
