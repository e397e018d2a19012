"""What is deleted, what stays, and what is remembered of it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from tests.contract.kept import AUDIT, HERE, outcome
from tokenhub.adapters.sqlite.stores import Stores, open_stores
from tokenhub.core.feedback import Feedback
from tokenhub.core.ids import request_id
from tokenhub.core.orchestration import Orchestration
from tokenhub.core.outcome import Outcome
from tokenhub.core.rewards import Quality
from tokenhub.ports.feedback import FeedbackQuery
from tokenhub.ports.journal import LogQuery
from tokenhub.ports.orchestrations import OrchestrationQuery
from tokenhub.ports.retention import CHUNK

pytestmark = pytest.mark.anyio
DAY_S = 86_400.0
NOW = 1_800_000_000.0
ALL = LogQuery(limit=10_000)


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[Stores]:
    async with open_stores(tmp_path / "tokenhub.sqlite") as opened:
        yield opened


def days_ago(days: float, number: int = 0, **changes: object) -> Outcome:
    """A request of so many days ago, with the id that it had then."""
    at = NOW - days * DAY_S
    return outcome(number, request_id=request_id(at, number), at=at, **changes)


def judged(row: Outcome) -> Feedback:
    quality = Quality(
        request_id=row.request_id, provider_id="here", model_id="big", score=1.0, at=row.at
    )
    return Feedback(quality=quality, key_id=row.key_id)


async def ids(stores: Stores) -> set[str]:
    return {row.request_id for row in await stores.journal.page(ALL)}


async def spent(stores: Stores) -> tuple[int, ...]:
    """Attempts, tokens in and out, and cost, of all time."""
    rows = await stores._ledger.read(
        lambda conn: conn.execute(
            "SELECT sum(attempts), sum(input_tokens), sum(output_tokens), sum(cost_nusd) "
            "FROM ledger_totals"
        ).fetchone()
    )
    return tuple(rows)


async def pruned(stores: Stores) -> list[tuple[object, ...]]:
    return await stores._ledger.read(
        lambda conn: conn.execute(
            "SELECT day, key_id, provider_id, model_id, pruned_attempts, pruned_nusd "
            "FROM ledger_totals WHERE pruned_attempts ORDER BY 1, 2, 3, 4"
        ).fetchall()
    )


async def test_what_is_older_goes_and_the_rest_stays(stores: Stores) -> None:
    old, edge, young = days_ago(101), days_ago(99.999), days_ago(1)
    for row in (old, edge, young):
        await stores.journal.record(row)

    deleted = await stores.retention.requests(NOW - 100 * DAY_S)

    assert 1 == deleted
    assert {edge.request_id, young.request_id} == await ids(stores)
    assert 2 == await stores._ledger.read(
        lambda conn: conn.execute("SELECT count(DISTINCT request_id) FROM attempts").fetchone()[0]
    )


async def test_what_was_spent_is_kept_by_day_key_and_route(stores: Stores) -> None:
    for number in (1, 2):
        await stores.journal.record(days_ago(200, number))
    await stores.journal.record(days_ago(200, 3, key_id="key_2", status=502, error_class="lost"))
    unpriced = msgspec.structs.replace(outcome(4).attempts[1], cost_nusd=None)
    await stores.journal.record(days_ago(201, 4, attempts=(unpriced,)))
    before = await spent(stores)

    await stores.retention.requests(NOW)

    day = int((NOW - 200 * DAY_S) // DAY_S)
    assert [
        (day - 1, "key_1", "here", "org/small", 1, 0),
        (day, "key_1", "here", "org/small", 2, 2_003),
        (day, "key_1", "there", "big", 2, 0),
        (day, "key_2", "here", "org/small", 1, 1_003),
        (day, "key_2", "there", "big", 1, 0),
    ] == await pruned(stores)
    assert before == await spent(stores)


async def test_totals_grow_with_each_chunk(stores: Stores) -> None:
    rows = [days_ago(200, number) for number in range(CHUNK + 3)]
    await asyncio.gather(*map(stores.journal.record, rows))
    before = await spent(stores)

    deleted = [await stores.retention.requests(NOW) for _ in range(3)]

    assert [CHUNK, 3, 0] == deleted
    assert before == await spent(stores)
    assert 2 == len(await pruned(stores))


async def test_pruning_beside_requests_loses_none_of_either(stores: Stores) -> None:
    """Old ones go while new ones come; the sums are those of all of them."""
    old = [days_ago(200, number) for number in range(1_200)]
    await asyncio.gather(*map(stores.journal.record, old))
    new = [days_ago(0.5, 10_000 + number) for number in range(1_200)]

    async def prune() -> None:
        while await stores.retention.requests(NOW - 100 * DAY_S):
            pass

    async with asyncio.TaskGroup() as group:
        group.create_task(prune())
        for row in new:
            await stores.journal.record(row)

    assert {row.request_id for row in new} == await ids(stores)
    cost = sum(row.cost_nusd or 0 for row in (*old, *new))
    assert (4_800, 240_000, 24_000, cost) == await spent(stores)


async def kinds(stores: Stores) -> list[str]:
    """The keys that the search knows of, one for each kind."""
    rows = await stores._ledger.read(
        lambda conn: conn.execute("SELECT key_id FROM log_kinds ORDER BY 1").fetchall()
    )
    return [key_id for (key_id,) in rows]


async def test_kinds_go_with_the_last_of_their_requests(stores: Stores) -> None:
    """There are more of them than are deleted at once."""
    rows = [days_ago(200, number, key_id=f"key_{number}") for number in range(CHUNK + 3)]
    rows += [days_ago(1, number, key_id=key) for number, key in ((9_001, "key_7"), (9_002, "new"))]
    await asyncio.gather(*map(stores.journal.record, rows))

    before = len(await kinds(stores))
    for _ in range(2):
        await stores.retention.requests(NOW - 100 * DAY_S)

    assert CHUNK + 4 == before
    assert ["key_7", "new"] == await kinds(stores)


async def test_a_kind_that_comes_back_while_it_is_deleted_stays(stores: Stores) -> None:
    old = [days_ago(200, number, key_id=f"key_{number}") for number in range(20)]
    await asyncio.gather(*map(stores.journal.record, old))
    again = [days_ago(1, 100 + number, key_id=f"key_{number}") for number in range(20)]

    await asyncio.gather(
        stores.retention.requests(NOW - 100 * DAY_S), *map(stores.journal.record, again)
    )
    await stores.retention.requests(NOW - 100 * DAY_S)

    assert sorted(row.key_id for row in again) == await kinds(stores)


@pytest.mark.parametrize("name", ["aaa-1", "req-1", "request_1", "zzz"])
async def test_an_id_that_is_not_ours_goes_by_its_time(stores: Stores, name: str) -> None:
    await stores.journal.record(outcome(1, request_id=f"{name}-old", at=NOW - 200 * DAY_S))
    await stores.journal.record(outcome(2, request_id=f"{name}-new", at=NOW))

    deleted = await stores.retention.requests(NOW - 100 * DAY_S)

    assert 1 == deleted
    assert {f"{name}-new"} == await ids(stores)


async def test_records_go_and_the_catalogs_that_they_alone_named(tmp_path: Path) -> None:
    path = tmp_path / "tokenhub.sqlite"
    async with open_stores(path) as stores:
        await stores.catalog.load()
        for days in (50.0, 1.0):
            version = (await stores.catalog.put_provider(HERE, AUDIT)).version
            stores.journal.explain(
                days_ago(days).request_id, NOW - days * DAY_S, Decided(catalog_version=version)
            )
        await stores.catalog.put_provider(HERE, AUDIT)

    async with open_stores(path) as stores:
        await stores.catalog.load()
        deleted = await stores.retention.decisions(NOW - 30 * DAY_S)
        forgotten = await stores.retention.catalogs()
        left = [
            days for days in (50.0, 1.0) if await stores.journal.decision(days_ago(days).request_id)
        ]
        kept = [version for version in (1, 2, 3) if await stores.catalog.at(version) is not None]

    assert (1, 1) == (deleted, forgotten)
    assert [1.0] == left
    assert [2, 3] == kept


class Decided(msgspec.Struct, frozen=True):
    catalog_version: int


async def test_plans_go_unless_they_are_under_way(stores: Stores) -> None:
    for number, status in enumerate(("succeeded", "running")):
        await stores.orchestrations.record(
            Orchestration(
                id=request_id(NOW - 200 * DAY_S, number),
                at=NOW - 200 * DAY_S,
                key_id="key_1",
                dialect="plan",
                mode="vote",
                status=status,
            )
        )

    deleted = await stores.retention.orchestrations(NOW)

    assert 1 == deleted
    assert ["running"] == [
        row.status for row in await stores.orchestrations.page(OrchestrationQuery())
    ]


async def test_nothing_of_what_was_deleted_is_left_in_the_files(tmp_path: Path) -> None:
    path = tmp_path / "tokenhub.sqlite"
    async with open_stores(path) as stores:
        rows = [
            days_ago(200, number, requested_model=f"zebra-mango-{number}") for number in range(700)
        ]
        await asyncio.gather(*map(stores.journal.record, rows))
        for row in rows:
            stores.journal.explain(row.request_id, row.at, {"hint": row.requested_model})
    async with open_stores(path) as stores:
        while await stores.retention.requests(NOW) + await stores.retention.decisions(NOW):
            pass

    assert [] == [
        file.name
        for file in path.parent.iterdir()
        if file.is_file() and b"zebra-mango" in file.read_bytes()
    ]


async def test_feedback_goes_with_its_request(stores: Stores) -> None:
    old, young = days_ago(200), days_ago(1)
    for row in (old, young):
        await stores.journal.record(row)
        stores.feedback.note([judged(row)])
    await stores.feedback.close()

    await stores.retention.requests(NOW - 100 * DAY_S)

    assert [judged(young)] == list(await stores.feedback.page(FeedbackQuery()))
