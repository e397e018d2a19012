"""Calls written ahead, what a start makes of them, and sums that always agree with their rows."""

import asyncio
import sqlite3

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.contract.kept import outcome
from tokenhub.adapters.sqlite.database import Database
from tokenhub.adapters.sqlite.journal import SqliteJournal
from tokenhub.adapters.sqlite.ledger import INTERRUPTED, SqliteLedger
from tokenhub.adapters.sqlite.migrations import TOKENHUB, Schema
from tokenhub.adapters.sqlite.stores import open_stores
from tokenhub.core.outcome import Attempt
from tokenhub.ports.journal import LogQuery
from tokenhub.ports.ledger import Intent, Recovered, Total, TotalsQuery

pytestmark = pytest.mark.anyio

ALL = LogQuery()
DAY = 19_675  # of the outcomes that tests are given
COST = 1_001


def intent(number=1, **changes):
    usual = Intent(
        request_id=outcome(number).request_id,
        leg=1,
        at=1_700_000_000.0 + number,
        key_id="key_1",
        dialect="openai",
        requested_model="big",
        mode="normal",
        stream=True,
        parent_id="",
        provider_id="here",
        model_id="org/small",
        input_tokens=100,
        output_tokens=64,
        reserved_nusd=5_000,
    )
    return replace(usual, **changes)


@pytest.fixture
async def stores(tmp_path):
    async with open_stores(tmp_path / "tokenhub.sqlite") as opened:
        yield opened


async def rows(stores, query):
    return await stores._ledger.read(lambda conn: conn.execute(query).fetchall())


async def is_open(stores):
    return [name for (name,) in await rows(stores, "SELECT request_id FROM intents")]


# --- ahead


async def test_a_written_call_is_there_once_its_future_is_done(stores):
    await stores.ledger.write(intent())

    assert [intent().request_id] == await is_open(stores)


async def test_the_outcome_takes_the_place_of_what_was_written_ahead(stores):
    await stores.ledger.write(intent())
    await stores.ledger.write(intent(leg=2))
    await stores.ledger.write(intent(2))

    await stores.journal.record(outcome(1))

    assert [intent(2).request_id] == await is_open(stores)


async def test_an_outcome_in_the_same_commit_takes_its_place_as_well(stores):
    written = stores.ledger.write(intent())
    recorded = stores.journal.record(outcome(1))

    await asyncio.gather(written, recorded)

    assert [] == await is_open(stores)


async def test_a_noted_call_is_written_soon(tmp_path):
    async with open_stores(tmp_path / "tokenhub.sqlite") as stores:
        ledger = SqliteLedger(stores._ledger, gather_s=0.0)
        ledger.note(intent(1))
        ledger.note(intent(2))

        while len(await is_open(stores)) < 2:  # noqa: ASYNC110 - the writer has no event for it
            await asyncio.sleep(0)


async def test_a_noted_call_that_has_ended_is_never_written(stores):
    stores.ledger.note(intent(1))
    stores.ledger.note(intent(2))
    await stores.journal.record(outcome(1))

    stores.ledger._flush()
    await stores._ledger.write(lambda conn: conn.total_changes)

    assert [intent(2).request_id] == await is_open(stores)


# --- recovery


async def test_a_call_without_an_end_is_charged_at_what_was_held_and_marked(stores):
    await stores.ledger.write(intent())

    recovered = await stores.ledger.recover()

    assert Recovered(requests=1, attempts=1, cost_nusd=5_000) == recovered
    (row,) = await stores.journal.page(ALL)
    (attempt,) = row.attempts
    assert (500, INTERRUPTED, True) == (row.status, row.error_class, row.stream)
    assert ("unknown", INTERRUPTED, 5_000, True) == (
        attempt.state,
        attempt.kind,
        attempt.cost_nusd,
        attempt.estimated,
    )
    assert [] == await is_open(stores)
    audited = await stores.ledger.audit()
    assert (0, 0, 0, 5_000) == (audited.wrong, audited.strays, audited.off, audited.rows_nusd)


