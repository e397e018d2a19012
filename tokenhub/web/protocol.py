"""HTTP/1.1 as uvicorn parses it, with an answer written by us.

uvicorn checks every header of an answer with two patterns, since it cannot know who made them.
Ours come from few places, so one look at the finished head is enough; it goes out together with
the first of the body. And a caller of the data plane who hangs up cancels the task that works for
them, at once: that closes the call upstream, and settles what was generated.

This leans on uvicorn's internals: its version is pinned, and tests/e2e holds the behaviour over
raw sockets.
"""

import asyncio
from collections.abc import Iterable, MutableMapping, Sequence
from typing import Any

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from tokenhub.gateway.run import HUNG_UP

# Seconds that a caller may take to say what they want, and how long the head may be.
HEAD_S = 10.0
BODY_S = 30.0
MAX_HEAD_BYTES = 64 << 10
_BODILESS = frozenset({204, 304})


class Cycle(RequestResponseCycle):
    """One request and its response. `head` waits for the body where the body is at hand."""

    head = b""

    async def send(self, message: MutableMapping[str, Any]) -> None:  # type: ignore[override]  # ASGI's own types are narrower than its messages
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if message["type"] == "http.response.start":
            self._begin(message["status"], message.get("headers", ()))
        else:
            self._go_on(message.get("body", b""), more=message.get("more_body", False))

    def _begin(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        if self.response_started:
            raise RuntimeError("the response has begun already")
        self.response_started = True
        self.waiting_for_100_continue = False
        length = None
        closing = False
        lines = [STATUS_LINE[status]]
        for name, value in (*self.default_headers, *headers):
            lines.append(b"%b: %b\r\n" % (name, value))
            if name == b"content-length":
                length = int(value)
            elif name == b"connection":
                closing = b"close" in value.lower()
        self.keep_alive = self.keep_alive and not closing
        if not self.keep_alive and not closing:
            lines.append(b"connection: close\r\n")
        self.expected_content_length = length or 0
        self.chunked_encoding = length is None and not self._bodiless(status)
        if self.chunked_encoding:
            lines.append(b"transfer-encoding: chunked\r\n")
        self.head = _head(lines)
        if self.chunked_encoding:
            self.transport.write(self.head)
            self.head = b""

    def _go_on(self, body: bytes, *, more: bool) -> None:
        if not self.response_started or self.response_complete:
            raise RuntimeError("a body without a head, or after its end")
        if self.scope["method"] == "HEAD":
            self.expected_content_length = 0
            body = b""
        if self.chunked_encoding:
            part = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            self.transport.write(part if more else part + b"0\r\n\r\n")
        else:
            self.expected_content_length -= len(body)
            self.transport.write(self.head + body)
            self.head = b""
        if not more:
            self._end()

    def _end(self) -> None:
        if self.expected_content_length != 0:
            raise RuntimeError("the body is not as long as its head said")
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    def _bodiless(self, status: int) -> bool:
        return status in _BODILESS or self.scope["method"] == "HEAD"


class Protocol(HttpToolsProtocol):
    """A connection. At most one request of it is being worked on at a time.

    Whoever is slow to say what they want is let go: a head that is not whole after HEAD_S, a body
    after BODY_S, a connection that says nothing. A request that comes in one piece, as most do,
    costs no timer.
    """

    _cycle: RequestResponseCycle | None = None
    _task: "asyncio.Task[None] | None" = None

    _reading = True
    _head_done = False
    _head_bytes = 0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._deadline = self.loop.call_later(HEAD_S, self._too_slow, 408)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._reading:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None
        elif not self._head_done:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._too_slow(431)
            elif self._deadline is None:
                self._deadline = self.loop.call_later(HEAD_S, self._too_slow, 408)
        elif self._deadline is None:
            self._deadline = self.loop.call_later(BODY_S, self._too_slow, 408)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._reading = True
        self._head_done = False
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._head_done = True
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._reading = False

    def _too_slow(self, status: int) -> None:
        """Say so where nothing has been said yet, and close."""
        if self.transport.is_closing():
            return
        working = self._cycle is not None and not self._cycle.response_complete
        if working and not self._head_done:  # the answer to the request before it comes first
            self._deadline = self.loop.call_later(HEAD_S, self._too_slow, status)
            return
        if not working or (self._cycle is not None and not self._cycle.response_started):
            head = STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n"
            self.transport.write(head)
        self.transport.close()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        cycle.__class__ = Cycle
        self._cycle = cycle
        self._task = self.loop.create_task(cycle.run_asgi(app))
        self._task.add_done_callback(self.tasks.discard)
        self.tasks.add(self._task)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._deadline is not None:
            self._deadline.cancel()
        cycle, task = self._cycle, self._task
        self._cycle = self._task = None
        if cycle is None or task is None or cycle.response_complete:
            return
        cycle.disconnected = True
        cycle.message_event.set()
        # An operator's change goes on to its end, whoever is still there to hear of it.
        if cycle.scope["path"].startswith("/v1/"):
            task.cancel(HUNG_UP)


def _head(lines: Sequence[bytes]) -> bytes:
    """The head as bytes. Raises RuntimeError where a header holds a line break or a NUL."""
    head = b"".join(lines) + b"\r\n"
    if head.count(b"\n") != len(lines) + 1 or head.count(b"\r") != len(lines) + 1 or b"\0" in head:
        raise RuntimeError("a header holds a line break or a NUL")
    return head
