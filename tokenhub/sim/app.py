"""The simulated provider on a socket: for tests in their own process, or served on its own."""

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from tokenhub.sim.answer import Finish, Say, Spent
from tokenhub.sim.fault import AnyFault
from tokenhub.sim.playing import Reply
from tokenhub.sim.profile import Profile
from tokenhub.sim.protocol import Connection
from tokenhub.sim.provider import Provider, Received


class Sim:
    """A simulated provider that listens while the context is open.

        async with Sim(profile) as sim:
            sim.next(Fault.status(503), Fault.none())
            ...  # call sim.url; what came is in sim.requests

    `record` keeps every request; `serve` does without. `hangups` counts the requests whose caller
    went away before the answer's end.
    """

    def __init__(
        self, profile: Profile, *, host: str = "127.0.0.1", port: int = 0, record: bool = True
    ) -> None:
        self.requests: list[Received] = []
        self.hangups = 0
        self.port = port
        self._host = host
        self._record = record
        self._provider = Provider(profile)
        self._connections: set[Connection] = set()
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self, loop), self._host, self.port, backlog=1024
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        for connection in tuple(self._connections):
            connection.abort()
        await self._until(lambda: not self._connections)
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        """The base URL, without a path."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}"

    @property
    def profile(self) -> Profile:
        return self._provider.profile

    @profile.setter
    def profile(self, profile: Profile) -> None:
        self._provider.play(profile)

    def next(self, *faults: AnyFault, path: str = "") -> None:
        """Let the next requests meet these, in order, whatever the profile's rates say.

        Without a path: requests that ask a model. `/v1/models` and `/health` must be named.
        """
        self._provider.queue(faults, path)

    def say(
        self,
        *pieces: str,
        thinking: Sequence[str] = (),
        refusal: Sequence[str] = (),
        calls: Sequence[tuple[str, str]] = (),
        finish: Finish | None = None,
        spent: Spent | None = None,
    ) -> None:
        """Let the next conversation be answered with exactly this; each call adds one answer.

        Streamed, every piece is an event of its own; whole, they are one text. `calls` are names
        of tools and the JSON text of their arguments. Stop sequences still end the text; limits
        do not. Where not told otherwise, each piece counts as one token.
        """
        self._provider.say(
            Say(
                pieces=pieces,
                thinking=tuple(thinking),
                refusal=tuple(refusal),
                calls=tuple(calls),
                finish=finish,
                spent=spent,
            )
        )

    async def arrived(self, count: int) -> None:
        """Return once so many requests are in `requests`."""
        await self._until(lambda: len(self.requests) >= count)

    async def abandoned(self, count: int) -> None:
        """Return once so many callers have hung up on their request."""
        await self._until(lambda: self.hangups >= count)

    # --- what a Connection needs

    def opened(self, connection: Connection) -> None:
        self._connections.add(connection)

    def closed(self, connection: Connection, *, abandoned: bool) -> None:
        self._connections.discard(connection)
        self.hangups += abandoned
        self._changed.set()

    def answer(self, request: Received) -> Reply:
        if self._record:
            self.requests.append(request)
            self._changed.set()
        return self._provider.answer(request)

    def too_large(self, path: str) -> Reply:
        return self._provider.too_large(path)

    async def _until(self, happened: Callable[[], bool]) -> None:
        while not happened():
            self._changed = asyncio.Event()
            await self._changed.wait()


async def serve(
    listen: str,
    profile: Profile,
    *,
    ready: Callable[[int], None] | None = None,
    stop: asyncio.Event,
) -> None:
    """Serve the profile on `host:port` until `stop` is set; `ready` is told the port.

    An empty host (`:9900`) is every interface, port 0 a free one. Raises ValueError for an
    address that is none, OSError where it cannot be listened on.
    """
    host, port = address(listen)
    async with Sim(profile, host=host, port=port, record=False) as sim:
        if ready is not None:
            ready(sim.port)
        await stop.wait()


def address(listen: str) -> tuple[str, int]:
    """Host and port of `127.0.0.1:9900`, `[::1]:9900` or `:9900`. Raises ValueError."""
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65_535:  # noqa: PLR2004  # the last TCP port
        raise ValueError(f"give the address as host:port, like 127.0.0.1:9900, not {listen!r}")
    return host.removeprefix("[").removesuffix("]") or "0.0.0.0", int(port)  # noqa: S104  # as documented
