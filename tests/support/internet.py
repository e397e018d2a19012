"""The vendors' hosts, led to simulated providers on this machine, with TLS as out there.

The names are looked up as ever; only what the machine answers to that is another address. The
server believes in the certificates since SSL_CERT_FILE names who has signed them.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import trustme

from tokenhub.adapters.providers import pool

HTTPS = 443


@asynccontextmanager
async def internet(
    hosts: Mapping[str, int], *, folder: Path, patch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    """Lead `https://HOST` to the port of this machine where plain HTTP is answered."""
    ours = trustme.CA()
    ours.cert_pem.write_to_path(folder / "ca.pem")
    patch.setenv("SSL_CERT_FILE", str(folder / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.issue_cert(*hosts).configure_cert(context)
    doors = {host: _Door(port) for host, port in hosts.items()}
    for door in doors.values():
        await door.open(context)
    patch.setattr(socket, "getaddrinfo", _names({host: it.port for host, it in doors.items()}))
    pool._trust.cache_clear()  # it is read once in a process
    try:
        yield
    finally:
        pool._trust.cache_clear()
        for door in doors.values():
            await door.close()


class _Door:
    """Takes TLS off, and passes on what comes."""

    def __init__(self, behind: int) -> None:
        self._behind = behind
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def open(self, context: ssl.SSLContext) -> None:
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", 0, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        there, back = await asyncio.open_connection("127.0.0.1", self._behind)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(reader, back))
                group.create_task(_pump(there, writer))
        finally:
            back.close()
            writer.close()
            self._tasks.discard(task)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.close()


def _names(ports: Mapping[str, int]) -> Any:
    """`socket.getaddrinfo` as it would be in that world."""
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *args: Any, **more: Any) -> Any:
        if port == HTTPS and host in ports:
            return real("127.0.0.1", ports[host], *args, **more)
        return real(host, port, *args, **more)

    return getaddrinfo
