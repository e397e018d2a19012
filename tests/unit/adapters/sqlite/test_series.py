"""Series are there before they are written, after it and after a restart, the same by any step."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.requests import BEGAN, ended
from tokenhub.adapters.sqlite import series as module
from tokenhub.adapters.sqlite.database import READERS, Database
from tokenhub.adapters.sqlite.migrations import TELEMETRY, TOKENHUB
from tokenhub.adapters.sqlite.series import MOST_CELLS, SqliteSeries
from tokenhub.core import series
from tokenhub.core.charts import METRICS, Dated, Question, charted
from tokenhub.core.errors import Unavailable
from tokenhub.core.levels import DAY_S, LEVELS
from tokenhub.core.outcome import Outcome
from tokenhub.ports.series import Reading
from tokenhub.ports.stores import Audit

pytestmark = pytest.mark.anyio
NEVER_S = 3600.0
DAY = int(BEGAN) // DAY_S * DAY_S


class Files:
    """Both files, and series over them; `again` is what a restart does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stack = AsyncExitStack()
        self.ledger: Any = None
        self.telemetry: Any = None
        self.series: Any = None

    async def open(self) -> SqliteSeries:
        self.ledger = await Database.open(
            self.folder / "tokenhub.sqlite", migrations=TOKENHUB, synchronous="NORMAL"
        )
        self.stack.push_async_callback(self.ledger.close)
        self.telemetry = await Database.open(
            self.folder / "telemetry.sqlite", migrations=TELEMETRY, synchronous="NORMAL"
        )
        self.stack.push_async_callback(self.telemetry.close)
        self.series = SqliteSeries(self.ledger, self.telemetry, delay_s=NEVER_S)
        await self.series.load()
        self.stack.push_async_callback(self.series.close)
        return self.series

    async def again(self) -> SqliteSeries:
        await self.stack.aclose()
        return await self.open()


@asynccontextmanager
async def opened(folder: Path):
    files = Files(folder)
    await files.open()
    try:
        yield files
    finally:
        await files.stack.aclose()


@pytest.fixture
async def files(tmp_path: Path):
    async with opened(tmp_path) as files:
        yield files


async def flushed(kept: SqliteSeries) -> None:
    """Write what waits, and wait for it."""
    kept._flush()
    while kept._flight is not None:
        await asyncio.wait([kept._flight])
        await asyncio.sleep(0)


def points(step_s: int, metric: str = "requests", agg: str = "sum", **asked: Any):
    """What makes one line of a whole month, and the reading that it is made of."""
    question = Question(metric=METRICS[metric], agg=agg, **asked)
    reading = Reading(
        cut=question.cut,
        start=DAY,
        end=DAY + 30 * DAY_S,
        step_s=step_s,
        sketches=question.sketches,
    )

    def work(slots: Sequence[Dated]) -> dict[tuple[str, ...], list[tuple[int, float]]]:
        lines = charted(question, slots[0], step_s=step_s, now=DAY + 40.0 * DAY_S)
        return {line.labels: line.points for line in lines}

    return [reading], work


async def total(kept: SqliteSeries, step_s: int = 10, metric: str = "requests") -> float:
    found = await kept.read(*points(step_s, metric))
    return sum(value for line in found.values() for _, value in line)


def rows(step_s: int) -> Callable[[sqlite3.Connection], int]:
    def count(conn: sqlite3.Connection) -> int:
        where = "FROM series WHERE step_s = ? AND cut = 'modes'"
        found: int = conn.execute(f"SELECT count(*) {where}", (step_s,)).fetchone()[0]
        return found

    return count


async def test_a_request_is_there_before_while_and_after_it_is_written(files: Files) -> None:
    kept = files.series
    kept.record(ended(1))

    before = await total(kept)
    kept._flush()
    kept.record(ended(2))
    meanwhile = await total(kept)
    await flushed(kept)
    after = await total(kept)

    assert (1, 2, 2) == (before, meanwhile, after)


async def test_what_is_written_while_a_reader_waits_counts_once(files: Files) -> None:
    kept, go_on = files.series, threading.Event()
    kept.record(ended(1))
    busy = [
        asyncio.ensure_future(files.telemetry.read(lambda _: go_on.wait(60)))
        for _ in range(READERS)
    ]
    await asyncio.sleep(0)
    waits = asyncio.ensure_future(total(kept))
    await asyncio.sleep(0)

    await flushed(kept)
    go_on.set()

    assert 1 == await waits
    await asyncio.gather(*busy)


