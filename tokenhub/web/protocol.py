"""HTTP/1.1 as uvicorn parses it, with an answer written by us.

uvicorn checks every header of an answer with two patterns, since it cannot know who made them.
Ours come from few places, so one look at the finished head is enough; it goes out together with
the first of the body. And a caller of the data plane who hangs up cancels the task that works for
them, at once: that closes the call upstream, and settles what was generated.

An offer to go on in another protocol (`Upgrade`, as many clients make it for HTTP/2) is not taken
up, and the request is answered as what it is besides (RFC 9110 7.8). The parser would stop at its
head and take the body for the next request: whoever shares a proxy's connection would get an
answer to it.

This leans on uvicorn's internals: its version is pinned, and tests/e2e holds the behaviour over
raw sockets.
"""

import asyncio
from collections.abc import Iterable, MutableMapping, Sequence
from time import monotonic  # noqa: TID251  # measures a wait, decides nothing
from typing import Any, cast

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from tokenhub.gateway.run import HUNG_UP
from tokenhub.web.context import CAME
from tokenhub.web.lasting import GONE, LEAVE, STOPPING
from tokenhub.web.v1.exchange import LINGER_S

# Seconds that a caller may take to say what they want, and how long the head may be.
HEAD_S = 10.0
BODY_S = 30.0
MAX_HEAD_BYTES = 64 << 10
MAX_HEADERS = 100
# Of a length: no more than 64 bits need, to which the parser holds it.
MAX_DIGITS = 20
_VERSIONS = frozenset({"1.0", "1.1"})
_BODILESS = frozenset({204, 304})
# Under which name the state of the application has the `Refusals`.
REFUSAL = "refusal"
# What a head is made of, beside the ends of its lines.
_PRINTABLE = bytes(range(0x20, 0x7F))


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
        # Only now: who was about to send a bad header may still say what went wrong.
        self.response_started = True
        self.waiting_for_100_continue = False
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


class TooLong(Exception):
    """Stops the parser at the end of a head that is too long."""


