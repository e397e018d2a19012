import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from tokenhub.adapters.sqlite.database import Database
from tokenhub.adapters.sqlite.decisions import BACKLOG, Decisions
from tokenhub.adapters.sqlite.migrations import TELEMETRY
from tokenhub.core.verify import checksum

pytestmark = pytest.mark.anyio


class Record(msgspec.Struct, frozen=True):
    route: str
    terms: tuple[float, ...]


@pytest.fixture
async def telemetry(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(
        tmp_path / "telemetry.sqlite", migrations=TELEMETRY, synchronous="NORMAL"
    )
    yield opened
    await opened.close()


def count(conn: sqlite3.Connection) -> int:
    return conn.execute("SELECT count(*) FROM decisions").fetchone()[0]


async def test_a_record_comes_back_as_json(telemetry: Database) -> None:
    decisions = Decisions(telemetry)

    decisions.add("req_1", 1.5, Record("here/small", (0.1, 1e-7)))
    await decisions.close()

    assert b'{"route":"here/small","terms":[0.1,1e-7]}' == await decisions.find("req_1")


async def test_a_second_record_of_one_request_replaces_the_first(telemetry: Database) -> None:
    decisions = Decisions(telemetry)

    decisions.add("req_1", 1.5, "first")
    decisions.add("req_1", 1.5, "second")
    await decisions.close()

    assert b'"second"' == await decisions.find("req_1")


async def test_a_record_is_found_before_it_is_written(telemetry: Database) -> None:
    decisions = Decisions(telemetry, delay_s=3600)

    decisions.add("req_1", 1.5, "first")
    decisions.add("req_1", 1.5, "second")
    waiting = await decisions.find("req_1")
    decisions._flush()
    flying = await decisions.find("req_1")
    await decisions.close()

    assert b'"second"' == waiting == flying == await decisions.find("req_1")
    assert await decisions.find("req_2") is None


async def test_a_record_that_is_no_json_is_not_found_while_it_waits(telemetry: Database) -> None:
    decisions = Decisions(telemetry, delay_s=3600)

    decisions.add("req_1", 1.5, object())

    assert await decisions.find("req_1") is None
    await decisions.close()


async def test_past_the_backlog_the_oldest_are_dropped_and_counted(telemetry: Database) -> None:
    decisions = Decisions(telemetry)

    for number in range(BACKLOG + 7):
        decisions.add(f"req_{number}", 1.5, number)
    await decisions.close()

    assert 7 == decisions.lost
    assert BACKLOG == await telemetry.read(count)
    assert await decisions.find("req_6") is None
    assert b"7" == await decisions.find("req_7")


async def test_a_record_that_is_no_json_is_counted_and_the_others_are_kept(
    telemetry: Database,
) -> None:
    decisions = Decisions(telemetry)

    decisions.add("req_1", 1.5, object())
    decisions.add("req_2", 1.5, "good")
    await decisions.close()

    assert 1 == decisions.lost
    assert b'"good"' == await decisions.find("req_2")


async def test_records_that_cannot_be_written_are_counted(telemetry: Database) -> None:
    decisions = Decisions(telemetry)

    await telemetry.write(lambda conn: conn.execute("DROP TABLE decisions"))
    decisions.add("req_1", 1.5, "lost")
    decisions.add("req_2", 1.5, "lost")
    await decisions.close()

    assert 2 == decisions.lost


async def test_what_came_late_is_written_by_its_own_timer(telemetry: Database) -> None:
    decisions = Decisions(telemetry, delay_s=0)
    decisions.add("req_1", 1.5, "early")
    while await decisions.find("req_1") is None:
        pass

    decisions.add("req_2", 1.5, "late")
    while await decisions.find("req_2") is None:
        pass

    assert 0 == decisions.lost


class Named(msgspec.Struct, frozen=True):
    catalog_version: int


async def test_a_record_is_written_with_its_checksum(telemetry: Database) -> None:
    decisions = Decisions(telemetry, delay_s=3600)

    decisions.add("req_1", 1.5, Record("here/small", (0.1,)))
    waiting = await decisions.checksum("req_1")
    await decisions.close()

    assert checksum(b'{"route":"here/small","terms":[0.1]}') == waiting
    assert waiting == await decisions.checksum("req_1")
    assert await decisions.checksum("req_2") is None


async def test_the_catalogs_that_records_name_are_known_with_their_last_record(
    telemetry: Database,
) -> None:
    decisions = Decisions(telemetry)

    for number, version in enumerate([3, 7, 3, 3]):
        decisions.add(f"req_{number}", 10.0 - number, Named(version))
    await decisions.close()

    assert {3, 7} == await decisions.catalogs()
    assert [(3, 10_000), (7, 9_000)] == await telemetry.read(
        lambda conn: conn.execute(
            "SELECT version, last_at_ms FROM decision_catalogs ORDER BY version"
        ).fetchall()
    )
