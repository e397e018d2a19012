"""The routes' own part: what a large body takes of the room for all, and gives back."""

import asyncio
import json

import pytest

from tests.support.builders import a_key
from tokenhub.core.errors import Unavailable
from tokenhub.gateway.run import Arrival, Caller
from tokenhub.web.v1.chat import Chat
from tokenhub.web.v1.room import STEP_BYTES, Room

pytestmark = pytest.mark.anyio
ARRIVAL = Arrival("req_1", 0.0, 0.0)
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % (2 * STEP_BYTES))]


@pytest.fixture
def anyio_backend():
    return "asyncio"


class Shut:
    """A gateway that lets everybody in, and can serve nobody."""

    def admit(self, key, scope, arrival):
        return Caller(a_key()[1], arrival)

    def still(self, caller, scope):
        return caller

    def begin(self, ask, caller):
        raise Unavailable("the disk is full", code="ledger_unavailable")


class Asked:
    """A large request, whose body comes when it is let; `code` is what it was told."""

    def __init__(self, chat):
        self.may_come = asyncio.Event()
        self.begun = asyncio.Event()
        self.head, self.code = {}, ""
        self._chat = chat

    async def __call__(self):
        scope = {"type": "http", "method": "POST", "path": "/v1/chat", "headers": HEADERS}
        await self._chat(scope, self._receive, self._send, ARRIVAL)
        return self.code

    async def _receive(self):
        self.begun.set()
        await self.may_come.wait()
        return {"type": "http.request", "body": b" " * 2 * STEP_BYTES, "more_body": False}

    async def _send(self, message):
        if message["type"] == "http.response.start":
            self.head = {"status": message["status"], **dict(message["headers"])}
        elif message["body"]:
            self.code = json.loads(message["body"])["error"]["code"]


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
async def test_a_large_body_waits_for_others_to_be_answered(dialect):
    room = Room(3 * STEP_BYTES)
    chat = Chat(Shut(), None, to_ask=lambda body, _: body, dialect=dialect, room=room)
    first, second, third = Asked(chat), Asked(chat), Asked(chat)
    for asked in (second, third):
        asked.may_come.set()

    reading = asyncio.ensure_future(first())
    await first.begun.wait()
    refused = await second()
    first.may_come.set()

    assert ("too_many_large_bodies", 503) == (refused, second.head["status"])
    assert b"1" == second.head[b"retry-after"]
    assert "ledger_unavailable" == await reading
    assert "ledger_unavailable" == await third()


async def test_who_leaves_takes_their_body_along():
    room = Room(2 * STEP_BYTES)
    chat = Chat(Shut(), None, to_ask=lambda body, _: body, room=room)
    first, second = Asked(chat), Asked(chat)
    second.may_come.set()

    reading = asyncio.ensure_future(first())
    await first.begun.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading

    assert "ledger_unavailable" == await second()
