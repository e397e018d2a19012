"""Claims on disk: who was first, what a restart makes of them, and how they go."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from tokenhub.adapters.sqlite.claims import SWEPT_AT_ONCE, SWEPT_AT_START, SqliteClaims
from tokenhub.adapters.sqlite.database import Database
from tokenhub.adapters.sqlite.migrations import TOKENHUB
from tokenhub.core.errors import Unavailable
from tokenhub.ports.claims import Record, Sight

pytestmark = pytest.mark.anyio


def a_record(request_id: str = "req_1", *, scope: bytes = b"s", at: float = 100.0) -> Record:
    return Record(scope=scope, fingerprint=b"f", request_id=request_id, at=at)


async def there(claims: SqliteClaims, scope: bytes = b"s") -> Record | None:
    """What is on disk, seen through a claim that cannot take it."""
    other = Record(scope=scope, fingerprint=b"other", request_id="req_look", at=100.0)
    sight = await claims.claim(other, since=0.0, force=False)
    if sight.taken:
        claims.release(other)
    return sight.there


def count(conn: sqlite3.Connection) -> int:
    return conn.execute("SELECT count(*) FROM claims").fetchone()[0]


@pytest.fixture
async def tokenhub(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(
        tmp_path / "tokenhub.sqlite", migrations=TOKENHUB, synchronous="NORMAL"
    )
    yield opened
    await opened.close()


@pytest.fixture
def claims(tokenhub: Database) -> SqliteClaims:
    return SqliteClaims(tokenhub)


async def test_first_claim_is_taken_and_the_second_sees_it(claims: SqliteClaims) -> None:
    first = await claims.claim(a_record("req_1"), since=0.0, force=False)
    second = await claims.claim(a_record("req_2"), since=0.0, force=False)

    assert Sight(taken=True) == first
    assert Sight(taken=False, there=a_record("req_1")) == second


async def test_old_claim_is_nobodys(claims: SqliteClaims) -> None:
    await claims.claim(a_record("req_1", at=100.0), since=0.0, force=False)

    sight = await claims.claim(a_record("req_2", at=200.0), since=100.1, force=False)

    assert Sight(taken=True) == sight


async def test_end_is_written_once_and_by_its_own_request_only(claims: SqliteClaims) -> None:
    await claims.claim(a_record(), since=0.0, force=False)

    claims.end(a_record("req_2"))
    claims.end(replace(a_record(), state="done"))
    claims.release(a_record("req_2"))

    assert replace(a_record(), state="done") == await there(claims)


async def test_released_claim_leaves_nothing(claims: SqliteClaims, tokenhub: Database) -> None:
    await claims.claim(a_record(), since=0.0, force=False)

    claims.release(a_record())

    assert 0 == await tokenhub.write(count)


async def test_force_replaces_the_same_request_only(claims: SqliteClaims) -> None:
    await claims.claim(a_record("req_1"), since=0.0, force=False)
    other = replace(a_record("req_2"), fingerprint=b"another")

    refused = await claims.claim(other, since=0.0, force=True)
    forced = await claims.claim(a_record("req_3"), since=0.0, force=True)

    assert not refused.taken
    assert Sight(taken=True, there=a_record("req_1")) == forced
    assert a_record("req_3") == await there(claims)


async def test_released_force_makes_the_earlier_unknown_again(claims: SqliteClaims) -> None:
    await claims.claim(a_record("req_1"), since=0.0, force=False)
    await claims.claim(a_record("req_2"), since=0.0, force=True)

    claims.release(a_record("req_2"))

    assert replace(a_record("req_1"), state="unknown") == await there(claims)


async def test_after_a_restart_what_was_in_flight_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "tokenhub.sqlite"
    first = await Database.open(path, migrations=TOKENHUB, synchronous="NORMAL")
    claims = SqliteClaims(first)
    await claims.claim(a_record("req_1"), since=0.0, force=False)
    await claims.claim(a_record("req_2", scope=b"t"), since=0.0, force=False)
    claims.end(replace(a_record("req_2", scope=b"t"), state="done"))
    await first.close()

    second = await Database.open(path, migrations=TOKENHUB, synchronous="NORMAL")
    claims = SqliteClaims(second)
    recovered = await claims.recover(since=0.0)
    found = [await there(claims, b"s"), await there(claims, b"t")]
    await second.close()

    assert 1 == recovered
    assert ["unknown", "done"] == [record.state for record in found if record]


async def test_start_sweeps_all_that_is_over(claims: SqliteClaims, tokenhub: Database) -> None:
    await tokenhub.write(
        lambda conn: conn.executemany(
            "INSERT INTO claims VALUES (?, x'00', 'done', 'req', '', ?)",
            [(b"%d" % number, number) for number in range(SWEPT_AT_START + 7)],
        )
    )

    await claims.recover(since=(SWEPT_AT_START + 5) / 1000)

    assert 2 == await tokenhub.write(count)


async def test_each_claim_sweeps_a_few(claims: SqliteClaims, tokenhub: Database) -> None:
    for number in range(SWEPT_AT_ONCE + 3):
        await claims.claim(a_record(scope=b"%d" % number, at=1.0), since=0.0, force=False)

    await claims.claim(a_record(at=100.0), since=50.0, force=False)

    assert 4 == await tokenhub.write(count)


async def test_end_that_cannot_be_written_is_told_and_hurts_nobody(
    claims: SqliteClaims, tokenhub: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await tokenhub.close()

    claims.end(a_record())
    claims.release(a_record())
    with pytest.raises(Unavailable):
        await claims.claim(a_record(), since=0.0, force=False)
    await asyncio.sleep(0)

    assert ["claim_not_written"] * 2 == [record.message for record in caplog.records]
