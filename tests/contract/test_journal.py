import asyncio
from pathlib import Path

import pytest
from msgspec import json

from tests.contract.kept import Kept, on_disk, outcome
from tokenhub.adapters.memory.stores import MemoryJournal
from tokenhub.core.errors import Unavailable
from tokenhub.ports.journal import LogQuery

pytestmark = pytest.mark.anyio

ALL = LogQuery()


async def test_every_field_comes_back(kept: Kept) -> None:
    await kept.journal.record(outcome(1))

    assert [outcome(1)] == list(await kept.journal.page(ALL))


async def test_a_request_without_attempts_is_recorded(kept: Kept) -> None:
    refused = outcome(1, attempts=(), status=429, error_class="rate_limited", stream=False)

    await kept.journal.record(refused)

    assert [refused] == list(await kept.journal.page(ALL))


async def test_an_unknown_cost_stays_unknown(kept: Kept) -> None:
    attempt = outcome(1).attempts[1]
    unpriced = outcome(
        1,
        attempts=(
            type(attempt)(
                number=1, provider_id="here", model_id="org/small", state="settled", cost_nusd=None
            ),
        ),
    )

    await kept.journal.record(unpriced)

    (found,) = await kept.journal.page(ALL)
    assert found.cost_nusd is None


async def test_pages_are_newest_first_and_follow_the_cursor(kept: Kept) -> None:
    for number in (3, 1, 5, 2, 4):
        await kept.journal.record(outcome(number))

    first = await kept.journal.page(LogQuery(limit=2))
    second = await kept.journal.page(LogQuery(limit=2, before=first[-1].request_id))
    skipped = await kept.journal.page(LogQuery(limit=2, offset=4))

    assert [outcome(5), outcome(4)] == list(first)
    assert [outcome(3), outcome(2)] == list(second)
    assert [outcome(1)] == list(skipped)


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        (LogQuery(model_id="big"), [2]),
        (LogQuery(provider_id="there"), [3]),
        (LogQuery(key_id="key_2"), [4]),
        (LogQuery(status=502), [4]),
        (LogQuery(request_id=outcome(3).request_id), [3]),
        (LogQuery(provider_id="here", status=200), [2, 1]),
        (LogQuery(model_id="nothing"), []),
    ],
)
async def test_filters_hold_for_page_and_count(
    kept: Kept, query: LogQuery, numbers: list[int]
) -> None:
    await kept.journal.record(outcome(1))
    await kept.journal.record(outcome(2, model_id="big"))
    await kept.journal.record(outcome(3, provider_id="there"))
    await kept.journal.record(outcome(4, key_id="key_2", status=502))

    page = await kept.journal.page(query)

    assert [outcome(number).request_id for number in numbers] == [row.request_id for row in page]
    assert len(numbers) == await kept.journal.count(query)


async def test_one_request_is_recorded_once(kept: Kept) -> None:
    await kept.journal.record(outcome(1))

    with pytest.raises(Unavailable) as refused:
        await kept.journal.record(outcome(1, status=500))

    assert "ledger_unavailable" == refused.value.code
    assert [outcome(1)] == list(await kept.journal.page(ALL))


async def test_many_at_once_are_all_recorded(kept: Kept) -> None:
    await asyncio.gather(*[kept.journal.record(outcome(number)) for number in range(1, 701)])

    page = await kept.journal.page(LogQuery(limit=1000))

    assert 700 == await kept.journal.count(ALL)
    assert [outcome(number) for number in range(700, 0, -1)] == list(page)


async def test_an_acknowledged_request_is_there_after_reopening(tmp_path: Path) -> None:
    async with on_disk(tmp_path / "tokenhub.sqlite") as before:
        await before.journal.record(outcome(1))

    async with on_disk(tmp_path / "tokenhub.sqlite") as after:
        page = await after.journal.page(ALL)

    assert [outcome(1)] == list(page)


async def test_a_decision_handed_over_is_there_after_reopening(tmp_path: Path) -> None:
    decision = {"candidates": [{"route": "here/org/small", "score": 0.25}], "seed": 7}
    async with on_disk(tmp_path / "tokenhub.sqlite") as before:
        before.journal.explain("req_1", 1_700_000_000.0, decision)

    async with on_disk(tmp_path / "tokenhub.sqlite") as after:
        found = await after.journal.decision("req_1")

    assert json.encode(decision) == found


async def test_a_request_without_a_decision_has_none(kept: Kept) -> None:
    assert await kept.journal.decision("req_1") is None


async def test_a_journal_in_order_has_no_fault(kept: Kept) -> None:
    await kept.journal.record(outcome(1))

    assert "" == kept.journal.fault


async def test_a_journal_in_memory_refuses_while_it_is_told_to() -> None:
    journal = MemoryJournal()
    journal.fault = "the disk is full"

    with pytest.raises(Unavailable, match="the disk is full"):
        await journal.record(outcome(1))

    assert 0 == await journal.count(ALL)
