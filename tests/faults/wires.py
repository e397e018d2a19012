"""A provider that is a bare socket: what it sends is written down byte by byte, for each path.

async with Wire({"lost": (OK, Reset())}) as wire:
    wire.url("lost")  # a base URL
"""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import NamedTuple, Self

OK = b"HTTP/1.1 200 OK\r\n"
JSON = b"content-type: application/json\r\n"
SSE = b"content-type: text/event-stream\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n\r\n"
# A reset throws away what the other side's kernel has not got yet; so it follows a little later.
BEFORE_RESET_S = 0.02
NO_LINGER = struct.pack("ii", 1, 0)
# What a write to a caller that hung up raises; the last is uvloop's.
GONE = (OSError, EOFError, RuntimeError)


class Drip(NamedTuple):
    """These bytes one at a time, again and again where `for_ever`."""

    data: bytes
    gap_s: float
    for_ever: bool = False


class Reset(NamedTuple):
    """A TCP reset."""


class Hang(NamedTuple):
    """Silence until the other side hangs up."""


Step = bytes | Drip | Reset | Hang


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def whole(body: bytes) -> bytes:
    """A whole answer in JSON, after which the connection is closed."""
    return OK + JSON + b"connection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


class Wire:
    """Plays a script for each first part of a path; then it closes. `calls` counts requests."""

    def __init__(
        self, scripts: Mapping[str, Sequence[Step]], *, tls: ssl.SSLContext | None = None
    ) -> None:
        self.calls: Counter[str] = Counter()
        self.heads: list[bytes] = []
        self.connections = 0
        self._scripts = scripts
        self._tls = tls

    async def __aenter__(self) -> Self:
        # A handshake that fails is what a test is about: nobody need hear of it.
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        await self._server.wait_closed()
        asyncio.get_running_loop().set_exception_handler(None)

    def url(self, path: str, *, host: str = "127.0.0.1") -> str:
        """The base URL of a script."""
        return f"{'https' if self._tls else 'http'}://{host}:{self._port}/{path}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.closing(writer), contextlib.suppress(*GONE):
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].split()
            await reader.readexactly(int(length[0]) if length else 0)
            path = head.split()[1].decode().split("/")[1]
            self.calls[path] += 1
            self.heads.append(head)
            for step in self._scripts[path]:
                await _play(step, reader, writer)


async def _play(step: Step, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    match step:
        case bytes():
            writer.write(step)
            await writer.drain()
        case Drip():
            await _drip(step, reader, writer)
        case Reset():
            await asyncio.sleep(BEFORE_RESET_S)
            raw = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            writer.transport.abort()
        case Hang():
            await reader.read()


async def _drip(drip: Drip, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    again = True
    while again:
        for at in range(len(drip.data)):
            if reader.at_eof():
                return
            writer.write(drip.data[at : at + 1])
            await writer.drain()
            await asyncio.sleep(drip.gap_s)
        again = drip.for_ever
