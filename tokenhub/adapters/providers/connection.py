"""One HTTP/1.1 connection to a provider, and the answer that comes over it.

The bytes are read by llhttp (through httptools), strictly. A connection serves one exchange at a
time, and goes back to its pool only when the answer ended where it said it would and nothing came
after it.

    idle -- exchange --> head -- on_headers_complete --> body -- on_message_complete --> idle
                          |                               |
                          +-- deadline, close, broken ----+--> aborted
"""

import asyncio
from collections.abc import Callable
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

# Of a head, a chunk's size or a trailer: whatever is no part of a body.
MAX_HEAD_BYTES = 64 << 10
# How much of a body may wait for its reader before the provider is made to wait.
MAX_WAITING_BYTES = 256 << 10
# A larger body is sent by itself: to put its head in front of it would copy it.
_JOINED_BYTES = 64 << 10
_FINAL = 200


class BadResponse(ValueError):
    """What came is no HTTP response."""


# Why no more comes. Made into an exception where it is raised, which else would hold its own frame.
Fault = tuple[type[Exception], str]
_CLOSED: Fault = (ConnectionAbortedError, "the connection was closed here")
_LOST: Fault = (ConnectionResetError, "the provider hung up before the end of its answer")
_BAD: Fault = (BadResponse, "what the provider sent is not HTTP")
_LATE: Fault = (TimeoutError, "the provider took too long")


class Response:
    """The answer to one request. Its head is there; its body comes.

    `headers` have lower-case names; of equal names the last one counts. `ended` says that all of
    it has come. One reader at a time.
    """

    __slots__ = (
        "_connection",
        "_deadline",
        "_fault",
        "_parts",
        "_waiter",
        "_waiting_bytes",
        "begun",
        "ended",
        "headers",
        "status",
    )

    def __init__(self, connection: "Connection", deadline: asyncio.TimerHandle | None) -> None:
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.begun = False
        self.ended = False
        self._connection = connection
        self._deadline = deadline
        self._parts: list[bytes] = []
        self._waiting_bytes = 0
        self._fault: Fault | None = None
        self._waiter: asyncio.Future[None] | None = None

    def header(self, name: bytes) -> str:
        """The value of a header by its lower-case name; empty where there is none."""
        return self.headers.get(name, b"").decode("latin-1")

    async def head(self) -> "Response":
        """Wait for the head. Raises what `some` raises; however it ends, nothing is left open."""
        try:
            while not self.begun:
                await self._more()
        except BaseException:
            self.close()
            raise
        return self

    async def some(self) -> bytes:
        """What has come of the body; empty at its end.

        Raises TimeoutError after the deadline, ConnectionError when the connection was lost or
        closed, BadResponse when what came is not HTTP; each only after all that came before it.
        """
        while not self._parts:
            if self.ended:
                return b""
            await self._more()
        parts, self._parts = self._parts, []
        if self._waiting_bytes > MAX_WAITING_BYTES:
            self._connection.go_on()
        self._waiting_bytes = 0
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def lift_deadline(self) -> None:
        """Lift the deadline: somebody else watches from here on."""
        if self._deadline is not None:
            self._deadline.cancel()

    def close(self) -> None:
        """Hang up, if the answer has not ended. Whoever reads is told that it was lost."""
        if not self.ended and self._fault is None:
            self._connection.abort()

    # --- for the connection

    def came(self, part: bytes) -> None:
        self._parts.append(part)
        self._waiting_bytes += len(part)
        if self._waiting_bytes > MAX_WAITING_BYTES:
            self._connection.hold()

    def end(self, fault: Fault | None = None) -> None:
        """No more will come."""
        self.lift_deadline()
        self.ended = fault is None
        self._fault = fault

    def wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def _more(self) -> None:
        if self._fault is not None:
            kind, told = self._fault
            raise kind(told)
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None


class Connection(asyncio.Protocol):
    """`rest` takes it when it is free again, at `free_since`; `lost` hears when it has ended."""

    def __init__(
        self,
        *,
        rest: Callable[["Connection"], None],
        lost: Callable[["Connection"], None],
    ) -> None:
        self.free_since = 0.0
        self._loop = asyncio.get_running_loop()
        self._parser = HttpResponseParser(self)
        self._rest = rest
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._answer: Response | None = None
        self._outside_bytes = 0
        self._until_closed = False
        self._reusable = True
        self._held = False

    @property
    def usable(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def exchange(self, head: bytes, body: bytes, within_s: float) -> "Response":
        """Send a request; `head` ends with its empty line. The answer must end `within_s`."""
        transport = self._transport
        assert transport is not None
        deadline = self._loop.call_later(within_s, self._late)
        answer = self._answer = Response(self, deadline)
        self._outside_bytes = 0
        if len(body) <= _JOINED_BYTES:
            transport.write(head + body)
        else:
            transport.write(head)
            transport.write(body)
        return answer

    def abort(self, fault: Fault = _CLOSED) -> None:
        """End at once, and the answer under way with it."""
        if self._transport is not None:
            self._transport.abort()
        self._over(fault)

    def hold(self) -> None:
        """Read no more until `go_on`."""
        if self._transport is not None and not self._held:
            self._held = True
            self._transport.pause_reading()

    def go_on(self) -> None:
        if self._transport is not None and self._held:
            self._held = False
            self._transport.resume_reading()

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        answer = self._answer
        if answer is None:  # nobody asked
            self.abort()
            return
        self._outside_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            if not answer.ended:
                self.abort(_BAD)
                return
            self._reusable = False
        if answer.ended:
            self._finish(answer)
        elif self._outside_bytes > MAX_HEAD_BYTES:
            self.abort(_BAD)
        else:
            answer.wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        del self._parser  # it holds this, and would keep it until the next collection
        self._lost(self)
        answer = self._answer
        if answer is None:
            return
        if exc is None and answer.begun and self._until_closed:
            self._over(None)
        else:
            self._over(_LOST)

    # --- httptools

    def on_message_begin(self) -> None:
        answer = self._answer
        assert answer is not None
        if answer.ended:  # a second answer to one request
            self._reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        answer = self._answer
        assert answer is not None
        if not answer.begun:  # a trailer says nothing that we would heed
            answer.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        answer = self._answer
        assert answer is not None
        status = self._parser.get_status_code()
        if status < _FINAL:  # there may be any number of them, within the deadline
            answer.headers.clear()
            self._outside_bytes = 0
        elif not answer.ended:
            answer.status, answer.begun = status, True
            coding = answer.headers.get(b"transfer-encoding", b"").rstrip().lower()
            self._until_closed = not coding.endswith(b"chunked") and (
                bool(coding) or b"content-length" not in answer.headers
            )

    def on_body(self, part: bytes) -> None:
        answer = self._answer
        assert answer is not None
        if not answer.ended:
            self._outside_bytes = 0
            answer.came(part)

    def on_message_complete(self) -> None:
        answer = self._answer
        assert answer is not None
        if answer.begun and not answer.ended:
            self._reusable = self._parser.should_keep_alive()
            answer.end()

    # --- the ends

    def _finish(self, answer: Response) -> None:
        """All has come: back to the pool, unless somebody does not keep to the rules."""
        self._answer = None
        transport = self._transport
        answer.wake()
        if transport is None or transport.is_closing():
            return
        if self._reusable and not transport.get_write_buffer_size():
            self.go_on()
            self._rest(self)
        else:
            transport.abort()

    def _late(self) -> None:
        self.abort(_LATE)

    def _over(self, fault: Fault | None) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.end(fault)
            answer.wake()
