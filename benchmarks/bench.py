"""What TokenHub costs: the same load on a simulated provider, a bare relay and TokenHub.

    python benchmarks/bench.py [--rounds N] [--seconds S] [--only KIND] [--json FILE]

All three run at once and are asked in turns, round after round, so that a noisy moment of the
machine meets them alike; ratios are taken within a round and their median is shown. The server
under test has one core, the simulated provider and the load generator share another. CPU is the
process's own, by its clock, all threads. Linux only.

What a chunk costs is measured on long streams from a provider that keeps a pace, so that each is
read and sent by itself at both. Where the caller's format is not the provider's, the relay relays
the caller's format.
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
from cases import STREAMS, Case, Kind, instant, paced, request
from load import Job
from report import Result, Sample, Sync, text
from targets import LoadGenerator, Stage, Target, check, cores

WARM_S = 0.3
SYNCS_A_ROUND = 100
# At a pace there are few chunks a second: that takes longer to count.
PACED_LONGER = 2


def main() -> int:
    options = arguments().parse_args()
    kinds: tuple[Kind, ...] = ("whole", *STREAMS)
    kinds = tuple(kind for kind in kinds if not options.only or kind in options.only)
    cases = instant(kinds) + paced(kinds)
    with tempfile.TemporaryDirectory(prefix="tokenhub-bench-") as name, ExitStack() as stack:
        rig = Rig(Path(name), stack, cases, seconds=options.seconds, floor=options.floor)
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
    parser.add_argument("--only", action="append", choices=("whole", *STREAMS), help="repeatable")
    parser.add_argument(
        "--floor", action="store_true", help="without TokenHub: the rig's own floor"
    )
    parser.add_argument("--json", metavar="FILE", help="write every figure there")
    parser.add_argument("--check", action="store_true", help="exit 1 where a limit is missed")
    return parser


class Rig:
    """Everything running, and the way to measure it."""

    def __init__(
        self, folder: Path, stack: ExitStack, cases: list[Case], *, seconds: float, floor: bool
    ) -> None:
        _, self._core = cores()
        self._seconds = seconds
        self._load = stack.enter_context(LoadGenerator(core=self._core))
        self._stages = {
            gap_s: Stage(folder / f"{gap_s:g}", stack, gap_s=gap_s, floor=floor)
            for gap_s in {case.gap_s for case in cases}
        }

    def round(self, number: int, cases: list[Case]) -> Iterator[Sample]:
        """Every case on every target; who begins changes from case to case."""
        for turn, case in enumerate(cases, start=number):
            targets = self._stages[case.gap_s].targets
            first = turn % len(targets)
            in_turn = targets[first:] + targets[:first]
            samples = {target.name: self._sample(number, case, target) for target in in_turn}
            yield from (samples[target.name] for target in targets)

    def _sample(self, number: int, case: Case, target: Target) -> Sample:
        wire = request(case, target.key)
        check(target, wire)
        before = target.commit_waits()
        job = Job(
            port=target.port,
            request=wire,
            stream=case.stream,
            connections=case.connections,
            spread_s=case.gap_s * case.tokens,
            warm_s=WARM_S,
            seconds=self._seconds * (PACED_LONGER if case.gap_s else 1),
            clocks={target.name: target.clock()},
            core=self._core,
        )
        return Sample(
            round=number,
            target=target.name,
            case=case,
            measured=self._load.run(job),
            rss_bytes=target.rss_bytes(),
            commits=[b - a for a, b in zip(before, target.commit_waits(), strict=True)],
        )


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
