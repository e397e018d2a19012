"""Raw callers, who cost little enough to ask for more than a server can do."""

import asyncio
from array import array
from collections import Counter
from collections.abc import Callable
from typing import cast

import httptools


class Tally:
    """What came of the requests of a stretch of time: seconds by status, and codes of errors."""

    def __init__(self) -> None:
        self.took: dict[int, array[float]] = {}
        self.codes: Counter[str] = Counter()
        self.lost = 0
        self.unsent = 0

    def count(self, status: int) -> int:
        return len(self.took.get(status, ()))

    def heard(self, status: int, took_s: float, body: bytes) -> None:
        self.took.setdefault(status, array("d")).append(took_s)
        if status != 200:
            self.codes[body.partition(b'"code":"')[2].partition(b'"')[0].decode()] += 1

    def after_s(self, status: int, share: float) -> float:
        """Within how many seconds so large a share of those with this status were answered."""
        found = sorted(self.took.get(status, ()))
        return found[int(share * (len(found) - 1))] if found else 0.0


class Caller(asyncio.Protocol):
    """One connection. `free` hears of it whenever it has been answered."""

    def __init__(self, free: Callable[["Caller"], None]) -> None:
        self._free = free
        self._loop = asyncio.get_running_loop()
        self._tally: Tally | None = None
        self._body = b""
        self._transport: asyncio.Transport | None = None

    @property
    def open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._parser = httptools.HttpResponseParser(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None
        if self._tally is not None:
            self._tally.lost += 1

    def ask(self, request: bytes, tally: Tally) -> None:
        assert self._transport is not None
        self._tally = tally
        self._body = b""
        self._asked_at = self._loop.time()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self._tally is not None:  # a server that gives an idle connection up may say so
            self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        tally, self._tally = self._tally, None
        assert tally is not None
        took_s = self._loop.time() - self._asked_at
        tally.heard(self._parser.get_status_code(), took_s, self._body)
        self._free(self)

    def close(self) -> None:
        self._tally = None
        if self._transport is not None:
            self._transport.close()


class Storm:
    """Requests that are all the same, over as many connections as they need, and no more than
    `most`: what comes when all of them wait for an answer is counted, and not sent.
    """

    def __init__(
        self, port: int, request: bytes, group: asyncio.TaskGroup, *, most: int = 2048
    ) -> None:
        self._port = port
        self._most = most
        self._opened = 0
        self._request = request
        self._group = group
        self._loop = asyncio.get_running_loop()
        self._callers: list[Caller] = []
        self._free: list[Caller] = []
        self._again: Callable[[Caller], None] = self._free.append
        self._under_way = 0
        self._still = asyncio.Event()

    async def closed(self, connections: int, seconds: float) -> Tally:
        """Each of so many asks again as soon as it was answered, for so long; then all are done."""
        tally = Tally()
        self._again = lambda caller: self._ask(tally, caller)
        for _ in range(connections):
            self._ask(tally)
        await asyncio.sleep(seconds)
        self._again = self._free.append
        counted, tally.took = tally.took, {}
        await self.still()
        tally.took = counted
        return tally

    async def open(self, rate: float, seconds: float, *, most: int = 1 << 31) -> Tally:
        """So many requests a second and in all, whatever becomes of them; what came meanwhile."""
        tally = Tally()
        began = self._loop.time()
        sent = 0
        while (now := self._loop.time() - began) < seconds and sent < most:
            while sent < min(now * rate, most):
                sent += 1
                self._ask(tally)
            await asyncio.sleep(0.001)
        return tally

    async def still(self) -> None:
        """Return when nobody waits for an answer any more."""
        self._still.clear()
        if self._under_way:
            await self._still.wait()

    def close(self) -> None:
        for caller in self._callers:
            caller.close()

    def _ask(self, tally: Tally, caller: Caller | None = None) -> None:
        while caller is None and self._free:
            caller = self._free.pop()
            caller = caller if caller.open else None
        if caller is not None:
            self._under_way += 1
            caller.ask(self._request, tally)
        elif self._opened < self._most:
            self._under_way += 1
            self._opened += 1
            self._group.create_task(self._ask_anew(tally))
        else:
            tally.unsent += 1

    async def _ask_anew(self, tally: Tally) -> None:
        _, caller = await self._loop.create_connection(
            lambda: Caller(self._answered), "127.0.0.1", self._port
        )
        self._callers.append(caller)
        caller.ask(self._request, tally)

    def _answered(self, caller: Caller) -> None:
        self._under_way -= 1
        if not self._under_way:
            self._still.set()
        self._again(caller)
