"""F32: backups under load, restored on another path; bits flipped in a copy."""

import asyncio
import random
from pathlib import Path

import pytest

from tests.contract.kept import outcome
from tests.faults.harness import Bench
from tests.faults.table import LONG
from tests.faults.test_disk import tokenhub
from tests.support.server import child
from tokenhub.adapters.sqlite import backup
from tokenhub.adapters.sqlite.stores import open_stores
from tokenhub.core.errors import Unavailable

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

# What is there before; the log of a busy hour, and of a busy day.
ROWS = 200_000 if LONG else 10_000
BACKUPS = 10 if LONG else 3
FLIPS = 1_000 if LONG else 150
CALLERS = 16
AT_ONCE = 5_000


async def filled(database):
    async with open_stores(database) as stores:
        for first in range(0, ROWS, AT_ONCE):
            numbers = range(first, first + AT_ONCE)
            await asyncio.gather(*[stores.journal.record(outcome(n)) for n in numbers])


class Callers:
    """Ask without a pause until they are told to stop, every other answer a stream."""

    def __init__(self, bench):
        self._bench = bench
        self._stopped = False

    async def __aenter__(self):
        self._group = asyncio.TaskGroup()
        await self._group.__aenter__()
        for number in range(CALLERS):
            self._group.create_task(self._call(stream=bool(number % 2)))
        return self

    async def __aexit__(self, *error):
        self._stopped = True
        await self._group.__aexit__(*error)

    async def _call(self, *, stream):
        while not self._stopped:
            await self._bench.ask(stream=stream)


def slowest_ms(acks, since, until):
    """The longest that a request took of those that were under way in this time."""
    meanwhile = [ack for ack in acks if ack.ended_at > since and ack.began_at < until]
    return 1000 * max(ack.seconds for ack in meanwhile)


async def test_f32_a_backup_under_load_is_whole_and_restores_elsewhere(
    tmp_path, sim, numbers, figure
):
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    await filled(here / "data" / "tokenhub.sqlite")
    clock = asyncio.get_running_loop().time
    async with child(here, BACKUP_KEEP="2") as hub:
        bench = Bench(hub, await hub.key(), next(numbers))
        await bench.provider("one", sim)
        async with Callers(bench):
            while len(bench.acks) < 10 * CALLERS:
                await bench.heard()
            began = clock()
            for _ in range(BACKUPS):
                sure = {ack.id for ack in bench.acks}
                since = clock()
                made = (await hub.admin("POST", "backup"))["backup"]
                figure("F32", f"backup of {ROWS:,} requests", clock() - since, "s")
            ended = clock()
            # As long once more, so that like is compared with like.
            await asyncio.sleep(ended - began)
            beside = slowest_ms(bench.acks, began, ended)
            without = slowest_ms(bench.acks, ended, clock())
        figure("F32", "longest request beside them", beside, "ms")
        figure("F32", "longest in as long a time without", without, "ms")
        listed = (await hub.admin("GET", "backups"))["items"]
        failed = [ack.status for ack in bench.acks if ack.failed]
        await bench.leave()

    checked = tokenhub(elsewhere, "verify", made["path"])
    restored = tokenhub(elsewhere, "restore", made["path"])
    verified = tokenhub(elsewhere, "verify")
    async with child(elsewhere) as again:
        there = await ids(again, len(bench.acks))
        rows = (await again.admin("GET", "logs?limit=1"))["total"]

    assert [0, 0, 0] == [checked.returncode, restored.returncode, verified.returncode]
    assert [] == failed
    assert 2 == len(listed)
    assert made == listed[0]
    assert set() == sure - there
    assert ROWS + len(sure) <= rows <= ROWS + len(bench.acks)
    figure("F32", "acknowledged before it and not in it", len(sure - there))
    figure("F32", "sums that do not add up in it", verified.returncode)


async def ids(hub, count):
    """The ids of so many requests, newest first, and those on the same pages."""
    found, cursor = set(), ""
    while len(found) < count:
        page = await hub.admin("GET", f"logs?limit=1000{cursor}")
        found |= {row["request_id"] for row in page["logs"]}
        if page["next"] is None:
            break
        cursor = f"&before={page['next']}"
    return found


async def test_f32_a_flipped_bit_is_found_wherever_it_is(tmp_path, figure):
    async with open_stores(tmp_path / "tokenhub.sqlite") as stores:
        await asyncio.gather(*[stores.journal.record(outcome(number)) for number in range(2_000)])
        stores.journal.explain(outcome(1).request_id, 1.0, {"seed": 7})
        made = await stores.backups.make(at=1_800_000_000.0, reason="asked for")
    files = [file.name for file in made.files] + [backup.SUMS]
    draw = random.Random(32)

    missed = [
        flip
        for flip in [(draw.choice(files), draw.random(), draw.randrange(8)) for _ in range(FLIPS)]
        if not found(Path(made.path), *flip)
    ]

    figure("F32", f"of {FLIPS:,} flipped bits, not found", len(missed))
    assert [] == missed
    assert made == backup.check(Path(made.path))


def found(folder, name, where, bit):
    """Whether a backup with this bit flipped is refused; it is put back afterwards."""
    path = folder / name
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[int(where * len(whole))] ^= 1 << bit
    path.write_bytes(damaged)
    try:
        backup.check(folder)
    except Unavailable:
        return True
    finally:
        path.write_bytes(whole)
    return False
