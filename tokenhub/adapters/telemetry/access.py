"""The access line: one JSON object for each request, written behind it.

A line a request through Python's logging would cost each of them what an event costs, and a
reader of the log that is slow would hold them all up. So requests leave a value, and every
DELAY_S a thread makes lines of them and writes them in one piece. At most BACKLOG of them wait;
beyond that the oldest are dropped and counted.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial

import msgspec

from tokenhub.adapters.telemetry.logging import Outlet, outlet
from tokenhub.ports.served import Served

BACKLOG = 10_000
DELAY_S = 0.2
# Where whoever reads the log does not, the stop of the server does not wait for them.
STOP_S = 1.0
LOGGER = "tokenhub.access"
_log = logging.getLogger(LOGGER)


class AccessLine(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A line as it is written. Its first fields are those of every event."""

    time: str
    level: str
    event: str
    logger: str
    request_id: str
    method: str
    route: str
    status: int
    ms: float
    key_id: str = ""
    actor: str = ""
    provider: str = ""
    model: str = ""
    attempts: int = 0


class Access:
    """An AccessLog. `lost` counts lines that were dropped. Belongs to the loop it is made in."""

    def __init__(self, *, enabled: bool, find: Callable[[], Outlet | None] = outlet) -> None:
        self.enabled = enabled
        self.lost = 0
        self._find = find
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Served] = deque(maxlen=BACKLOG)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="access-log")
        self._timer: asyncio.TimerHandle | None = None
        self._flight: asyncio.Future[None] | None = None

    @property
    def on(self) -> bool:
        return self.enabled and _log.isEnabledFor(logging.INFO)

    def __call__(self, served: Served) -> None:
        if len(self._waiting) == BACKLOG:
            self.lost += 1
        self._waiting.append(served)
        if self._timer is None and self._flight is None:
            self._timer = self._loop.call_later(DELAY_S, self._flush)

    async def close(self) -> None:
        """Write what waits, for STOP_S at most."""
        try:
            async with asyncio.timeout(STOP_S):
                while self._flight is not None or self._waiting:
                    if self._flight is None:
                        self._flush()
                    else:
                        await asyncio.wait([self._flight])
        except TimeoutError:
            self.lost += len(self._waiting)
            self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
        self._thread.shutdown(wait=False)

    def _flush(self) -> None:
        """Hand all that waits to the thread; one flight at a time bounds the memory."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        served = list(self._waiting)
        self._waiting.clear()
        write = self._find()
        if write is None:
            return
        self._flight = self._loop.run_in_executor(self._thread, partial(_write, write, served))
        self._flight.add_done_callback(partial(self._landed, count=len(served)))

    def _landed(self, flight: "asyncio.Future[None]", *, count: int) -> None:
        self._flight = None
        if flight.cancelled() or flight.exception() is not None:
            self.lost += count
        if self._waiting and self._timer is None:
            self._timer = self._loop.call_later(DELAY_S, self._flush)


def _write(write: Outlet, served: Iterable[Served]) -> None:
    encode = msgspec.json.encode
    write(b"".join([encode(line(one)) + b"\n" for one in served]).decode())


def line(served: Served) -> AccessLine:
    """The line of a request. It holds ids, templates and numbers alone, so nothing to redact."""
    return AccessLine(
        time=datetime.fromtimestamp(served.at + served.took_s, UTC).isoformat(
            timespec="milliseconds"
        ),
        level="info",
        event="request",
        logger=LOGGER,
        request_id=served.request_id,
        method=served.method,
        route=served.route,
        status=served.status,
        ms=round(served.took_s * 1000, 3),
        key_id=served.key_id,
        actor=served.actor,
        provider=served.provider_id,
        model=served.model_id,
        attempts=served.attempts,
    )
