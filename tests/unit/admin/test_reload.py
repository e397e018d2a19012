"""A reload: what is in force after it, and what is told where nothing changes."""

import pytest

from tokenhub.admin.changes import By
from tokenhub.admin.reload import Difference, Found, Reload
from tokenhub.core.errors import BadRequest, Unavailable
from tokenhub.ports.audit import AuditQuery

pytestmark = pytest.mark.anyio
BY = By(actor="ops")
LEVEL = Difference(name="log_level", before="info", after="warn", restart=False)
ADDRESS = Difference(name="listen_addr", before=":1", after=":2", restart=True)


class Files:
    """What the files say: these differences, or this error."""

    def __init__(self, *differences, error=None):
        self.swaps = 0
        self._differences = differences
        self._error = error

    def read(self):
        if self._error is not None:
            raise self._error
        return Found(differences=self._differences, credentials=b"", swap=self._swap)

    async def _swap(self):
        self.swaps += 1


def reload_of(control, files):
    return Reload(read=files.read, bootstrap=control.bootstrap, path="file", trail=control.trail)


def events(caplog):
    return [record.getMessage() for record in caplog.records]


async def trail(control):
    return [row.entry for row in await control.audit.page(AuditQuery(limit=10))]


async def test_what_holds_now_is_swapped_in_once_it_is_in_the_trail(control):
    files = Files(LEVEL, ADDRESS)

    told = await reload_of(control, files)(BY)

    assert 1 == files.swaps
    assert (LEVEL, ADDRESS) == told.differences
    assert ["server.reload"] == [entry.action for entry in await trail(control)]


async def test_where_all_waits_for_a_restart_nothing_is_made_anew(control):
    files = Files(ADDRESS)

    told = await reload_of(control, files)(BY)

    assert (ADDRESS,) == told.differences
    assert 0 == files.swaps


async def test_a_refusal_by_signal_is_in_the_log_and_the_trail(control, caplog):
    files = Files(error=BadRequest("LOG_LEVEL is loud"))

    await reload_of(control, files).signalled()

    assert ["reload_refused"] == events(caplog)
    assert ["refused"] == [entry.outcome for entry in await trail(control)]


async def test_a_reload_by_signal_that_cannot_be_audited_is_told_in_the_log(control, caplog):
    class Full:
        async def record(self, audit):
            raise Unavailable("the disk is full")

    control.trail._store = Full()
    files = Files(LEVEL)

    await reload_of(control, files).signalled()

    assert 0 == files.swaps
    assert ["reload_refused"] == events(caplog)
