"""The audit trail's chain: what was written is provable, whatever is done to the file since."""

import sqlite3
from contextlib import closing

import pytest
from msgspec.structs import replace

from tokenhub.adapters.sqlite import chain
from tokenhub.adapters.sqlite.migrations import TOKENHUB, Schema
from tokenhub.ports.audit import Broken
from tokenhub.ports.stores import Audit

ENTRY = Audit(
    action="model.patch",
    resource="gpt",
    actor="admin",
    at=1_700_000_000.25,
    request_id="req_1",
    detail='{"before":1,"after":2}',
    address="192.0.2.7",
)
BEFORE = Schema("tokenhub", TOKENHUB.steps[:1])
# Each of the fields, and what an attacker would rather have there.
EDITS = {
    "at_ms": 1,
    "action": "'model.put'",
    "resource": "'gpx'",
    "actor": "'root'",
    "address": "''",
    "request_id": "'req_2'",
    "outcome": "'refused'",
    "times": 2,
    "detail": "''",
    "hash": "zeroblob(32)",
}


@pytest.fixture
def conn(tmp_path):
    with closing(sqlite3.connect(tmp_path / "t.sqlite", isolation_level=None)) as conn:
        TOKENHUB.apply(conn, tmp_path)
        yield conn


@pytest.fixture
def five(conn):
    for number in range(5):
        chain.append(conn, replace(ENTRY, resource=f"gpt-{number}"))
    return conn


def verdict(conn, *, stretch=2):
    """Rows that are good, and the first that is not."""
    at, rows = chain.ORIGIN, 0
    while True:
        found = chain.walk(conn, at, stretch)
        at, rows = found.at, rows + found.rows
        if found.finished:
            return rows, found.broken


def test_what_was_written_is_whole(five):
    assert (5, None) == verdict(five)
    assert chain.head_of(five) == chain.walk(five, chain.ORIGIN, 100).at


def test_an_empty_trail_is_whole(conn):
    assert (0, None) == verdict(conn)


@pytest.mark.parametrize("column", EDITS)
@pytest.mark.parametrize("row_id", [1, 3, 5])
def test_an_edited_row_is_named(five, column, row_id):
    five.execute(f"UPDATE audit_log SET {column} = {EDITS[column]} WHERE id = ?", (row_id,))

    assert (row_id - 1, row_id) == (verdict(five)[0], verdict(five)[1].id)


def test_a_text_that_is_no_text_any_more_is_named(five):
    five.execute("UPDATE audit_log SET detail = CAST(x'fffe' AS TEXT) WHERE id = 2")

    assert 2 == verdict(five)[1].id


def test_a_row_that_was_taken_out_is_missed(five):
    five.execute("DELETE FROM audit_log WHERE id IN (2, 3)")

    assert Broken(id=4, reason="rows 2 to 3 before it are missing") == verdict(five)[1]


def test_rows_that_were_taken_from_the_end_are_missed(five):
    five.execute("DELETE FROM audit_log WHERE id > 3")

    assert Broken(id=5, reason="every row from 4 on is missing") == verdict(five)[1]


def test_a_row_that_was_put_in_is_named_and_keeps_nobody_from_writing_on(five):
    five.execute(
        "INSERT INTO audit_log SELECT 6, at_ms, action, resource, actor, address, request_id, "
        "outcome, times, detail, hash FROM audit_log WHERE id = 5"
    )

    assert 7 == chain.append(five, ENTRY)
    assert 6 == verdict(five)[1].id


def test_two_rows_that_changed_places_are_named(five):
    five.execute("UPDATE audit_log SET id = 10 WHERE id = 2")
    five.execute("UPDATE audit_log SET id = 2 WHERE id = 3")
    five.execute("UPDATE audit_log SET id = 3 WHERE id = 10")

    assert 2 == verdict(five)[1].id


def test_a_row_with_a_new_hash_of_its_own_breaks_the_next(five):
    (before,) = five.execute("SELECT hash FROM audit_log WHERE id = 1").fetchone()
    fields = five.execute(
        "SELECT id, at_ms, action, resource, actor, address, request_id, outcome, times, 'x' "
        "FROM audit_log WHERE id = 2"
    ).fetchone()
    forged = chain.link(before, map(chain._field, fields))
    five.execute("UPDATE audit_log SET detail = 'x', hash = ? WHERE id = 2", (forged,))

    assert 3 == verdict(five)[1].id


def test_a_changed_end_of_the_chain_is_told(five):
    five.execute("UPDATE audit_chain SET hash = zeroblob(32) WHERE place = 'head'")

    assert Broken(id=5, reason="the end of the chain was changed") == verdict(five)[1]


def test_nobody_writes_a_row_past_the_chain(conn):
    with pytest.raises(sqlite3.IntegrityError):
        conn.execute(
            "INSERT INTO audit_log (at_ms, action, resource, actor, address, request_id, outcome, "
            "times, detail, hash) VALUES (1, 'a', 'r', 'x', '', '', 'ok', 1, '', x'')"
        )


def test_what_retention_takes_leaves_a_whole_chain(five):
    for at in (10.0, 5.0):
        chain.append(five, replace(ENTRY, at=ENTRY.at + at))

    assert [3, 2, 0] == [chain.cut(five, before=ENTRY.at + 1, limit=3) for _ in range(3)]
    assert (2, None) == verdict(five)
    five.execute("DELETE FROM audit_log WHERE id = 6")
    assert Broken(id=7, reason="rows 6 to 6 before it are missing") == verdict(five)[1]


def test_retention_may_take_all(five):
    assert 5 == chain.cut(five, before=ENTRY.at + 1, limit=100)

    assert 6 == chain.append(five, ENTRY)
    assert (1, None) == verdict(five)


def test_retention_does_not_hide_what_was_taken_before_it(five):
    five.execute("DELETE FROM audit_log WHERE id > 3")

    chain.cut(five, before=ENTRY.at + 1, limit=2)

    assert 5 == verdict(five)[1].id


def test_rows_of_before_the_chain_are_taken_into_it(tmp_path):
    with closing(sqlite3.connect(tmp_path / "t.sqlite", isolation_level=None)) as conn:
        BEFORE.apply(conn, tmp_path)
        conn.executemany(
            "INSERT INTO audit_log (at_ms, action, resource, actor, request_id, detail) "
            "VALUES (?, 'model.patch', ?, 'admin', 'req_1', ?)",
            [(1_700_000_000_250 + n, f"gpt-{n}", "é ☃" * n) for n in range(3)],
        )

        TOKENHUB.apply(conn, tmp_path)

        assert 4 == chain.append(conn, ENTRY)
        assert (4, None) == verdict(conn)
        old = conn.execute("SELECT id, resource, address, outcome, times FROM audit_log LIMIT 1")
        assert (1, "gpt-0", "", "ok", 1) == old.fetchone()
        conn.execute("UPDATE audit_log SET actor = 'nobody' WHERE id = 2")
        assert 2 == verdict(conn)[1].id


def test_the_form_under_the_hash_never_changes(five):
    """A vector: a chain that was written by one version is read by all that follow."""
    (kept,) = five.execute("SELECT hash FROM audit_log WHERE id = 5").fetchone()

    assert "ba973653b62d005731fb7972209e216cde55312ec8f86a93c0e59d707eedad7a" == kept.hex()
