"""The record of orchestrations: what comes back, in which order, and what a restart makes of it."""

import pytest
from msgspec.structs import replace

from tests.contract.kept import Kept, on_disk, outcome
from tokenhub.core.orchestration import Orchestration
from tokenhub.ports.journal import LogQuery
from tokenhub.ports.orchestrations import OrchestrationQuery

pytestmark = pytest.mark.anyio

ALL = OrchestrationQuery()


def orchestration(number, **changes):
    usual = Orchestration(
        id=f"req_{number:012x}",
        at=1_700_000_000.0 + number,
        key_id="key_1",
        dialect="plan",
        mode="vote",
        status="partial",
        iterations=3,
        steps=4,
        stream=True,
        estimate_nusd=5_000,
        cost_nusd=1_000 + number,
        error_class="upstream_timeout",
        latency_s=1.25,
    )
    return replace(usual, **changes)


async def test_every_field_comes_back(kept: Kept) -> None:
    unpriced = orchestration(2, cost_nusd=None, estimate_nusd=None, stream=False)

    await kept.orchestrations.record(orchestration(1))
    await kept.orchestrations.record(unpriced)

    assert [unpriced, orchestration(1)] == list(await kept.orchestrations.page(ALL))


async def test_the_last_state_of_a_row_counts(kept: Kept) -> None:
    await kept.orchestrations.record(orchestration(1, status="running"))
    await kept.orchestrations.record(orchestration(1, status="succeeded"))

    (found,) = await kept.orchestrations.page(ALL)
    assert "succeeded" == found.status


async def test_pages_are_newest_first_and_follow_the_cursor(kept: Kept) -> None:
    for number in (3, 1, 5, 2, 4):
        await kept.orchestrations.record(orchestration(number))

    first = await kept.orchestrations.page(OrchestrationQuery(limit=2))
    second = await kept.orchestrations.page(OrchestrationQuery(limit=2, before=first[-1].id))
    skipped = await kept.orchestrations.page(OrchestrationQuery(limit=2, offset=4))

    assert [orchestration(5), orchestration(4)] == list(first)
    assert [orchestration(3), orchestration(2)] == list(second)
    assert [orchestration(1)] == list(skipped)


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        (OrchestrationQuery(mode="refine"), [2]),
        (OrchestrationQuery(status="failed"), [3]),
        (OrchestrationQuery(mode="vote", status="partial"), [1]),
        (OrchestrationQuery(id=orchestration(3).id), [3]),
        (OrchestrationQuery(mode="planning"), []),
    ],
)
async def test_filters_are_all_to_match(
    kept: Kept, query: OrchestrationQuery, numbers: list[int]
) -> None:
    rows = {
        1: orchestration(1),
        2: orchestration(2, mode="refine"),
        3: orchestration(3, status="failed"),
    }
    for row in rows.values():
        await kept.orchestrations.record(row)

    assert [rows[number] for number in numbers] == list(await kept.orchestrations.page(query))
    assert len(numbers) == await kept.orchestrations.count(query)


async def test_what_was_under_way_is_lost(kept: Kept) -> None:
    await kept.orchestrations.record(orchestration(1, status="running"))
    await kept.orchestrations.record(orchestration(2))

    assert 1 == await kept.orchestrations.recover()

    found = await kept.orchestrations.page(ALL)
    assert ["partial", "lost"] == [row.status for row in found]


@pytest.mark.parametrize(("priced", "cost"), [(True, 2_003), (False, None)])
async def test_what_is_lost_costs_what_its_steps_cost(tmp_path, priced, cost) -> None:
    attempt = replace(outcome(1).attempts[1], cost_nusd=1_001 if priced else None)
    parent = orchestration(9, status="running", cost_nusd=0, steps=0)
    async with on_disk(tmp_path / "tokenhub.sqlite") as kept:
        await kept.orchestrations.record(parent)
        await kept.journal.record(outcome(1, parent_id=parent.id, attempts=(attempt,)))
        await kept.journal.record(outcome(2, parent_id=parent.id))
        await kept.journal.record(outcome(3))

        await kept.orchestrations.recover()

        (found,) = await kept.orchestrations.page(ALL)
    assert ("lost", 2, cost) == (found.status, found.steps, found.cost_nusd)


async def test_the_log_finds_the_steps_of_a_parent(kept: Kept) -> None:
    for number in (1, 2, 3):
        await kept.journal.record(outcome(number, parent_id="req_p" if number > 1 else ""))

    query = LogQuery(parent_id="req_p")

    assert [outcome(3, parent_id="req_p"), outcome(2, parent_id="req_p")] == list(
        await kept.journal.page(query)
    )
    assert 2 == await kept.journal.count(query)


async def test_steps_are_found_by_an_index(tmp_path) -> None:
    async with on_disk(tmp_path / "tokenhub.sqlite") as kept:
        plan = await kept.journal._ledger.read(
            lambda conn: conn.execute(
                "EXPLAIN QUERY PLAN SELECT request_id FROM requests "
                "WHERE parent_id = ? AND parent_id <> ''",
                ("req_p",),
            ).fetchall()
        )

    assert "USING COVERING INDEX requests_parent" in str(plan)
