"""The rig's figures, and how they are put into tables."""

from statistics import median

import msgspec
from cases import PACE_S, STREAMS, Case, Kind, pace
from load import Measured

from tokenhub.core.waits import percentile_s

# What issue-level targets hold TokenHub to, as ratios of the relay in the same run.
CPU_LIMITS = {1: 2.4, 32: 2.7}
ADDED_P50_LIMIT_S = 0.6e-3
SLOW_DISK_S = 0.3e-3
CHUNK_LIMITS = {"same": 1.3, "translated": 4.0, "reverse": 4.0}
FIRST_LIMIT_S = 2e-3


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One target under one case in one round."""

    round: int
    target: str
    case: Case
    rss_bytes: int
    measured: Measured
    commits: list[float]

    def cpu_us(self) -> float:
        """CPU microseconds per request, of the target's own process."""
        return 1e6 * self.measured.cpu_s[self.target] / self.measured.requests

    def chunk_us(self) -> float:
        """CPU microseconds per event, those of streams cut by the window's edges among them."""
        return 1e6 * self.measured.cpu_s[self.target] / self.measured.events


class Sync(msgspec.Struct, frozen=True, kw_only=True):
    """fdatasync after an append of 4 KiB, where the database is."""

    p50_s: float
    p99_s: float


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run."""

    samples: list[Sample]
    sync: Sync

    def of(self, case: Case, target: str) -> list[Sample]:
        return [s for s in self.samples if (s.case, s.target) == (case, target)]

    def cases(self) -> list[Case]:
        return list(dict.fromkeys(sample.case for sample in self.samples))

    def paced(self) -> list[Kind]:
        """The kinds of streams whose chunks were measured."""
        found = {case.kind for case in self.cases() if case.gap_s}
        return [kind for kind in STREAMS if kind in found]

    def targets(self) -> list[str]:
        return list(dict.fromkeys(sample.target for sample in self.samples))

    def cpu_ratio(self, case: Case) -> float:
        """TokenHub's CPU over the relay's: the median of the rounds' ratios."""
        pairs = zip(self.of(case, "tokenhub"), self.of(case, "relay"), strict=True)
        return median(ours.cpu_us() / bare.cpu_us() for ours, bare in pairs)

    def over_relay_s(self, case: Case) -> float:
        """What TokenHub adds to p50 over the relay: the median of the rounds' differences."""
        pairs = zip(self.of(case, "tokenhub"), self.of(case, "relay"), strict=True)
        return median(ours.measured.p50_s - bare.measured.p50_s for ours, bare in pairs)

    def first_over_direct_s(self, case: Case) -> float:
        """What TokenHub adds to the p50 of the first token: the median of the differences."""
        pairs = zip(self.of(case, "tokenhub"), self.of(case, "direct"), strict=True)
        return median(ours.measured.first_p50_s - bare.measured.first_p50_s for ours, bare in pairs)

    def chunk_us(self, kind: Kind, target: str) -> float:
        """CPU microseconds of a chunk in the round that was least disturbed.

        At such a pace a server sleeps between two chunks, and others on the machine empty its
        caches meanwhile: that only adds, and to either server by chance.
        """
        return min(sample.chunk_us() for sample in self.of(pace(kind), target))

    def chunk_ratio(self, kind: Kind) -> float:
        """TokenHub's CPU for a chunk over the relay's."""
        return self.chunk_us(kind, "tokenhub") / self.chunk_us(kind, "relay")

    def added_limit_s(self) -> float:
        if self.sync.p50_s > SLOW_DISK_S:
            return self.sync.p50_s + SLOW_DISK_S
        return ADDED_P50_LIMIT_S

    def failures(self) -> int:
        return sum(sample.measured.failures for sample in self.samples)

    def misses(self) -> list[str]:
        """The limits that this run does not keep, in words."""
        missed = [f"{self.failures()} requests failed"] if self.failures() else []
        if not {"tokenhub", "relay"} <= set(self.targets()):
            return missed
        for kind in self.paced():
            ratio, limit = self.chunk_ratio(kind), CHUNK_LIMITS[kind]
            if ratio > limit:
                missed.append(f"chunks, {kind}: {ratio:.2f} times the relay's CPU, not {limit}")
        for case in self.cases():
            if case.stream:
                missed += self._late(case)
                continue
            ratio, limit = self.cpu_ratio(case), CPU_LIMITS[case.connections]
            if ratio > limit:
                missed.append(f"{case.title()}: {ratio:.2f} times the relay's CPU, not {limit}")
            added, most = self.over_relay_s(case), self.added_limit_s()
            if case.connections == 1 and added > most:
                text = f"p50 {1e3 * added:.2f} ms over the relay, not {1e3 * most:.2f}"
                missed.append(f"{case.title()}: {text}")
        return missed

    def _late(self, case: Case) -> list[str]:
        if case.gap_s or case.connections > 1:
            return []
        added = 1e3 * self.first_over_direct_s(case)
        limit = 1e3 * FIRST_LIMIT_S
        return [f"{case.title()}: first token +{added:.2f} ms, not {limit}"] * (added > limit)