async def test_each_call_of_a_request_is_charged(stores):
    await stores.ledger.write(intent(leg=1))
    await stores.ledger.write(intent(leg=2, reserved_nusd=700, model_id="big"))

    await stores.ledger.recover()

    (row,) = await stores.journal.page(ALL)
    assert (5_700, "big", [1, 2]) == (row.cost_nusd, row.model_id, [a.number for a in row.attempts])


async def test_a_call_without_a_price_stays_without_one(stores):
    await stores.ledger.write(intent(leg=1))
    await stores.ledger.write(intent(leg=2, reserved_nusd=None))

    recovered = await stores.ledger.recover()

    (row,) = await stores.journal.page(ALL)
    assert (None, 5_000) == (row.cost_nusd, recovered.cost_nusd)
    assert 0 == (await stores.ledger.audit()).wrong


async def test_there_is_nothing_to_recover_twice(stores):
    await stores.ledger.write(intent())
    await stores.ledger.recover()

    assert Recovered() == await stores.ledger.recover()
    assert 1 == await stores.journal.count(ALL)


# --- sums


async def test_totals_follow_the_rows(stores):
    await stores.journal.record(outcome(1))
    await stores.journal.record(outcome(2))

    by_model = await stores.ledger.totals(TotalsQuery(by=("model",)))
    count, whole = await stores.ledger.groups(TotalsQuery(by=("model",)))

    small = Total(
        model_id="org/small",
        attempts=2,
        settled=2,
        input_tokens=200,
        output_tokens=20,
        cost_nusd=2 * COST + 1,
    )
    assert [small, Total(model_id="big", attempts=2, voided=2)] == list(by_model)
    assert (2, 4, 2 * COST + 1) == (count, whole.attempts, whole.cost_nusd)


@pytest.mark.parametrize(
    ("query", "attempts"),
    [
        ({"key_id": "key_1"}, 2),
        ({"key_id": "key_2"}, 0),
        ({"provider_id": "here"}, 1),
        ({"model_id": "big"}, 1),
        ({"since_day": DAY}, 2),
        ({"since_day": DAY + 1}, 0),
        ({"until_day": DAY + 1}, 2),
        ({"until_day": DAY}, 0),
    ],
)
async def test_totals_are_of_what_was_asked_for(stores, query, attempts):
    await stores.journal.record(outcome(1))

    _, whole = await stores.ledger.groups(TotalsQuery(**query))

    assert attempts == whole.attempts


async def test_groups_come_latest_day_first_then_the_dearest(stores):
    later = 86_400.0
    await stores.journal.record(outcome(1))
    await stores.journal.record(outcome(2, at=1_700_000_000.0 + later))

    found = await stores.ledger.totals(TotalsQuery(by=("day", "provider")))

    assert [(DAY + 1, "here"), (DAY + 1, "there"), (DAY, "here"), (DAY, "there")] == [
        (row.day, row.provider_id) for row in found
    ]


async def test_spending_is_told_by_day_and_key(stores):
    await stores.journal.record(outcome(1))
    await stores.journal.record(outcome(2, key_id="key_2"))

    assert [(DAY, "key_1", COST), (DAY, "key_2", COST + 1)] == await stores.ledger.spent(
        since_day=DAY
    )
    assert [] == await stores.ledger.spent(since_day=DAY + 1)


async def test_what_retention_removes_stays_spent(stores):
    await stores.journal.record(outcome(1))

    def prune(conn: sqlite3.Connection):
        conn.execute("DELETE FROM attempts")
        conn.execute("DELETE FROM requests")

    await stores._ledger.write(prune)

    audited = await stores.ledger.audit()
    assert (COST, COST, 0, 0) == (
        audited.totals_nusd,
        audited.pruned_nusd,
        audited.rows_nusd,
        audited.off,
    )
    assert [(DAY, "key_1", COST)] == await stores.ledger.spent(since_day=DAY)