async def test_a_slot_goes_on_after_a_restart(files: Files) -> None:
    kept = files.series
    kept.record(ended(1, first_token_s=0.5))

    kept = await files.again()
    warm = await total(kept)
    kept.record(ended(2, first_token_s=0.5))
    await flushed(kept)

    assert (1, 2) == (warm, await total(kept))
    assert 1 == await files.telemetry.read(rows(10))
    found = await kept.read(*points(10, "first_token", "p50"))
    assert pytest.approx(500, rel=0.021) == found[()][0][1]


async def test_roll_ups_are_made_when_their_time_is_over(files: Files) -> None:
    kept = files.series
    for number in range(13):
        kept.record(ended(number, at=DAY + 600.0 * number))
        await flushed(kept)

    made = [await files.telemetry.read(rows(level.step_s)) for level in LEVELS]

    assert [13, 12, 12, 2, 0] == made
    assert [13] * 5 == [await total(kept, level.step_s) for level in LEVELS]


async def test_a_late_request_counts_in_what_was_rolled_up_already(files: Files) -> None:
    kept = files.series
    for at in (DAY, DAY + 7200.0, DAY + 30.0):
        kept.record(ended(1, at=at))
        await flushed(kept)

    assert [3] * 5 == [await total(kept, level.step_s) for level in LEVELS]


@settings(
    deadline=None,
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    flights=st.lists(
        st.lists(
            st.builds(
                ended,
                st.integers(0, 9),
                at=st.integers(0, 2 * DAY_S).map(lambda s: DAY + float(s)),
                latency_s=st.floats(0, 30),
                model_id=st.sampled_from(["a", "b"]),
                key_id=st.sampled_from(["k", "l"]),
                error_class=st.sampled_from(["", "timeout"]),
            ),
            max_size=8,
        ),
        max_size=6,
    ),
    restart=st.integers(0, 5),
)
async def test_sums_and_quantiles_are_equal_over_every_step(
    tmp_path_factory: pytest.TempPathFactory, flights: list[list[Outcome]], restart: int
) -> None:
    async with opened(tmp_path_factory.mktemp("series")) as files:
        kept = files.series
        for number, flight in enumerate(flights):
            for outcome in flight:
                kept.record(outcome)
            if number == restart:
                kept = await files.again()
            elif number % 2:
                await flushed(kept)

        outcomes = [outcome for flight in flights for outcome in flight]
        steps = [*(level.step_s for level in LEVELS), 90, 7200]
        wanted = {"requests": len(outcomes), "tokens": 110 * len(outcomes)}
        for metric, right in wanted.items():
            assert [right] * len(steps) == [await total(kept, step, metric) for step in steps]
        whole = [await kept.read(*points(30 * DAY_S, "cost", by=("key", "model")))] * 2
        assert len({str(found) for found in whole}) == 1
        by_step = {
            step: {
                labels: sum(value for _, value in line)
                for labels, line in (
                    await kept.read(*points(step, "errors", by=("model",)))
                ).items()
            }
            for step in steps
        }
        assert all(found == by_step[10] for found in by_step.values())


async def test_quantiles_of_a_day_are_those_of_its_slots(files: Files) -> None:
    kept = files.series
    for number in range(200):
        kept.record(ended(number, at=DAY + 100.0 * number, latency_s=number / 10))
        if not number % 20:
            await flushed(kept)
    kept.record(ended(200, at=DAY + DAY_S + 10.0, latency_s=1.0))
    await flushed(kept)

    found = await kept.read(*points(DAY_S, "latency", "p95"))

    assert (DAY, pytest.approx(19_000, rel=0.021)) == found[()][0]


