"""Two servers of one process share their routes, and nothing else."""

import asyncio

import pytest

from tests.support.control import Control
from tokenhub.ports.audit import AuditQuery
from tokenhub.ports.stores import REFUSED
from tokenhub.web.app import build
from tokenhub.web.auth import Entry

pytestmark = pytest.mark.anyio

OWN = "tha_fedcba9876543210fedcba9876543210"


async def test_each_answers_of_its_own_parts_whoever_asks_between(control, client):
    other = await Control().started()
    async with other.client() as there:
        await client.post("/admin/v1/providers", json={"id": "here", "base_url": "http://10.0.0.1"})
        await there.post("/admin/v1/providers", json={"id": "there", "base_url": "http://10.0.0.2"})

        asked = [one.get("/admin/v1/providers") for one in (client, there) * 10]
        answers = [answer.json()["items"] for answer in await asyncio.gather(*asked)]

    assert [["here"], ["there"]] * 10 == [[row["id"] for row in rows] for rows in answers]


async def test_each_has_its_own_token_and_its_own_trail(control, client):
    other = await Control().started()
    other.token.current = OWN

    async with other.client() as stranger, other.client(token=OWN) as there:
        statuses = [
            (await one.get("/admin/v1/providers")).status_code for one in (client, stranger, there)
        ]

    refused = AuditQuery(outcome=REFUSED)
    assert [200, 401, 200] == statuses
    assert [0, 1] == [await one.audit.count(refused) for one in (control, other)]


async def test_each_has_its_own_hosts_and_the_same_routes(control):
    here = build(control.parts())
    there = build(control.parts(), Entry(hosts=frozenset({"hub.example"})))

    assert frozenset({"hub.example"}) == there.entry.hosts != here.entry.hosts
    assert here.routes is there.routes
