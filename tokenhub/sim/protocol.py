"""HTTP/1.1 on one connection: requests in, replies played out, one after the other.

A reply without pauses costs no timer: its frames go out one a loop turn, so that a stream is a
stream on the wire too. With pauses every frame has its own time, so that one that is late delays
no other. Pipelined requests wait their turn; a reader that is slow pauses the play.
"""

import asyncio
import socket
import struct
from collections import deque
from typing import Protocol, cast

import httptools

from tokenhub.sim import framing
from tokenhub.sim.playing import Ending, Reply
from tokenhub.sim.provider import Received

# The largest request Anthropic takes (docs.anthropic.com, errors page, 2026-01).
MAX_BODY = 32 * 1024 * 1024
# More pipelined requests than these wait unread in the socket.
MAX_WAITING = 16
# A reset throws away what the other side's kernel has not got yet; so it follows a little later.
BEFORE_RESET_S = 0.01
NO_LINGER = struct.pack("ii", 1, 0)


class House(Protocol):
    """What a connection needs of the simulator around it."""

    def opened(self, connection: "Connection") -> None: ...

    def closed(self, connection: "Connection", *, abandoned: bool) -> None:
        """The connection is gone; abandoned: while an answer was due or under way."""

    def answer(self, request: Received) -> Reply: ...

    def too_large(self, path: str) -> Reply: ...


class Connection(asyncio.Protocol):
    """One client connection."""

    def __init__(self, house: House, loop: asyncio.AbstractEventLoop) -> None:
        self._house = house
        self._loop = loop
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[Received, bool]] = deque()
        self._reply: Reply | None = None
        self._played = 0
        self._due_s = 0.0
        self._keep = True
        self._paused = False
        self._stalled = False
        self._full = False
        self._timer: asyncio.Handle | None = None
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._received: dict[str, str] = {}
        self._parts: list[bytes] = []
        self._size = 0

    # --- the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not isinstance: uvloop's transports are no subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._house.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc  # why it is gone changes nothing
        if self._timer is not None:
            self._timer.cancel()
        self._house.closed(self, abandoned=self._reply is not None or bool(self._waiting))
        self._reply = None
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._transport.write(framing.whole(400, b"", content_type="text/plain"))
            self._transport.close()

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        if self._stalled:
            self._stalled = False
            self._step()

    def abort(self) -> None:
        """Close at once; what was not sent is lost."""
        self._transport.abort()

    # --- the parser's side

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        self._received = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in self._headers
        }
        if self._received.get("expect", "").lower() == "100-continue":
            self._transport.write(framing.CONTINUE)

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size <= MAX_BODY:
            self._parts.append(body)
        elif not self._transport.is_closing():
            self._transport.write(self._house.too_large(self._request().path).frames[0])
            self._transport.close()

    def on_message_complete(self) -> None:
        self._waiting.append((self._request(), self._parser.should_keep_alive()))
        self._reset_request()
        if self._reply is None:
            self._serve()
        elif len(self._waiting) > MAX_WAITING and not self._full:
            self._full = True
            self._transport.pause_reading()

    def _reset_request(self) -> None:
        self._url = b""
        self._headers = []
        self._received = {}
        self._parts = []
        self._size = 0

    def _request(self) -> Received:
        return Received(
            method=self._parser.get_method().decode(),
            path=self._url.partition(b"?")[0].decode("latin-1"),
            headers=self._received,
            body=b"".join(self._parts),
            http_1_1=self._parser.get_http_version() == "1.1",
        )

    # --- the reply's side

    def _serve(self) -> None:
        """Answer what is waiting, as far as that goes without a pause."""
        while self._waiting and self._reply is None and not self._transport.is_closing():
            request, self._keep = self._waiting.popleft()
            self._reply = self._house.answer(request)
            self._played = 0
            if self._reply.first_s or self._reply.gap_s:
                self._due_s = self._loop.time() + self._reply.first_s
            if self._reply.first_s:
                self._timer = self._loop.call_at(self._due_s, self._step)
            else:
                self._step()
        if self._full and len(self._waiting) <= MAX_WAITING:
            self._full = False
            self._transport.resume_reading()

    def _step(self) -> None:
        """Write the next frame and see to the one after it."""
        reply = self._reply
        if reply is None or self._transport.is_closing():
            return
        if self._played < len(reply.frames):
            self._transport.write(reply.frames[self._played])
            self._played += 1
        if self._played == len(reply.frames):
            self._end(reply)
        elif self._paused:
            self._stalled = True
        elif reply.gap_s:
            self._due_s += reply.gap_s
            self._timer = self._loop.call_at(self._due_s, self._step)
        else:
            self._timer = self._loop.call_soon(self._step)

    def _end(self, reply: Reply) -> None:
        match reply.ending:
            case Ending.KEEP if self._keep:
                self._reply = None
                if self._waiting:
                    # Not by a call from here: the play of one reply may have begun in _serve.
                    self._timer = self._loop.call_soon(self._serve)
            case Ending.KEEP | Ending.CLOSE:
                self._reply = None
                self._waiting.clear()
                self._transport.close()
            case Ending.RESET:
                self._timer = self._loop.call_later(
                    BEFORE_RESET_S if reply.frames else 0, self._reset
                )
            case Ending.HANG:
                pass

    def _reset(self) -> None:
        """End the connection with a RST: a close that does not linger sends no FIN."""
        peer: socket.socket = self._transport.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self._reply = None
        self._waiting.clear()
        self._transport.abort()
