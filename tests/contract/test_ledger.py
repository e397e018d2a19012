"""What calls cost, summed the same by every store."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace

from tests.contract.kept import outcome
from tokenhub.adapters.memory.ledger import MemoryLedger
from tokenhub.adapters.memory.stores import MemoryJournal
from tokenhub.adapters.sqlite.stores import open_stores
from tokenhub.ports.journal import Journal
from tokenhub.ports.ledger import LedgerStore, Total, TotalsQuery

pytestmark = pytest.mark.anyio

DAY = 19_675
LATER = 1_700_000_000.0 + 86_400


@asynccontextmanager
async def in_memory(_) -> AsyncIterator[tuple[Journal, LedgerStore]]:
    journal = MemoryJournal()
    yield journal, MemoryLedger(journal)


@asynccontextmanager
async def on_disk(folder) -> AsyncIterator[tuple[Journal, LedgerStore]]:
    async with open_stores(folder / "tokenhub.sqlite") as stores:
        yield stores.journal, stores.ledger


@pytest.fixture(params=[in_memory, on_disk])
async def ledger(request, tmp_path) -> AsyncIterator[LedgerStore]:
    """Two requests of one key, and one of another on the day after, whose call may be billed."""
    async with request.param(tmp_path) as (journal, store):
        voided, settled = outcome(3).attempts
        unsure = (voided, replace(settled, state="unknown"), replace(settled, cost_nusd=None))
        numbered = tuple(replace(one, number=n) for n, one in enumerate(unsure, 1))
        await journal.record(outcome(1))
        await journal.record(outcome(2))
        await journal.record(outcome(3, at=LATER, key_id="key_2", attempts=numbered))
        yield store


def shown(rows) -> Iterator[tuple[object, ...]]:
    for row in rows:
        yield row.day, row.key_id, row.provider_id, row.model_id, row.attempts, row.cost_nusd


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ({"by": ("key",)}, [(None, "key_1", "", "", 4, 2003), (None, "key_2", "", "", 3, 1003)]),
        (
            {"by": ("day", "model")},
            [
                (DAY + 1, "", "", "org/small", 2, 1003),
                (DAY + 1, "", "", "big", 1, 0),
                (DAY, "", "", "org/small", 2, 2003),
                (DAY, "", "", "big", 2, 0),
            ],
        ),
        ({"by": ("provider",), "key_id": "key_2", "limit": 1}, [(None, "", "here", "", 2, 1003)]),
        ({"by": ("provider",), "offset": 1}, [(None, "", "there", "", 3, 0)]),
        ({"by": ("day",), "since_day": DAY + 1}, [(DAY + 1, "", "", "", 3, 1003)]),
        ({"by": ("day",), "until_day": DAY + 1}, [(DAY, "", "", "", 4, 2003)]),
        ({"by": ("key",), "model_id": "none"}, []),
    ],
)
async def test_groups_are_summed_and_put_in_order(ledger, query, rows):
    assert rows == list(shown(await ledger.totals(TotalsQuery(**query))))


async def test_the_sum_of_all_groups_tells_the_states_apart(ledger):
    count, whole = await ledger.groups(TotalsQuery(by=("day",)))

    assert 2 == count
    assert whole == Total(
        attempts=7,
        settled=3,
        voided=3,
        unknown=1,
        unpriced=1,
        input_tokens=400,
        output_tokens=40,
        cost_nusd=3006,
        unknown_nusd=1003,
    )


async def test_spending_is_told_by_day_and_key(ledger):
    assert [(DAY, "key_1", 2003), (DAY + 1, "key_2", 1003)] == list(
        await ledger.spent(since_day=DAY)
    )


async def test_books_that_are_right_are_found_so(ledger):
    audited = await ledger.audit()

    assert (3, 7, 3006, 3006) == (
        audited.requests,
        audited.attempts,
        audited.rows_nusd,
        audited.totals_nusd,
    )
    assert 2003 == audited.requests_nusd == audited.attempts_nusd
    assert (0, 0, 0, {}) == (audited.wrong, audited.strays, audited.off, audited.open)