async def test_what_could_not_be_written_is_written_with_the_next(
    files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    kept = files.series
    kept.record(ended(1))
    await files.telemetry.write(lambda conn: conn.execute("ALTER TABLE series RENAME TO away"))

    await flushed(kept)
    await files.telemetry.write(lambda conn: conn.execute("ALTER TABLE away RENAME TO series"))
    kept.record(ended(2))
    waiting = await total(kept)
    await flushed(kept)

    assert (2, 2, 0) == (waiting, await total(kept), kept.lost)
    assert "series_lost" not in caplog.text


class Late:
    """A file whose commits are reported as failed, though they are on the disk, or not made."""

    def __init__(self, telemetry: Database) -> None:
        self.telemetry = telemetry
        self.read = telemetry.read
        self.ends = ["well"]

    def post(self, work: Callable[[sqlite3.Connection], Any]) -> "asyncio.Future[Any]":
        end = self.ends.pop(0)
        if end == "well":
            return self.telemetry.post(work)
        return asyncio.ensure_future(self._failed(work, made=end == "made"))

    async def _failed(self, work: Callable[[sqlite3.Connection], Any], *, made: bool) -> None:
        if made:
            await self.telemetry.write(work)
        raise Unavailable("the disk failed")


@pytest.mark.parametrize(
    "ends",
    [
        ["made", "well"],
        ["lost", "well"],
        ["lost", "made", "well"],
        ["made", "lost", "well"],
        ["made", "made", "lost", "made"],
    ],
)
async def test_what_was_written_though_the_commit_failed_counts_once(
    files: Files, ends: list[str]
) -> None:
    disk: Any = Late(files.telemetry)
    disk.ends = list(ends)
    kept = SqliteSeries(files.ledger, disk, delay_s=NEVER_S)
    await kept.load()

    found = []
    for number in range(len(ends)):
        kept.record(ended(number))
        await flushed(kept)
        found.append((number + 1, await total(kept), await total(kept, 3600)))

    assert [(right, right, right) for right, *_ in found] == found
    disk.ends = ["well"]
    await kept.close()
    assert len(ends) == await total(kept)
    assert 0 == kept.lost


async def test_memory_is_bounded_while_nothing_can_be_written(
    files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    kept = files.series
    for number in range(MOST_CELLS + 40):
        at = DAY + 10.0 * (number // 20)
        kept.record(ended(number, at=at, key_id=f"k{number % 20}"))
    await files.telemetry.write(lambda conn: conn.execute("ALTER TABLE series RENAME TO away"))

    await flushed(kept)
    await files.telemetry.write(lambda conn: conn.execute("ALTER TABLE away RENAME TO series"))
    await flushed(kept)

    assert 40 == kept.lost
    assert MOST_CELLS == await total(kept)
    assert "series_lost" in caplog.text


async def test_what_is_over_is_pruned_level_by_level(files: Files) -> None:
    kept = files.series
    for day in (0, 20, 24):
        kept.record(ended(day, at=DAY + day * DAY_S + 5.0))
        await flushed(kept)
    now = DAY + 25.0 * DAY_S
    await kept.set_retention(10, Audit(action="a", resource="r", actor="x", at=now))

    deleted = await kept.prune(now)

    left = [await files.telemetry.read(rows(level.step_s)) for level in LEVELS]
    assert [1, 2, 2, 2, 2] == left
    assert deleted > 0
    assert 0 == await kept.prune(now)
    assert [2, 2] == [await total(kept, step) for step in (3600, DAY_S)]


async def test_what_is_pruned_before_it_was_rolled_up_is_rolled_up_first(files: Files) -> None:
    kept = files.series
    kept.record(ended(1, at=DAY + 5.0))
    await flushed(kept)

    await kept.prune(DAY + 40.0 * DAY_S)

    assert [0, 0, 0, 1, 1] == [await files.telemetry.read(rows(level.step_s)) for level in LEVELS]
    assert 1 == await total(kept, DAY_S)


async def test_many_rows_are_pruned_chunk_by_chunk(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 3)
    kept = files.series
    for number in range(10):
        kept.record(ended(number, at=DAY + 10.0 * number))
    await flushed(kept)

    await kept.prune(DAY + 2.0 * DAY_S)

    assert 0 == await files.telemetry.read(rows(10))


async def test_retention_outlives_a_restart_and_leaves_an_entry(files: Files) -> None:
    kept = files.series
    before = kept.retention_days

    await kept.set_retention(
        30, Audit(action="tsdb.retention", resource="tsdb", actor="admin", at=BEGAN)
    )
    kept = await files.again()

    assert (90, 30) == (before, kept.retention_days)
    entries = await files.ledger.read(
        lambda conn: conn.execute("SELECT action FROM audit_log").fetchall()
    )
    assert [("tsdb.retention",)] == entries


async def test_what_was_written_is_there_for_whoever_comes_after_a_kill(files: Files) -> None:
    kept = files.series
    kept.record(ended(1))
    await flushed(kept)

    with sqlite3.connect(f"file:{files.telemetry.path}?mode=ro", uri=True) as other:
        found = rows(10)(other)
    other.close()

    assert 1 == found


async def test_the_timer_writes_by_itself(files: Files) -> None:
    kept = SqliteSeries(files.ledger, files.telemetry, delay_s=0.0)
    await kept.load()

    kept.record(ended(1))
    written = asyncio.get_running_loop().create_future()
    landed = kept._landed
    kept._landed = lambda flight: written.set_result(landed(flight))
    await written

    assert 1 == await files.telemetry.read(rows(10))
    await kept.close()


async def test_many_requests_are_counted_in_between(files: Files) -> None:
    kept = files.series

    for number in range(module.AT_ONCE):
        kept.record(ended(number))
    await asyncio.sleep(0)

    assert [] == kept._waiting
    assert module.AT_ONCE == await total(kept)
    assert series.SLOT_S == LEVELS[0].step_s
