"""The connections to one origin: those that are free, and how a new one is made."""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from ipaddress import ip_address
from typing import Any

from aiohappyeyeballs import start_connection

from tokenhub.adapters.providers.connection import Connection
from tokenhub.core.destinations import Destinations
from tokenhub.ports.snapshot import Snapshot

_log = logging.getLogger("tokenhub.providers")

# RFC 8305, 8: the "Connection Attempt Delay", after which the next address is tried besides.
NEXT_ADDRESS_S = 0.25
# How long a free connection is kept. The shortest that servers keep theirs is 5 s (uvicorn, and
# vLLM with it), the usual 60 and more: this loses little, and seldom meets one just given up.
KEEP_S = 15.0
# How long the addresses of a name are: short, since providers move behind their names.
KEEP_NAMES_S = 10.0

Origin = tuple[str, str, int]
# As of socket.getaddrinfo: family, type, protocol, canonical name, socket address.
Address = tuple[int, int, int, str, Any]
Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]


class ConnectError(OSError):
    """No connection was made, so nothing was sent."""


class NotAllowed(ConnectError):
    """None of the addresses is one that calls may go to; the message says what to do."""


class Pool:
    """There is no limit on connections: requests are limited, and each waits for one at most.

    `allowed` is where they may go. The addresses themselves are checked, each time before they
    are connected to: what a name leads to may change from one look to the next. Made inside the
    running loop.
    """

    def __init__(
        self, origin: Origin, *, resolve: Resolve, allowed: Snapshot[Destinations]
    ) -> None:
        self._scheme, self._host, self._port = origin
        self._allowed = allowed
        # What the connections that are open were checked against.
        self._checked = allowed.current
        self._outdated: set[Connection] = set()
        self._refused = ""
        self._loop = asyncio.get_running_loop()
        self._resolve = resolve
        self._all: set[Connection] = set()
        # In the order in which they came to be free.
        self._free: list[Connection] = []
        self._sweeping: asyncio.TimerHandle | None = None
        self._looking_up: asyncio.Task[Sequence[Address]] | None = None
        self._known_until = 0.0
        self._known: Sequence[Address] = ()

    def free(self) -> Connection | None:
        """The connection that came to be free last, if there is one."""
        if self._checked is not self._allowed.current:
            self._forget()
        while self._free:
            connection = self._free.pop()
            if connection.usable:
                return connection
        return None

    async def connect(self, limit_s: float) -> Connection:
        """A new connection. Raises ConnectError."""
        try:
            async with asyncio.timeout(limit_s):
                return await self._connected(self._permitted(await self._addresses()))
        except NotAllowed:
            self._known_until = 0.0
            raise
        except OSError as error:
            self._known_until = 0.0
            raise ConnectError(str(error)) from error

    def close(self) -> None:
        if self._sweeping is not None:
            self._sweeping.cancel()
        if self._looking_up is not None:
            self._looking_up.cancel()
        for connection in list(self._all):
            connection.abort()

    # --- where it may go

    def _permitted(self, addresses: Sequence[Address]) -> Sequence[Address]:
        """Those that calls may go to. Raises NotAllowed where none is left."""
        allowed = self._allowed.current
        good = []
        why = ""
        for address in addresses:
            refusal = allowed.refusal(self._host, ip_address(address[4][0]))
            if not refusal:
                good.append(address)
            why = why or refusal
        if why != self._refused:
            self._refused = why
            if why:
                _log.warning("address_refused", extra={"host": self._host, "detail": why})
        if why and not good:
            raise NotAllowed(why)
        return good

    def _forget(self) -> None:
        """What may be called has changed: nobody begins on a connection from before."""
        self._checked = self._allowed.current
        self._outdated = set(self._all)
        while self._free:
            self._free.pop().abort()

    # --- free connections

    def _rest(self, connection: Connection) -> None:
        if connection in self._outdated:
            connection.abort()
            return
        connection.free_since = self._loop.time()
        self._free.append(connection)
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(KEEP_S, self._sweep)

    def _lost(self, connection: Connection) -> None:
        self._all.discard(connection)
        self._outdated.discard(connection)
        with contextlib.suppress(ValueError):
            self._free.remove(connection)

    def _sweep(self) -> None:
        """Hang up on those that were free for too long."""
        self._sweeping = None
        oldest = self._loop.time() - KEEP_S
        while self._free and self._free[0].free_since <= oldest:
            self._free.pop(0).abort()
        if self._free:
            self._sweeping = self._loop.call_at(self._free[0].free_since + KEEP_S, self._sweep)

    # --- a new connection

    async def _connected(self, addresses: Sequence[Address]) -> Connection:
        sock: socket.socket | None = await start_connection(
            addresses, happy_eyeballs_delay=NEXT_ADDRESS_S, interleave=1
        )
        assert sock is not None
        secure = self._scheme == "https"
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            _, connection = await self._loop.create_connection(
                lambda: Connection(rest=self._rest, lost=self._lost),
                sock=sock,
                ssl=_trust() if secure else None,
                server_hostname=self._host if secure else None,
            )
            sock = None  # the loop's from here on
        finally:
            if sock is not None:
                sock.close()
        self._all.add(connection)
        return connection

    async def _addresses(self) -> Sequence[Address]:
        """Those of the name. Who asks while it is looked up waits for the same answer."""
        if self._loop.time() < self._known_until:
            return self._known
        if self._looking_up is None:
            self._looking_up = self._loop.create_task(self._look_up())
            self._looking_up.add_done_callback(_heed)
        return await asyncio.shield(self._looking_up)

    async def _look_up(self) -> Sequence[Address]:
        try:
            self._known = await self._resolve(self._host, self._port)
        finally:
            self._looking_up = None
        self._known_until = self._loop.time() + KEEP_NAMES_S
        return self._known


async def system(host: str, port: int) -> Sequence[Address]:
    """The system's resolution of a name. Raises OSError."""
    loop = asyncio.get_running_loop()
    return await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)


@cache
def _trust() -> ssl.SSLContext:
    """Whom we believe: the system's authorities, or those of SSL_CERT_FILE and SSL_CERT_DIR."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _heed(task: "asyncio.Task[Sequence[Address]]") -> None:
    """Whoever waited may have left: an error that nobody hears is no news."""
    if not task.cancelled():
        task.exception()
