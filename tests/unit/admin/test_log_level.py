"""log_level: another level, told to the audit trail before it holds."""

import pytest

from tests.support.control import Control
from tokenhub.admin.changes import By
from tokenhub.core.errors import BadRequest, Unavailable

pytestmark = pytest.mark.anyio
BY = By(actor="ops")


@pytest.fixture
def control():
    return Control()


@pytest.fixture
def level(control):
    return control.parts().log_level


async def test_a_level_is_put_in_force_and_noted(control, level):
    await level.put("debug", by=BY)

    (entry,) = control.audit.entries
    assert "debug" == level.current() == control.log_level
    assert ("log-level.update", "log-level", "ops") == (entry.action, entry.resource, entry.actor)


async def test_a_level_that_is_none_changes_nothing(control, level):
    with pytest.raises(BadRequest):
        await level.put("loud", by=BY)

    assert "info" == level.current()


async def test_what_cannot_be_noted_is_not_done(control, level):
    control.audit.fault = "the disk is full"

    with pytest.raises(Unavailable):
        await level.put("debug", by=BY)

    assert "info" == level.current()