class Doubtful(Exception):
    """Stops the parser at a head that is no good HTTP/1."""


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
    _deadline: asyncio.TimerHandle | None = None
    # The bytes of the reads before this one that brought no whole head and nothing of a body.
    _idle_bytes = 0
    _read_bytes = 0
    _gained = False
    # When a request was last refused unread: for so long the connection has not been idle.
    _refused_at = 0.0
    # Set once what comes is only thrown away.
    _deaf = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._deadline = self.loop.call_later(HEAD_S, self._too_slow, 408)

    def data_received(self, data: bytes) -> None:
        if self._deaf or self._refused(data):
            return
        self._read_bytes = len(data)
        self._gained = False
        try:
            self._feed(data)
        except httptools.HttpParserError:
            if not self._deaf:
                self.send_400_response("Invalid HTTP request received.")
            return
        self._watch()

    def _feed(self, data: bytes | memoryview) -> None:
        """Parse it. Raises HttpParserError."""
        while data:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as offered:
                head = self._without_upgrade()
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
                self.parser.feed_data(head)
                data = memoryview(data)[offered.args[0] :]
            else:
                return

    def _without_upgrade(self) -> bytes:
        """The head that was just read, as a request that offers nothing. Raises HttpParserError."""
        method = self.parser.get_method()
        if method == b"CONNECT":  # of which the tunnel is all there is
            raise httptools.HttpParserError
        lines = [b"%b %b HTTP/%b" % (method, self.url, self.parser.get_http_version().encode())]
        lines += [b"%b: %b" % field for field in self.headers if field[0] != b"upgrade"]
        return b"\r\n".join(lines) + b"\r\n\r\n"

    def _watch(self) -> None:
        """See that the rest of a request comes in time, and that its head comes to an end."""
        if self._reading or self._gained:  # and not by line breaks between two requests
            self._unset_keepalive_if_required()
        if not self._reading:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None
            return
        self._idle_bytes = 0 if self._gained else self._idle_bytes + self._read_bytes
        if self._idle_bytes > MAX_HEAD_BYTES:
            self._too_long()
        elif self._deadline is None:
            limit_s = BODY_S if self._head_done else HEAD_S
            self._deadline = self.loop.call_later(limit_s, self._too_slow, 408)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._reading = True
        self._head_done = False
        self._idle_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head_done:
            return  # a trailer, which nobody here asks for: it must not pass for a header
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        # The head is a part of so many bytes; only where they are too many, its own are counted.
        if (
            self._idle_bytes + self._read_bytes > MAX_HEAD_BYTES
            and self._head_bytes() > MAX_HEAD_BYTES
        ):
            self._too_long()
            raise TooLong
        if len(self.headers) > MAX_HEADERS:
            self._too_long()
            raise TooLong
        self._refuse_doubtful()
        if self.parser.should_upgrade():
            return
        self.scope[CAME] = monotonic()  # type: ignore[literal-required]  # a scope is a dict
        super().on_headers_complete()
        self._head_done = self._gained = True
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refused(self, data: bytes) -> bool:
        """Answer a request for which the server has too much to do, before it is even parsed."""
        refusal = self.app_state.get(REFUSAL)
        if refusal is None or self._cycle_is_open() or self.transport.is_closing():
            return False
        if self.flow.write_paused:
            return False  # they do not read, and only the usual way waits for them
        fresh = self._cycle is None and not self._idle_bytes
        if (self._reading and not fresh) or (answer := refusal(data)) is None:
            return False
        self._refused_at = self.loop.time()
        if self._deadline is not None:
            self._reading = False
            self._deadline.cancel()
            self._deadline = None
        if self.timeout_keep_alive_task is None:
            self.on_response_complete()
        self.transport.write(answer)
        return True

    def timeout_keep_alive_handler(self) -> None:
        """Who was refused meanwhile has not been idle: a timer for each refusal would cost more."""
        left_s = self._refused_at + self.timeout_keep_alive - self.loop.time()
        if left_s <= 0:
            super().timeout_keep_alive_handler()
            return
        again = self.loop.call_later(left_s, self.timeout_keep_alive_handler)
        self.timeout_keep_alive_task = again

    def _cycle_is_open(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _refuse_doubtful(self) -> None:
        """Stop at what two servers may read differently: HTTP/0.9, and any number of hosts but one.

        RFC 9112, 3.2: a request of HTTP/1.1 has one Host. And at a length that is not even a number
        to Python. Raises Doubtful.
        """
        version = self.parser.get_http_version()
        hosts = 0
        for name, value in self.headers:
            if name == b"host":
                hosts += 1
            elif name == b"content-length" and len(value) > MAX_DIGITS:
                raise Doubtful
        if hosts > 1 or (hosts == 0 and version != "1.0") or version not in _VERSIONS:
            raise Doubtful

    def on_body(self, body: bytes) -> None:
        self._gained = True
        cycle = self.cycle
        if cycle.response_complete:
            return
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._reading = False
        self._gained = True
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.more_body = False
            cycle.message_event.set()

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _too_long(self) -> None:
        self._deaf = True
        if self._deadline is not None:
            self._deadline.cancel()
        self._too_slow(431)

    def _too_slow(self, status: int) -> None:
        """Say so where nothing has been said yet, and close."""
        if self.transport.is_closing():
            return
        cycle = self._cycle
        working = cycle is not None and not cycle.response_complete
        if working and (cycle is not self.cycle or not self._head_done):
            # The answer to the request before it comes first.
            self._deadline = self.loop.call_later(HEAD_S, self._too_slow, status)
            return
        if cycle is None or cycle.response_complete or not cycle.response_started:
            usual = b"".join(b"%b: %b\r\n" % h for h in self.server_state.default_headers)
            told = b"content-length: 0\r\nconnection: close\r\n\r\n"
            head = STATUS_LINE[status] + usual + told
            self.transport.write(head)
        if working:
            self.transport.close()
            return
        # To close on what still comes would reset the connection, and the caller could lose this.
        self._deaf = True
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._deadline = self.loop.call_later(LINGER_S, self.transport.close)

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
            return
        _leave(cycle, "")

    def shutdown(self) -> None:
        """No more requests. An answer without end is ended, and cut where nobody reads it."""
        super().shutdown()
        cycle = self._cycle
        if cycle is None or cycle.response_complete:
            return
        if _leave(cycle, STOPPING) and self.flow.write_paused:
            self.transport.abort()


def _leave(cycle: RequestResponseCycle, why: str) -> bool:
    """End an answer that lasts until somebody does; whether it is such a one."""
    scope: MutableMapping[str, Any] = cast("Any", cycle.scope)
    if not why:
        scope[GONE] = True
    if LEAVE not in scope:
        return False
    scope[LEAVE](why)
    return True


def _head(lines: Sequence[bytes]) -> bytes:
    """The head as bytes. Raises RuntimeError where it holds what is no printable ASCII."""
    head = b"".join(lines) + b"\r\n"
    if head.translate(None, _PRINTABLE) != b"\r\n" * (len(lines) + 1):
        raise RuntimeError("a header holds what no header may")
    return head
