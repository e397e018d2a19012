"""What the log hears of keys that end, and how often."""

import asyncio
import logging

import pytest

from tests.support.control import Control
from tests.unit.gateway.house import Told
from tokenhub.admin.changes import By
from tokenhub.core.credentials import DAY_S
from tokenhub.core.errors import Unavailable
from tokenhub.jobs.keys import KeyCare

pytestmark = pytest.mark.anyio
BY = By()


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def control():
    return await Control().started()


def heard(caplog):
    found = [(record.message, getattr(record, "key_id", "")) for record in caplog.records]
    caplog.clear()
    return found


async def test_a_key_is_told_of_once_when_it_is_due_and_once_when_it_has_ended(control, caplog):
    caplog.set_level(logging.WARNING, "tokenhub.keys")
    key = (await control.keys.create(name="app", scopes=["chat"], rotation_days=10, by=BY)).key
    await control.keys.create(name="ageless", scopes=["chat"], by=BY)
    care = KeyCare(control.keys, clock=control.clock)
    said = []
    for days in (7, 1, 1, 1, 1):
        control.clock.unix_s += days * DAY_S
        care.warn()
        said.append(heard(caplog))

    await control.keys.rotate(key.id, by=BY)
    care.warn()

    due, ended = ("key_rotation_due", key.id), ("key_rotation_expired", key.id)
    assert [[], [due], [], [ended], []] == said
    assert [] == heard(caplog)


async def test_the_end_of_a_credential_is_an_event_and_its_approach_is_none(control):
    key = (await control.keys.create(name="app", scopes=["chat"], rotation_days=10, by=BY)).key
    told = Told()
    care = KeyCare(control.keys, clock=control.clock, events=told)

    for _ in range(4):
        control.clock.unix_s += 4 * DAY_S
        care.warn()

    (event,) = told.events
    assert ("key_rotation_expired", key.id, "app") == (event.type, event.key_id, event.key_name)


async def test_a_disabled_key_is_not_told_of(control, caplog):
    key = (await control.keys.create(name="app", scopes=["chat"], rotation_days=1, by=BY)).key
    await control.keys.update(key.id, {"enabled": False}, by=BY)
    control.clock.unix_s += DAY_S

    KeyCare(control.keys, clock=control.clock).warn()

    assert [] == heard(caplog)


async def test_it_writes_uses_down_each_minute_whatever_the_disk_says(control, caplog):
    """Runs until the third rest, at which the clock ends it."""
    rests = []
    answers = iter([Unavailable("the disk is full"), None, None])

    async def used(uses):
        answer = next(answers)
        if answer is not None:
            raise answer
        rests.append(dict(uses))

    async def sleep(seconds):
        rests.append(seconds)
        if rests.count(60.0) == 3:
            raise asyncio.CancelledError

    control.key_store.used, control.clock.sleep = used, sleep
    control.keys.uses._seen[b"a"] = 5.0

    with pytest.raises(asyncio.CancelledError):
        await KeyCare(control.keys, clock=control.clock).run()

    assert [60.0, {b"a": 5.0}, 60.0, 60.0] == rests
    assert [("key_uses_waiting", "")] == heard(caplog)
