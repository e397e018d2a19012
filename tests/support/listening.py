"""A reader of `GET /admin/v1/events`.

async with listening(hub, types="decision") as heard:
    event = await heard.next("decision")
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from tests.support.server import ADMIN_TOKEN, Hub

# So long, a busy machine may take; nothing here waits for it where all goes well.
PATIENCE_S = 30.0


class Heard(NamedTuple):
    """An event; `id` is the last id that the stream has named, as a browser would keep it."""

    id: str
    type: str
    data: Any


class Listener:
    """`all` are the events so far, without those of the stream itself."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines
        self.id = ""
        self.all: list[Heard] = []
        self.comments = 0

    async def next(self, *types: str, **fields: object) -> Heard:
        """The next event of one of these types, any type for none, with these fields."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found = await self._event()
                if types and found.type not in types:
                    continue
                if all(found.data.get(name) == value for name, value in fields.items()):
                    return found

    async def end(self) -> list[str]:
        """The types of all that comes yet, once the stream has ended."""
        types = []
        try:
            while True:
                types.append((await self.next()).type)
        except StopAsyncIteration:
            return types

    async def _event(self) -> Heard:
        kind = data = ""
        while True:
            line = await anext(self._lines)
            name, _, value = line.partition(": ")
            if name == "id":
                self.id = value
            elif name == "event":
                kind = value
            elif name == "data":
                data = value
            elif line.startswith(":"):
                self.comments += 1
            elif not line and data:
                found = Heard(self.id, kind, json.loads(data))
                self.all.append(found)
                return found


@asynccontextmanager
async def listening(
    hub: Hub, *, headers: Mapping[str, str] | None = None, **query: str
) -> AsyncIterator[Listener]:
    """A reader that is connected: whatever happens from now on it hears."""
    known = {"authorization": f"Bearer {ADMIN_TOKEN}"} if headers is None else dict(headers)
    async with hub.http.stream("GET", "/admin/v1/events", params=query, headers=known) as answer:
        assert 200 == answer.status_code, await answer.aread()
        assert "text/event-stream; charset=utf-8" == answer.headers["content-type"]
        listener = Listener(answer.aiter_lines())
        first = await listener.next()
        assert ("connected", {"status": "ok"}) == (first.type, first.data)
        yield listener
