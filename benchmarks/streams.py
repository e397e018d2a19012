"""Whether streams stall: 200 at once through TokenHub, 64 chunks each, 20 ms apart.

    python benchmarks/streams.py [--rounds N] [--seconds S] [--connections N] [--only KIND]

The callers begin together and ask again as soon as they are answered, so that the requests of all
of them keep coming in one burst. A pause of more than 200 ms between two chunks, as the caller
sees them, is a stall; one alone fails the run. The provider's own pauses and the bare relay's
stand beside TokenHub's, since a rig that stalls by itself says nothing of it. Linux only.
"""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from cases import STREAMS, TITLES, Case, Kind, request
from load import STALL_S, Job, Measured
from targets import LoadGenerator, Stage, Target, check, cores

GAP_S = 0.02
HEAD = (
    f"{'':<9} {'streams':>8} {'gap p50':>8} {'p99 ms':>8} {'most ms':>8} {'stalls':>7}"
    f" {'first p50':>10} {'p99 ms':>8} {'CPU us':>8} {'core':>6} {'RSS MB':>7}"
)


def main() -> int:
    options = arguments().parse_args()
    kinds = [kind for kind in STREAMS if not options.only or kind in options.only]
    failed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="tokenhub-bench-") as name, ExitStack() as stack:
        _, core = cores()
        load = stack.enter_context(LoadGenerator(core=core))
        stage = Stage(Path(name) / "stage", stack, gap_s=GAP_S)
        for kind in kinds:
            case = Case(kind=kind, connections=options.connections, gap_s=GAP_S)
            print(f"{case.title()}\n{HEAD}", flush=True)
            for target in stage.targets:
                found = [
                    load.run(job(case, target, core=core, seconds=options.seconds))
                    for _ in range(options.rounds)
                ]
                print(row(target, found), flush=True)
                if target.name == "tokenhub":
                    failed += misses(kind, found)
            print()
    for miss in failed:
        print(f"MISSED  {miss}")
    return int(bool(failed))


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="how often each target is asked")
    parser.add_argument("--seconds", type=float, default=4.0, help="of one measurement")
    parser.add_argument("--connections", type=int, default=200, help="streams at once")
    parser.add_argument("--only", action="append", choices=STREAMS, help="repeatable")
    return parser


def job(case: Case, target: Target, *, core: int, seconds: float) -> Job:
    wire = request(case, target.key)
    check(target, wire)
    return Job(
        port=target.port,
        request=wire,
        stream=True,
        connections=case.connections,
        warm_s=0.0,
        seconds=seconds,
        clocks={target.name: target.clock()},
        core=core,
    )


def row(target: Target, found: list[Measured]) -> str:
    """The rounds' median, but the longest pause and the stalls of all of them."""
    cpus = [one.cpu_s[target.name] for one in found]
    chunk_us = median(1e6 * cpu / one.events for cpu, one in zip(cpus, found, strict=True))
    core = median(cpu / one.seconds for cpu, one in zip(cpus, found, strict=True))
    return (
        f"{target.name:<9} {sum(one.requests for one in found):>8}"
        f" {1e3 * median(one.gaps.p50_s for one in found):>8.1f}"
        f" {1e3 * median(one.gaps.p99_s for one in found):>8.1f}"
        f" {1e3 * max(one.gaps.most_s for one in found):>8.1f}"
        f" {sum(one.gaps.stalls for one in found):>7}"
        f" {1e3 * median(one.first_p50_s for one in found):>10.1f}"
        f" {1e3 * median(one.first_p99_s for one in found):>8.1f}"
        f" {chunk_us:>8.1f} {core:>6.0%} {target.rss_bytes() / 1e6:>7.1f}"
    )


def misses(kind: Kind, found: list[Measured]) -> Iterator[str]:
    title = TITLES[kind].format(64)
    if stalls := sum(one.gaps.stalls for one in found):
        most = 1e3 * max(one.gaps.most_s for one in found)
        limit = 1e3 * STALL_S
        yield f"{title}: {stalls} pauses over {limit:.0f} ms, the longest {most:.0f} ms"
    if failures := sum(one.failures for one in found):
        yield f"{title}: {failures} requests failed"


if __name__ == "__main__":
    raise SystemExit(main())
