"""What TokenHub costs: the same load on a simulated provider, a bare relay and TokenHub.

    python benchmarks/bench.py [--rounds N] [--seconds S] [--only whole|stream] [--json FILE]

All three run at once and are asked in turns, round after round, so that a noisy moment of the
machine meets them alike; ratios are taken within a round and their median is shown. The server
under test has one core, the simulated provider and the load generator share another. CPU is the
process's own, by its clock, all threads. Linux only.
"""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
from load import Job
from report import Case, Result, Sample, Sync, text
from targets import LoadGenerator, Relay, Sim, Target, TokenHub, check

WARM_S = 0.3
SYNCS_A_ROUND = 100
PROMPT = (
    "Compare the three harbours of the northern coast for a cargo of timber: depth at low water, "
    "the cost of a berth for two nights, and the road to the market. Answer in one short paragraph."
)


def main() -> int:
    options = arguments().parse_args()
    cases = [
        Case(stream=stream, connections=connections)
        for stream in (False, True)
        if options.only in {None, "stream" if stream else "whole"}
        for connections in (1, 32)
    ]
    with tempfile.TemporaryDirectory(prefix="tokenhub-bench-") as name, ExitStack() as stack:
        rig = Rig(Path(name), stack, seconds=options.seconds, floor=options.floor)
        samples: list[Sample] = []
        syncs: list[float] = []
        for number in range(options.rounds):
            syncs += sync_times(Path(name) / "sync")
            samples += rig.round(number, cases)
    syncs.sort()
    sync = Sync(p50_s=syncs[len(syncs) // 2], p99_s=syncs[len(syncs) * 99 // 100])
    result = Result(samples=samples, sync=sync)
    print(text(result))
    if options.json:
        Path(options.json).write_bytes(msgspec.json.format(as_json(result, options.rounds)))
    return int(bool(options.check and result.misses()))


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="how often each target is asked")
    parser.add_argument("--seconds", type=float, default=1.5, help="of one measurement")
    parser.add_argument("--only", choices=("whole", "stream"))
    parser.add_argument(
        "--floor", action="store_true", help="without TokenHub: the rig's own floor"
    )
    parser.add_argument("--json", metavar="FILE", help="write every figure there")
    parser.add_argument("--check", action="store_true", help="exit 1 where a limit is missed")
    return parser


class Rig:
    """Everything running, and the way to measure it."""

    def __init__(self, folder: Path, stack: ExitStack, *, seconds: float, floor: bool) -> None:
        cores = sorted(os.sched_getaffinity(0))
        served, other = cores[0], cores[1 % len(cores)]
        self._seconds = seconds
        self._core = other
        self._load = stack.enter_context(LoadGenerator(core=other))
        sim = stack.enter_context(Sim(core=other))
        self._targets: list[Target] = [
            sim,
            stack.enter_context(Relay(sim, core=served)),
        ]
        if not floor:
            self._targets.append(stack.enter_context(TokenHub(sim, folder, core=served)))

    def round(self, number: int, cases: list[Case]) -> Iterator[Sample]:
        """Every case on every target; who begins changes from case to case."""
        for turn, case in enumerate(cases, start=number):
            first = turn % len(self._targets)
            in_turn = self._targets[first:] + self._targets[:first]
            samples = {target.name: self._sample(number, case, target) for target in in_turn}
            yield from (samples[target.name] for target in self._targets)

    def _sample(self, number: int, case: Case, target: Target) -> Sample:
        wire = request(case, target.key)
        check(target, wire)
        job = Job(
            port=target.port,
            request=wire,
            stream=case.stream,
            connections=case.connections,
            warm_s=WARM_S,
            seconds=self._seconds,
            clocks={target.name: target.clock()},
            core=self._core,
        )
        return Sample(
            round=number,
            target=target.name,
            case=case,
            measured=self._load.run(job),
            rss_bytes=target.rss_bytes(),
        )


def request(case: Case, key: str) -> bytes:
    """The bytes of one request: a chat completion of about 400 bytes."""
    ask = {
        "model": "sim-large",
        "messages": [
            {"role": "system", "content": "You are a terse harbour master."},
            {"role": "user", "content": PROMPT},
        ],
        "temperature": 0.2,
        "max_tokens": 64 if case.stream else 8,
        "stream": case.stream,
    }
    body = msgspec.json.encode(ask)
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\n"
        f"user-agent: tokenhub-bench\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def sync_times(file: Path) -> list[float]:
    """How long fdatasync takes after each of a hundred appends of 4 KiB."""
    times = []
    descriptor = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    try:
        for _ in range(SYNCS_A_ROUND):
            begun = time.perf_counter()
            os.write(descriptor, bytes(4096))
            os.fdatasync(descriptor)
            times.append(time.perf_counter() - begun)
    finally:
        os.close(descriptor)
    return times


def as_json(result: Result, rounds: int) -> bytes:
    machine = {
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
    }
    body = {"machine": machine, "rounds": rounds, "misses": result.misses(), "result": result}
    return msgspec.json.encode(body)


if __name__ == "__main__":
    raise SystemExit(main())