@pytest.mark.parametrize(
    ("damage", "finding"),
    [
        ("UPDATE attempts SET cost_nusd = 1 WHERE number = 2", ("wrong", "off")),
        ("UPDATE requests SET cost_nusd = NULL", ("wrong",)),
        ("DELETE FROM requests", ("strays",)),
        ("UPDATE ledger_totals SET cost_nusd = cost_nusd + 1", ("off",)),
        ("DELETE FROM ledger_totals", ("off",)),
    ],
)
async def test_damage_is_found_and_counted(stores, damage, finding):
    await stores.journal.record(outcome(1))
    await stores._ledger.write(lambda conn: conn.execute(damage).rowcount)

    audited = await stores.ledger.audit()

    found = {name for name in ("wrong", "strays", "off") if getattr(audited, name)}
    assert set(finding) == found


async def test_what_is_under_way_is_not_taken_for_lost(stores):
    await stores.ledger.write(intent(1))
    lost = (
        "INSERT INTO intents SELECT 'req_lost', 1, at_ms, key_id, dialect, requested_model, mode, "
        "stream, parent_id, provider_id, model_id, 0, 0, 0 FROM intents"
    )
    await stores._ledger.write(lambda conn: conn.execute(lost).rowcount)

    assert ["req_lost"] == list((await stores.ledger.audit()).open)


COSTS = st.one_of(st.none(), st.integers(0, 10**12))
STATES = st.sampled_from(["settled", "voided", "unknown"])


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.lists(st.tuples(STATES, COSTS), max_size=4), max_size=8))
async def test_whatever_is_recorded_all_sums_agree(tmp_path_factory, requests):
    async with open_stores(tmp_path_factory.mktemp("sums") / "tokenhub.sqlite") as stores:
        for number, attempts in enumerate(requests):
            await stores.ledger.write(intent(number))
            booked = tuple(
                Attempt(number=n, provider_id="p", model_id="m", state=state, cost_nusd=cost)
                for n, (state, cost) in enumerate(attempts, 1)
            )
            await stores.journal.record(outcome(number, attempts=booked))

        audited = await stores.ledger.audit()

    total = sum(cost or 0 for attempts in requests for _, cost in attempts)
    assert (total, total, 0, 0, 0) == (
        audited.rows_nusd,
        audited.totals_nusd,
        audited.wrong,
        audited.strays,
        audited.off,
    )
    assert audited.requests_nusd == audited.attempts_nusd
    assert {} == audited.open


async def test_rows_of_before_the_ledger_are_summed_at_its_beginning(tmp_path):
    path = tmp_path / "tokenhub.sqlite"
    before = Schema("tokenhub", TOKENHUB.steps[:9])
    database = await Database.open(path, migrations=before, synchronous="FULL")

    def old(conn: sqlite3.Connection):
        conn.execute(
            "INSERT INTO requests VALUES ('req_1', 1700000000000, 'key_1', 'openai', 'm', '', '', "
            "'m', 'p', 200, '', 0, 1, 1, 300, '')"
        )
        conn.execute(
            "INSERT INTO attempts VALUES ('req_1', 1, 'p', 'm', 'settled', '', 200, 1, 10, 5, 300,"
            " 0, NULL, NULL, NULL, NULL)"
        )

    await database.write(old)
    await database.close()

    async with open_stores(path) as stores:
        audited = await stores.ledger.audit()
        spent = await stores.ledger.spent(since_day=0)

    assert (300, 300, 0, 0) == (
        audited.rows_nusd,
        audited.totals_nusd,
        audited.off,
        audited.wrong,
    )
    assert [(DAY, "key_1", 300)] == spent


async def test_a_journal_tells_the_ledger_that_a_request_has_ended(stores):
    assert isinstance(stores.journal, SqliteJournal)
    await stores.ledger.write(intent())

    await stores.journal.record(outcome(1))

    assert set() == stores.ledger._open
