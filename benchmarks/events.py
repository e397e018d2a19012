"""What readers of events cost requests: 1,000 that are idle, and 100 that never read.

    python benchmarks/events.py [--rounds N] [--seconds S] [--connections N] [--idle N] [--deaf N]

One server, asked by the same callers all the time, in rounds: alone; with `idle` readers, which
have chosen types that the traffic has none of and hear heartbeats; with `deaf` ones beside them,
which want everything and take nothing; and, for comparison, with as many readers as the idle that
want and take everything. The order is turned over from round to round, so that what drifts on the
machine meets each of them alike. The change of p99 is the median of what each round shows; more
than 10 % with idle and deaf readers fails the run. Readers are a process of their own. Linux only.
"""

import argparse
import asyncio
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import uvloop
from cases import Case, request
from load import Job, Measured
from targets import HERE, LoadGenerator, Process, Sim, Target, TokenHub, check, cores

LIMIT = 0.10
QUIET = "health_change,vault_changed,config_changed,budget_alert"
HEAD = (
    f"{'readers':<28} {'requests':>9} {'per s':>7} {'p50 ms':>8} {'p99 ms':>8} {'p99 by':>8}"
    f" {'CPU us':>8} {'RSS MB':>7}"
)
SETTLE_S = 2.0


class Readers(Process):
    """A process that holds so many streams open."""

    def __init__(self, server: TokenHub, *, kind: str, count: int, core: int) -> None:
        arguments = [str(HERE / "events.py"), "--hold", kind, str(count), str(server.port)]
        pipe = subprocess.PIPE
        super().__init__(arguments, core=core, stdin=pipe, stdout=pipe)
        assert self._child.stdin
        assert self._child.stdout
        self._child.stdin.write(server.token.encode() + b"\n")
        self._child.stdin.flush()
        told = self._child.stdout.readline()
        if told.strip() != b"ready":
            raise SystemExit(f"the readers could not connect: {server.last_words()}")


def main() -> int:
    if sys.argv[1:2] == ["--hold"]:
        kind, count, port = sys.argv[2:5]
        uvloop.run(hold(kind, int(count), int(port), sys.stdin.readline().strip()))
        return 0
    options = arguments().parse_args()
    with tempfile.TemporaryDirectory(prefix="tokenhub-bench-") as name, ExitStack() as stack:
        served, other = cores()
        folder = Path(name)
        load = stack.enter_context(LoadGenerator(core=other))
        sim = stack.enter_context(Sim(folder, core=other))
        server = stack.enter_context(TokenHub(sim, folder, core=served))
        return compared(load, server, options, core=other)


def compared(
    load: LoadGenerator, server: TokenHub, options: argparse.Namespace, *, core: int
) -> int:
    """Measure each crowd of readers in turn, print the table, and tell how it came out."""
    idle, deaf = options.idle, options.deaf
    crowds = {
        "none": {},
        f"{idle} idle": {"idle": idle},
        f"{idle} idle, {deaf} never read": {"idle": idle, "deaf": deaf},
        f"{idle} that want everything": {"greedy": idle},
    }
    found: dict[str, list[Measured]] = {name: [] for name in crowds}
    job = job_of(server, options, core=core)
    load.run(job)  # so that nobody is measured cold
    # Memory that was freed is not always given back: alone, it counts before all others.
    sizes = {"none": server.rss_bytes()}
    for turn in range(options.rounds):
        names = list(crowds) if turn % 2 == 0 else list(reversed(crowds))
        for name in names:
            with ExitStack() as here:
                for kind, count in crowds[name].items():
                    here.enter_context(Readers(server, kind=kind, count=count, core=core))
                time.sleep(SETTLE_S if crowds[name] else 0)
                found[name].append(load.run(job))
                if crowds[name]:
                    sizes[name] = max(sizes.get(name, 0), server.rss_bytes())
    print(
        f"{options.connections} callers, {options.rounds} rounds of {options.seconds:g} s\n{HEAD}"
    )
    for name, rounds in found.items():
        print(row(name, rounds, found["none"], size=sizes[name]), flush=True)
    name = f"{idle} idle, {deaf} never read"
    change = changed(found[name], found["none"])
    failures = sum(one.failures for rounds in found.values() for one in rounds)
    print(f"\np99 with {name}: {change:+.1%}, at most {LIMIT:+.0%}; failed requests: {failures}")
    grown = (sizes[name] - sizes["none"]) / (idle + deaf)
    print(f"memory: {grown / 1e3:.0f} kB for each of these readers")
    return int(change > LIMIT or failures > 0)


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured")
    parser.add_argument("--seconds", type=float, default=6.0, help="of one measurement")
    parser.add_argument("--connections", type=int, default=8, help="callers at once")
    parser.add_argument("--idle", type=int, default=1000, help="readers who hear next to nothing")
    parser.add_argument("--deaf", type=int, default=100, help="readers who never read")
    return parser


def job_of(server: Target, options: argparse.Namespace, *, core: int) -> Job:
    wire = request(Case(kind="whole", connections=options.connections), server.key)
    check(server, wire)
    return Job(
        port=server.port,
        request=wire,
        stream=False,
        connections=options.connections,
        warm_s=1.0,
        seconds=options.seconds,
        clocks={"tokenhub": server.clock()},
        core=core,
    )


def changed(rounds: list[Measured], alone: list[Measured]) -> float:
    """By which part of it p99 is longer than alone, in the median of the rounds."""
    pairs = zip(rounds, alone, strict=True)
    return median(one.p99_s / other.p99_s for one, other in pairs) - 1


def row(name: str, rounds: list[Measured], alone: list[Measured], *, size: int) -> str:
    p99_s = median(one.p99_s for one in rounds)
    return (
        f"{name:<28} {sum(one.requests for one in rounds):>9}"
        f" {median(one.requests / one.seconds for one in rounds):>7.0f}"
        f" {1e3 * median(one.p50_s for one in rounds):>8.2f} {1e3 * p99_s:>8.2f}"
        f" {changed(rounds, alone):>+8.1%}"
        f" {median(1e6 * one.cpu_s['tokenhub'] / one.requests for one in rounds):>8.0f}"
        f" {size / 1e6:>7.1f}"
    )


async def hold(kind: str, count: int, port: int, token: str) -> None:
    """Hold streams open until standard input ends, and say when all are."""
    # They stand for other machines, and must not keep the callers from their core.
    os.nice(19)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    query = f"?types={QUIET}" if kind == "idle" else ""
    host = f"host: localhost\r\nauthorization: Bearer {token}\r\n"
    wire = f"GET /admin/v1/events{query} HTTP/1.1\r\n{host}\r\n".encode()
    loop = asyncio.get_running_loop()
    held = []
    for _ in range(count):
        place = socket.create_connection(("127.0.0.1", port))
        place.sendall(wire)
        head = place.recv(4096)
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(head.decode(errors="replace"))
        place.settimeout(0)
        held.append(place)
        if kind != "deaf":
            await loop.connect_accepted_socket(asyncio.Protocol, place)
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    for place in held:
        place.close()
    os._exit(0)  # the streams are not closed one by one


if __name__ == "__main__":
    raise SystemExit(main())