HEAD = (
    f"{'':<9} {'req/s':>8} {'p50 ms':>8} {'p99 ms':>8} {'+p50 ms':>8} {'+p99 ms':>8}"
    f" {'first ms':>9} {'CPU us':>8} {'RSS MB':>7} {'reads':>6}"
)


def text(result: Result) -> str:
    """The run as tables; every figure is the median of the rounds."""
    lines = []
    for case in result.cases():
        if case.gap_s:
            continue
        lines += ["", case.title(), HEAD]
        lines += [_row(result, case, target) for target in result.targets()]
        if {"tokenhub", "relay"} <= set(result.targets()):
            lines.append(_ratio(result, case))
        if not case.stream and "tokenhub" in result.targets():
            lines.append(_commits(result, case))
    lines += _chunks(result)
    sync = result.sync
    lines += ["", f"fdatasync of 4 KiB: p50 {1e3 * sync.p50_s:.3f} ms, p99 {1e3 * sync.p99_s:.3f}"]
    lines += [f"MISSED  {miss}" for miss in result.misses()]
    return "\n".join(lines[1:])


def _row(result: Result, case: Case, target: str) -> str:
    samples = result.of(case, target)
    direct = result.of(case, "direct")
    measured = [sample.measured for sample in samples]
    rate = median(m.requests / m.seconds for m in measured)
    p50, p99 = median(m.p50_s for m in measured), median(m.p99_s for m in measured)
    first, reads = median(m.first_p50_s for m in measured), median(m.reads for m in measured)
    added = f"{'':>8} {'':>8}"
    if case.connections == 1 and target != "direct" and direct:
        pairs = list(zip(measured, (sample.measured for sample in direct), strict=True))
        p50s = median(m.p50_s - d.p50_s for m, d in pairs)
        p99s = median(m.p99_s - d.p99_s for m, d in pairs)
        added = f"{1e3 * p50s:>8.3f} {1e3 * p99s:>8.3f}"
    cpu = median(sample.cpu_us() for sample in samples)
    rss = max(sample.rss_bytes for sample in samples) / 1e6
    return (
        f"{target:<9} {rate:>8.0f} {1e3 * p50:>8.3f} {1e3 * p99:>8.3f} {added}"
        f" {1e3 * first:>9.3f} {cpu:>8.1f} {rss:>7.1f} {reads:>6.1f}"
    )


def _ratio(result: Result, case: Case) -> str:
    line = f"tokenhub/relay: CPU {result.cpu_ratio(case):.2f}"
    if not case.stream:
        line += f" (limit {CPU_LIMITS[case.connections]})"
    if case.connections > 1:
        return line
    line += f", p50 {1e3 * result.over_relay_s(case):+.3f} ms"
    if not case.stream:
        return f"{line} (limit {1e3 * result.added_limit_s():.2f})"
    first = f"first token {1e3 * result.first_over_direct_s(case):+.3f} ms over the provider's"
    return f"{line}, {first} (limit {1e3 * FIRST_LIMIT_S:.0f})"


def _commits(result: Result, case: Case) -> str:
    """How long TokenHub's requests waited to be on the disk, beside what a sync takes there."""
    counts = [sum(column) for column in zip(*_waits(result, case), strict=True)]
    p50, p99 = percentile_s(counts, 0.5), percentile_s(counts, 0.99)
    sync = result.sync
    return (
        f"commit waited for: p50 {1e3 * p50:.3f} ms, p99 {1e3 * p99:.3f} "
        f"(fdatasync p50 {1e3 * sync.p50_s:.3f}, p99 {1e3 * sync.p99_s:.3f})"
    )


def _waits(result: Result, case: Case) -> list[list[float]]:
    return [sample.commits for sample in result.of(case, "tokenhub")]


def _chunks(result: Result) -> list[str]:
    """What a chunk costs; `reads` tells that hardly any came merged."""
    kinds = result.paced()
    if not kinds:
        return []
    lines = ["", f"each chunk of a long stream, {1e3 * PACE_S:g} ms apart, 32 connections"]
    lines.append(f"{'':<9}" + "".join(f" {kind + ' us':>14} {'reads':>6}" for kind in kinds))
    for target in result.targets():
        cells = []
        for kind in kinds:
            reads = median(s.measured.reads for s in result.of(pace(kind), target))
            cells.append(f" {result.chunk_us(kind, target):>14.1f} {reads:>6.1f}")
        lines.append(f"{target:<9}" + "".join(cells))
    if {"tokenhub", "relay"} <= set(result.targets()):
        ratios = [f"{k} {result.chunk_ratio(k):.2f} (limit {CHUNK_LIMITS[k]})" for k in kinds]
        lines.append(f"tokenhub/relay: CPU of a chunk {', '.join(ratios)}")
    return lines
