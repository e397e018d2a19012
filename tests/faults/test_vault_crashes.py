"""F3: whatever moment a crash picks, the vault opens with one password, and keeps its secrets."""

import asyncio
import sqlite3
import sys
from contextlib import closing

import pytest

from tests.faults.table import LONG
from tests.faults.vault_changes import AFTER, BEFORE, CHANGES, NEW, OLD, SECRET, opens, prepare
from tests.support.crash_states import CannotTrace, enumerate_states, record
from tokenhub.core.errors import TokenHubError

pytestmark = pytest.mark.timeout(240)
DATABASE = "tokenhub.sqlite"
SECRETS = 20 if LONG else 4
# After how many bytes a write is torn, beside its ends.
STEP = 64 if LONG else 1024


def kept(found):
    """Whether all secrets of a vault are there."""
    return found is not None and len(found) == SECRETS


def password_in(path):
    return {name for name, word in (("old", OLD), ("new", NEW)) if kept(opens(path, word))}


def secret_in(path):
    found = opens(path, OLD)
    known = {BEFORE: "old", AFTER: "new"}
    return {known[found[f"secret:{SECRET}"]]} if kept(found) else set()


def data_key_in(path):
    """One key before; after it the new one alone, or both while secrets are sealed anew."""
    if not kept(opens(path, OLD)):
        return set()
    with closing(sqlite3.connect(path)) as conn:
        (newest,) = conn.execute("SELECT max(id) FROM vault_ring").fetchone()
    return {"old" if newest == 1 else "new"}


FOUND = {"password": password_in, "secret": secret_in, "data-key": data_key_in}


@pytest.mark.parametrize("what", CHANGES)
def test_f3_a_crash_leaves_one_vault(tmp_path, figure, what):
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    asyncio.run(prepare(folder / DATABASE, SECRETS))
    program = [sys.executable, "-m", "tests.faults.vault_changes", what, str(folder / DATABASE)]

    def open_with(image):
        try:
            return FOUND[what](image / DATABASE)
        except (TokenHubError, ValueError, sqlite3.Error):
            return set()

    try:
        recording = record(program, folder)
    except CannotTrace as error:
        pytest.skip(f"no file operation can be recorded here: {error}")
    counts = enumerate_states(recording, open_with, tmp_path, step=STEP)

    print(f"F3 vault, {what}: {counts}")
    figure("F3", "states", counts.kill + counts.power)
    figure("F3", "both", counts.both)
    figure("F3", "neither", counts.neither)
    figure("F3", "lost acknowledgements", counts.lost)
    assert (0, 0, 0) == (counts.both, counts.neither, counts.lost), str(counts)
    assert counts.old > 0
    assert counts.new > 0
