"""F3: whatever moment a crash picks, a change is whole or undone, and kept if promised."""

import asyncio
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.contract.kept import AUDIT, HERE, KEY, SMALL, outcome
from tests.faults.table import LONG
from tests.support import change
from tests.support.crash_states import (
    CannotTrace,
    Op,
    Recording,
    cuts,
    enumerate_states,
    record,
    subsets,
)
from tokenhub.adapters.files import read_private, write_private
from tokenhub.adapters.sqlite import chain, files
from tokenhub.adapters.sqlite.catalog import read as read_catalog
from tokenhub.adapters.sqlite.keys import _read as read_keys
from tokenhub.adapters.sqlite.migrations import TOKENHUB
from tokenhub.adapters.sqlite.stores import open_stores
from tokenhub.core.admin_token import FILE
from tokenhub.core.errors import BadRequest, Unavailable

# Thousands of states, each opened as a server would: the machine may be busy.
pytestmark = pytest.mark.timeout(240)
# After how many bytes a write is torn, beside its ends.
STEP = 16 if LONG else 1024


def recorded(what: str, folder: Path) -> Recording:
    command = [sys.executable, str(Path(change.__file__)), what, str(folder)]
    try:
        return record(command, folder)
    except CannotTrace as error:
        pytest.skip(f"no file operation can be recorded here: {error}")


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "data"
    place.mkdir(mode=0o700)
    return place


@pytest.fixture
def database(folder):
    """Files as a server leaves them that has been stopped."""

    async def fill():
        async with open_stores(folder / change.DATABASE) as stores:
            await stores.catalog.put_provider(HERE, AUDIT, models=[SMALL])
            await stores.keys.put(KEY, AUDIT)
            await stores.journal.record(outcome(1))

    asyncio.run(fill())
    return folder


def token_in(folder):
    """Which token a server would find."""
    try:
        content = read_private(folder / FILE)
    except BadRequest:
        return set()
    return {{change.OLD: "old", change.NEW: "new"}.get(content, "neither")} - {"neither"}


def opened(folder):
    """The database as a server opens it: recovered, found whole, brought up to date."""
    conn = files.connect(folder / change.DATABASE, "FULL")
    TOKENHUB.apply(conn, folder)
    return closing(conn)


def catalog_in(folder):
    """Whether all of the change is there, or nothing: rows, version, entry, kept version."""
    try:
        with opened(folder) as conn:
            catalog = read_catalog(conn)
            rows = conn.execute("SELECT count(*) FROM audit_log").fetchone()
            kept = conn.execute("SELECT max(version) FROM catalog_versions").fetchone()
            walked = chain.walk(conn, chain.ORIGIN, 100)
    except (Unavailable, sqlite3.Error):
        return set()
    found = (
        catalog.providers["here"].enabled,
        catalog.models[SMALL.key].weight,
        catalog.version,
        *rows,
        *kept,
        walked.broken,
    )
    known = {(False, 3, 1, 2, 1, None): "old", (True, 9, 2, 3, 2, None): "new"}
    return {known[found]} if found in known else set()


def key_in(folder):
    try:
        with opened(folder) as conn:
            # KEY itself is disabled: its version tells the two apart.
            (key,) = read_keys(conn)
            walked = chain.walk(conn, chain.ORIGIN, 100)
    except (Unavailable, sqlite3.Error):
        return set()
    known = {(1, 2, None): "old", (2, 3, None): "new"}
    found = (key.version, walked.rows, walked.broken)
    return {known[found]} if found in known else set()


def journal_in(folder):
    try:
        with opened(folder) as conn:
            (requests,) = conn.execute("SELECT count(*) FROM requests").fetchone()
            (attempts,) = conn.execute("SELECT count(*) FROM attempts").fetchone()
    except (Unavailable, sqlite3.Error):
        return set()
    known = {(1, 2): "old", (2, 4): "new"}
    return {known[requests, attempts]} if (requests, attempts) in known else set()


def told(figure, counts, what):
    figure("F3", "states", counts.kill + counts.power)
    figure("F3", "both", counts.both)
    figure("F3", "neither", counts.neither)
    figure("F3", "lost acknowledgements", counts.lost)
    print(f"F3 {what}: {counts}")
    assert (0, 0, 0) == (counts.both, counts.neither, counts.lost), str(counts)
    assert counts.old > 0
    assert counts.new > 0


def test_f3_a_crash_leaves_one_admin_token(folder, tmp_path, figure):
    write_private(folder / FILE, change.OLD)

    counts = enumerate_states(recorded("admin-token", folder), token_in, tmp_path, step=1)

    told(figure, counts, "admin token")


@pytest.mark.parametrize(
    ("what", "open_with"), [("catalog", catalog_in), ("key", key_in), ("journal", journal_in)]
)
def test_f3_a_crash_leaves_a_change_of_the_database_whole_or_undone(
    database, tmp_path, figure, what, open_with
):
    counts = enumerate_states(recorded(what, database), open_with, tmp_path, step=STEP)

    told(figure, counts, what)


IN_PLACE = Recording(
    {"f": b"old"},
    [
        Op(kind="truncate", path="f", at=0),
        Op(kind="write", path="f", data=b"new"),
        Op(kind="sync", path="f"),
        Op(kind="mark", data=b"acknowledged"),
    ],
)
TOO_SOON = Recording(
    {"f": b"old"},
    [
        Op(kind="create", path="g"),
        Op(kind="write", path="g", data=b"new"),
        Op(kind="mark", data=b"acknowledged"),
        Op(kind="sync", path="g"),
        Op(kind="rename", path="g", to="f"),
    ],
)
UNSYNCED = Recording(
    {"f": b"old"},
    [
        Op(kind="create", path="g"),
        Op(kind="write", path="g", data=b"new"),
        Op(kind="rename", path="g", to="f"),
        Op(kind="mark", data=b"acknowledged"),
    ],
)


def named(folder):
    return {(folder / "f").read_text()} & {"old", "new"}


@pytest.mark.parametrize(
    ("recording", "neither", "lost"),
    [
        # Empty, "n" and "ne".
        pytest.param(IN_PLACE, 3, 0, id="rewritten in place"),
        # Killed, or without power, between the promise and the rename.
        pytest.param(TOO_SOON, 0, 2, id="promised too soon"),
        pytest.param(UNSYNCED, 2, 1, id="renamed without a sync"),
    ],
)
def test_the_enumerator_finds_the_classic_mistakes(tmp_path, recording, neither, lost):
    counts = enumerate_states(recording, named, tmp_path, step=1)

    assert (0, neither, lost) == (counts.both, counts.neither, counts.lost), str(counts)


def test_a_write_is_torn_near_its_ends_and_in_steps_between():
    assert [1, 2] == cuts(3, 512)
    assert [*range(1, 17), 512, 1024, 1499] == cuts(1500, 512)
    assert [] == cuts(1, 512)


def test_any_part_of_a_few_writes_may_be_on_the_disk_and_of_many_the_telling_ones():
    assert 2**8 == len(set(subsets(8)))
    assert 2 + 9 + 9 == len(set(subsets(9)))
