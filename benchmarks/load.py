"""The load generator, a process of its own: closed loop, one request in flight a connection.

It reads one Job a line on standard input and answers each with one Measured. Latency is from the
write of a request to the last byte of its answer. The CPU clocks of the processes under test are
read at both ends of the same window as the requests are counted in.
"""

import asyncio
import os
import sys
import time
from array import array
from typing import Any, cast

import httptools
import msgspec
import uvloop

STALL_S = 0.2


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What to send, where, how long; `clocks` are the CPU clocks to read (see targets.clock).

    The connections begin over `spread_s`: those that all last as long would else end together.
    """

    port: int
    request: bytes
    stream: bool
    connections: int
    spread_s: float = 0.0
    warm_s: float
    seconds: float
    clocks: dict[str, int]
    core: int


class Gaps(msgspec.Struct, frozen=True, kw_only=True):
    """The pauses between the chunks of streams; those over STALL_S are stalls."""

    p50_s: float
    p99_s: float
    most_s: float
    stalls: int


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. `reads` is the mean of socket reads an answer took: chunks arrive merged.

    `events` are the server-sent events of the window, those of unfinished streams too.
    """

    requests: int
    failures: int
    seconds: float
    p50_s: float
    p99_s: float
    first_p50_s: float
    first_p99_s: float
    reads: float
    events: int
    gaps: Gaps
    answer_bytes: int
    cpu_s: dict[str, float]


class Window:
    """The measured stretch of time and what happened in it."""

    def __init__(self) -> None:
        self.open = False
        self.stopping = False
        self.latencies = array("d")
        self.firsts = array("d")
        self.gaps = array("d")
        self.failures = 0
        self.reads = 0
        self.events = 0
        self.answer_bytes = 0


class Caller(asyncio.Protocol):
    """One connection that asks again as soon as it is answered."""

    def __init__(self, job: Job, window: Window, gone: asyncio.Semaphore) -> None:
        self._job = job
        self._window = window
        self._gone = gone
        self._heard = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._parser = httptools.HttpResponseParser(self)
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if not self._window.stopping:
            self._window.failures += 1
        self._gone.release()

    def data_received(self, data: bytes) -> None:
        self._reads += 1
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        now = time.perf_counter()
        if not self._size:
            self._first = now
        elif self._window.open:
            self._window.gaps.append(now - self._heard)
        if self._window.open:
            self._window.events += body.count(b"data: ")
        self._heard = now
        self._size += len(body)
        self._last = body

    def on_message_complete(self) -> None:
        now = time.perf_counter()
        window = self._window
        if window.open:
            window.latencies.append(now - self._begun)
            window.firsts.append(self._first - self._begun)
            window.reads += self._reads
            window.answer_bytes = self._size
            window.failures += not self._good()
        if window.stopping:
            self._transport.close()
            return
        self._ask()

    def _good(self) -> bool:
        whole = not self._job.stream or b"[DONE]" in self._last or b"message_stop" in self._last
        return self._parser.get_status_code() == 200 and self._size > 0 and whole

    def _ask(self) -> None:
        self._size = 0
        self._reads = 0
        self._last = b""
        self._begun = self._first = self._heard = time.perf_counter()
        self._transport.write(self._job.request)


async def measure(job: Job) -> Measured:
    """Run one job."""
    loop = asyncio.get_running_loop()
    window = Window()
    gone = asyncio.Semaphore(0)
    for _ in range(job.connections):
        await loop.create_connection(lambda: Caller(job, window, gone), "127.0.0.1", job.port)
        if job.spread_s:
            await asyncio.sleep(job.spread_s / job.connections)
    await asyncio.sleep(job.warm_s)
    cpu, begun = _cpu(job), time.perf_counter()
    window.open = True
    await asyncio.sleep(job.seconds)
    window.open = False
    cpu = {name: after - cpu[name] for name, after in _cpu(job).items()}
    seconds = time.perf_counter() - begun
    window.stopping = True
    for _ in range(job.connections):
        await gone.acquire()
    latencies, firsts = sorted(window.latencies), sorted(window.firsts)
    count = len(latencies)
    late = min(count - 1, count * 99 // 100)
    if not count:
        raise SystemExit(f"no answer from port {job.port} within {job.seconds:g} s")
    return Measured(
        requests=count,
        failures=window.failures,
        seconds=seconds,
        p50_s=latencies[count // 2],
        p99_s=latencies[late],
        first_p50_s=firsts[count // 2],
        first_p99_s=firsts[late],
        reads=window.reads / count,
        events=window.events,
        gaps=_gaps(window),
        answer_bytes=window.answer_bytes,
        cpu_s=cpu,
    )


def _gaps(window: Window) -> Gaps:
    gaps = sorted(window.gaps) or [0.0]
    return Gaps(
        p50_s=gaps[len(gaps) // 2],
        p99_s=gaps[len(gaps) * 99 // 100],
        most_s=gaps[-1],
        stalls=sum(gap > STALL_S for gap in gaps),
    )


def _cpu(job: Job) -> dict[str, float]:
    return {name: time.clock_gettime(clock) for name, clock in job.clocks.items()}


def main() -> None:
    for line in sys.stdin.buffer:
        job = msgspec.json.decode(line, type=Job)
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {job.core})
        coroutine: Any = measure(job)
        sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(coroutine)) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
