"""Judgements and lessons: what comes back, in which order, and after a restart."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tokenhub.adapters.memory.rewards import MemoryRewards
from tokenhub.adapters.sqlite import rewards as sqlite
from tokenhub.adapters.sqlite.stores import open_stores
from tokenhub.core.judged import Cell, Drift, Judged
from tokenhub.core.learning import Calls, Taught
from tokenhub.core.rewards import Quality
from tokenhub.ports.rewards import RewardQuery, RewardStore

pytestmark = pytest.mark.anyio
TAUGHT = Taught(
    judged={
        "here/org/small": Judged(
            {"code": Cell(3.5, 0.25)}, 0.125, 1_700_000_000.5, fell=Drift(0.5, 1.0, -0.25)
        )
    },
    calls={"here/org/small": Calls(7.0, 1.0)},
)


def judgement(number: int, **changes: object) -> Quality:
    given: dict[str, object] = {
        "request_id": f"req_{number}",
        "provider_id": "here",
        "model_id": "org/small",
        "score": number / 10,
        "weight": 0.5,
        "source": "judge",
        "task": "code",
        "at": 1_700_000_000.25 + number,
    }
    return Quality(**given | changes)  # type: ignore[arg-type] - named in the dict


@asynccontextmanager
async def opened(kind: str, tmp_path) -> AsyncIterator[RewardStore]:
    if kind == "memory":
        yield MemoryRewards()
        return
    async with open_stores(tmp_path / "tokenhub.sqlite") as stores:
        yield stores.rewards


@pytest.fixture(params=["memory", "sqlite"])
async def rewards(request, tmp_path):
    async with opened(request.param, tmp_path) as store:
        yield store


async def test_judgements_come_back_newest_first(rewards) -> None:
    for number in (1, 2, 3):
        rewards.record(judgement(number))
    await rewards.save(TAUGHT, at=0.0)  # behind them in the queue of the writer

    found = await rewards.page(RewardQuery(limit=2))
    rest = await rewards.page(RewardQuery(before=str(found[-1].id)))

    assert [judgement(3), judgement(2)] == [row.quality for row in found]
    assert [judgement(1)] == [row.quality for row in rest]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        (RewardQuery(request_id="req_2"), [2]),
        (RewardQuery(provider_id="there"), [1]),
        (RewardQuery(model_id="big"), [2]),
        (RewardQuery(source="caller"), [3]),
        (RewardQuery(task="chat"), [1]),
        (RewardQuery(task="chat", source="caller"), []),
    ],
)
async def test_filters_hold_for_page_and_count(rewards, query, numbers) -> None:
    rewards.record(judgement(1, provider_id="there", task="chat"))
    rewards.record(judgement(2, model_id="big"))
    rewards.record(judgement(3, source="caller"))
    await rewards.save(TAUGHT, at=0.0)

    found = await rewards.page(query)

    assert [f"req_{number}" for number in numbers] == [row.quality.request_id for row in found]
    assert len(numbers) == await rewards.count(query)


async def test_the_last_lessons_come_back(rewards) -> None:
    assert await rewards.taught() is None

    await rewards.save(Taught(), at=1.0)
    await rewards.save(TAUGHT, at=2.0)

    assert TAUGHT == await rewards.taught()


async def test_what_was_judged_after_the_lessons_is_to_be_learned_yet(rewards) -> None:
    rewards.record(judgement(1))
    rewards.record(judgement(2))
    await rewards.save(TAUGHT, at=judgement(2).at)
    rewards.record(judgement(3))
    rewards.record(judgement(1, score=0.9, at=judgement(4).at))
    rewards.record(judgement(1, score=0.5, source="caller", at=judgement(5).at))
    while await rewards.count(RewardQuery()) < 5:
        pass

    found = await rewards.unlearned()

    assert [("req_3", 0.3, None), ("req_1", 0.9, 0.1), ("req_1", 0.5, None)] == [
        (one.request_id, one.score, one.replaces) for one in found
    ]


async def test_lessons_and_judgements_survive_a_restart(tmp_path) -> None:
    async with opened("sqlite", tmp_path) as store:
        store.record(judgement(1))
        await store.save(TAUGHT, at=1.0)

    async with opened("sqlite", tmp_path) as store:
        assert TAUGHT == await store.taught()
        assert 1 == await store.count(RewardQuery())


async def test_a_mind_that_is_changed_over_and_over_takes_no_room(tmp_path) -> None:
    """What was learned of it is one row, and what was not is all there, with what it replaces."""

    def word(number: int) -> Quality:
        before = (number - 1) / 10 if number else None
        changes = {"request_id": "req_1", "score": number / 10, "replaces": before}
        return judgement(number, **changes)

    async with opened("sqlite", tmp_path) as store:
        store.record(judgement(0, request_id="req_0"))
        for number in range(6):
            store.record(word(number))
        await store.save(TAUGHT, at=judgement(5).at)
        for number in (6, 7):
            store.record(word(number))
        while await store.count(RewardQuery()) != 4:
            pass

        kept = [row.quality.score for row in await store.page(RewardQuery())]
        unlearned = await store.unlearned()

    assert [0.7, 0.6, 0.5, 0.0] == kept
    assert [(0.6, 0.5), (0.7, 0.6)] == [(one.score, one.replaces) for one in unlearned]


async def test_what_cannot_be_written_is_counted_and_told_once(tmp_path, caplog) -> None:
    async with open_stores(tmp_path / "tokenhub.sqlite") as stores:
        store, ledger = stores.rewards, stores._ledger
        await ledger.write(lambda conn: conn.execute("ALTER TABLE rewards RENAME TO away"))
        for number in range(5):
            store.record(judgement(number))
        for _ in range(2):  # behind the first of them, and behind those that waited for it
            await ledger.write(lambda _: None)
        lost = store.lost
        await ledger.write(lambda conn: conn.execute("ALTER TABLE away RENAME TO rewards"))

        store.record(judgement(5))
        await store.save(TAUGHT, at=0.0)

        assert 1 == await store.count(RewardQuery())
        assert (5, 5) == (lost, stores.behind_lost["reward"])
        assert ["rewards_lost"] == [record.getMessage() for record in caplog.records]


async def test_what_waits_at_the_end_is_written(tmp_path) -> None:
    async with opened("sqlite", tmp_path) as store:
        for number in range(7):
            store.record(judgement(number))

    async with opened("sqlite", tmp_path) as store:
        assert 7 == await store.count(RewardQuery())


async def test_only_so_many_wait_to_be_written(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(sqlite, "BACKLOG", 2)
    async with opened("sqlite", tmp_path) as store:
        for number in range(5):
            store.record(judgement(number))
        await store.save(TAUGHT, at=0.0)

        assert (2, 3) == (store.lost, await store.count(RewardQuery()))


async def test_only_the_newest_judgements_are_kept(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(sqlite, "KEPT", 2)
    async with opened("sqlite", tmp_path) as store:
        for number in range(5):
            store.record(judgement(number))
        await store.save(TAUGHT, at=1.0)

        assert ["req_4", "req_3"] == [
            row.quality.request_id for row in await store.page(RewardQuery())
        ]


async def test_lessons_that_cannot_be_read_are_none(tmp_path, caplog) -> None:
    """A version that learns otherwise begins anew, and serves."""
    async with open_stores(tmp_path / "tokenhub.sqlite") as stores:
        await stores._ledger.write(
            lambda conn: conn.execute("INSERT INTO lessons VALUES (1, 1, '{\"judged\": 3}')")
        )

        assert await stores.rewards.taught() is None
    assert "lessons_unreadable" in caplog.text
