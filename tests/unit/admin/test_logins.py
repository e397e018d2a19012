"""Who came in and who was turned away: told at once, and floods counted."""

import asyncio
import logging

import pytest
from msgspec.structs import replace

from tests.support.control import FakeClock
from tokenhub.adapters.memory.audit import MemoryAudit
from tokenhub.admin.logins import DAY_S, KNOWN, OTHERS, PEERS, Logins, Visit
from tokenhub.ports.stores import DONE, REFUSED

pytestmark = pytest.mark.anyio

VISIT = Visit(
    action="auth.admin", resource="admin", actor="admin", address="192.0.2.7", request_id="req_1"
)
KNOCK = replace(VISIT, actor="", why="invalid_admin_token")


class House:
    def __init__(self):
        self.clock = FakeClock()
        self.trail = MemoryAudit()
        self.logins = Logins(trail=self.trail, clock=self.clock)

    def told(self):
        return [(one.outcome, one.address, one.times) for one in self.trail.entries]


@pytest.fixture
async def house():
    return House()


async def test_who_comes_in_is_told_once_a_day_for_each_address(house):
    for visit in (VISIT, VISIT, replace(VISIT, address="192.0.2.8"), replace(VISIT, actor="eve")):
        house.logins.accepted(visit)
    house.clock.unix_s += DAY_S
    house.logins.accepted(VISIT)

    assert [
        (DONE, "192.0.2.7", 1),
        (DONE, "192.0.2.8", 1),
        (DONE, "192.0.2.7", 1),
        (DONE, "192.0.2.7", 1),
    ] == house.told()
    assert ["admin", "admin", "eve", "admin"] == [one.actor for one in house.trail.entries]


async def test_a_bad_try_is_told_at_once_with_its_reason(house):
    house.logins.refused(KNOCK, peer="192.0.2.7")

    (entry,) = house.trail.entries
    assert ("auth.admin", "admin", "", "req_1", '{"why":"invalid_admin_token"}', REFUSED) == (
        entry.action,
        entry.resource,
        entry.actor,
        entry.request_id,
        entry.detail,
        entry.outcome,
    )


async def test_a_flood_is_two_rows_a_minute(house):
    for number in range(1000):
        house.logins.refused(replace(KNOCK, request_id=f"req_{number}"), peer="192.0.2.7")
    house.logins.flush()
    house.logins.flush()
    house.logins.refused(KNOCK, peer="192.0.2.7")
    house.logins.flush()

    assert [
        (REFUSED, "192.0.2.7", 1),
        (REFUSED, "192.0.2.7", 999),
        (REFUSED, "192.0.2.7", 1),
    ] == house.told()
    assert "req_999" == house.trail.entries[1].request_id


async def test_addresses_of_one_network_are_one_flood(house):
    for number in range(3):
        house.logins.refused(replace(KNOCK, address=f"2001:db8::{number}"), peer="2001:db8::/64")
    house.logins.flush()

    assert [(REFUSED, "2001:db8::0", 1), (REFUSED, "2001:db8::2", 2)] == house.told()


async def test_the_two_doors_are_counted_apart(house):
    house.logins.refused(KNOCK, peer="192.0.2.7")
    house.logins.refused(replace(KNOCK, action="auth.key"), peer="192.0.2.7")

    assert ["auth.admin", "auth.key"] == [one.action for one in house.trail.entries]


async def test_a_flood_from_everywhere_takes_no_more_room(house):
    for number in range(PEERS + 1000):
        house.logins.refused(replace(KNOCK, address=f"a{number}"), peer=f"a{number}")
    house.logins.flush()

    told = house.told()
    assert PEERS + 2 == len(told)
    assert [(REFUSED, OTHERS, 1), (REFUSED, OTHERS, 999)] == told[-2:]
    assert PEERS + 1000 == sum(times for _, _, times in told)


async def test_who_is_remembered_has_a_bound(house):
    for number in range(3 * KNOWN):
        house.logins.accepted(replace(VISIT, address=f"a{number}"))

    assert KNOWN >= len(house.logins._came_in)


async def test_the_job_flushes_once_a_minute(house):
    ends = iter([None, None, asyncio.CancelledError])

    async def sleep(seconds):
        assert 60.0 == seconds
        if (end := next(ends)) is not None:
            raise end

    house.clock.sleep = sleep
    house.logins.refused(KNOCK, peer="x")
    house.logins.refused(KNOCK, peer="x")

    with pytest.raises(asyncio.CancelledError):
        await house.logins.run()

    assert [1, 1] == [one.times for one in house.trail.entries]


async def test_where_the_trail_takes_nothing_the_log_has_it(house, caplog):
    house.trail.fault = "the disk is full"

    with caplog.at_level(logging.ERROR):
        house.logins.refused(KNOCK, peer="192.0.2.7")
        await asyncio.sleep(0)  # a turn of the loop, in which the future's end is told

    (record,) = caplog.records
    assert ("audit_not_written", "192.0.2.7", 1, "the disk is full") == (
        record.getMessage(),
        record.address,
        record.count,
        record.reason,
    )
