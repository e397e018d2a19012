"""`tokenhub serve`: the server, from a bound port to the last request in flight."""

import asyncio
import errno
import gc
import os
import resource
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import uvicorn

from tokenhub.app import create_app, log_strays, start_logging
from tokenhub.commands import hardening
from tokenhub.commands.environment import complain, current, variables
from tokenhub.core.errors import TokenHubError, Unavailable
from tokenhub.ports.hiding import Hide, shown
from tokenhub.ports.vault import Stretcher
from tokenhub.settings import Address, Settings, SettingsRefused, warnings
from tokenhub.web.draining import Draining
from tokenhub.web.headers import EVERYWHERE
from tokenhub.web.protocol import Protocol

# A full collection walks every object that lives. Those of the start (modules, routes, the
# catalog) live for ever: frozen, they are never walked again. What a request leaves behind is
# freed by counting references, since its objects form next to no cycles; the default of 700
# would start a collection every few requests and find nothing.
GC_THRESHOLDS = (50_000, 20, 100)
BACKLOG = 2048
DOORS = 16
MOST_FILES = 65_536


def run() -> int:
    """Serve until SIGINT or SIGTERM. Exit code 1 where it cannot start, 2 for bad settings."""
    try:
        settings = current()
    except SettingsRefused as error:
        complain(*error.problems)
        return 2
    complain(*warnings(variables()))
    redaction = start_logging(settings.log_level)
    log_strays()
    signal.signal(signal.SIGTERM, _ended)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is something to reload
    try:
        if not settings.allow_core_dumps:
            complain(*hardening.closed())
        prepare(settings)
        allow_files()
        bound = bind(settings.listen_addr)
        server = Server(
            settings,
            started=lambda: _greet(settings, bound),
            hide=redaction.hide,
            reread=current,
        )
        server.run(sockets=[bound])
    except TokenHubError as error:
        complain(str(error))
        return 1
    except KeyboardInterrupt:
        return 0  # uvicorn raises it once more after an orderly stop
    return 0


def prepare(settings: Settings) -> None:
    """Make the data directory if it is not there. Raises Unavailable where it cannot be used."""
    folder = settings.data_dir
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(_unusable(folder, os.strerror(error.errno or 0))) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Unavailable(_unusable(folder, "it is not writable"))


def allow_files() -> None:
    """Let the process have as many files open as it may: each request has two connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def bind(address: Address) -> socket.socket:
    """A socket that listens on the address. Raises Unavailable where it cannot be had.

    It listens before anything is opened, so that a second server on the same port leaves the
    first one's data alone. Bound alone would not do: until one of them listens, Linux lets two
    sockets bind the same port. Who connects during the start waits for its end.
    """
    try:
        if not address.host and socket.has_dualstack_ipv6():
            return _bound(socket.AF_INET6, ("::", address.port), dual=True)
        found = socket.getaddrinfo(
            address.host or None, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, _, _, _, place = found[0]
        return _bound(family, place)
    except OSError as error:
        in_use = error.errno == errno.EADDRINUSE
        why = "another program listens there" if in_use else error.strerror or str(error)
        raise Unavailable(
            f"cannot listen on {address}: {why}; choose another address with TOKENHUB_LISTEN_ADDR"
        ) from error


class Server(Draining):
    """uvicorn around the app, with one clear line where the start fails.

    Raises Unavailable with the reason where it cannot start. `started` is called when requests
    are answered.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        started: Callable[[], None],
        stretcher: Stretcher | None = None,
        hide: Hide = shown,
        reread: Callable[[], Settings] | None = None,
    ) -> None:
        self._app = create_app(settings, stretcher=stretcher, hide=hide, reread=reread)
        self._reloads = reread is not None
        self._start = Start(self._app)
        self._on_started = started
        super().__init__(
            uvicorn.Config(
                self._start,
                loop="uvloop",
                http=Protocol,
                backlog=BACKLOG,
                ws="none",
                lifespan="on",
                interface="asgi3",
                log_config=None,
                access_log=False,
                # X-Forwarded-For is anybody's word: limits and logs take the peer's address.
                proxy_headers=False,
                server_header=False,
                headers=list(EVERYWHERE),
                timeout_graceful_shutdown=max(1, round(settings.shutdown_drain_s)),
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        doors = [door for one in sockets or () for door in _doors(one)]
        try:
            await super().startup(sockets=doors or None)
        except SystemExit as error:
            raise Unavailable(self._start.failure or "the start failed; see the log") from error
        except OSError as error:
            await self.lifespan.shutdown()
            raise Unavailable(f"cannot listen: {error.strerror}") from error
        if self._reloads:
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._app.hang_up)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        gc.enable()  # `tokenhub serve` starts without it
        self._on_started()


class Start:
    """The app, its failure to start kept as one sentence instead of a traceback.

    Only what the app itself calls an error, and the system's refusals, are sentences; anything
    else is a defect, and its traceback belongs in the log.
    """

    def __init__(self, app: Callable[..., Any]) -> None:
        self._app = app
        self._started = False
        self.failure = ""

    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        if scope["type"] == "lifespan":
            return self._live(scope, receive, send)
        answered: Awaitable[None] = self._app(scope, receive, send)
        return answered

    async def _live(self, scope: Any, receive: Any, send: Any) -> None:
        async def told(message: Any) -> None:
            self._started |= message["type"] == "lifespan.startup.complete"
            await send(message)

        try:
            await self._app(scope, receive, told)
        except (TokenHubError, OSError) as error:
            if self._started:
                raise
            self.failure = str(error)
            await send({"type": "lifespan.startup.failed", "message": ""})


def _doors(bound: socket.socket) -> list[socket.socket]:
    """The same socket several times: libuv accepts one connection of each at a turn of the loop.

    In overload a turn may take 20 ms, and whoever comes with a new connection would wait for
    seconds for the word that there is too much to do (libuv pull request 3696; measured
    2026-11-22: 7 s of 770 callers).
    """
    return [bound, *(bound.dup() for _ in range(DOORS - 1))]


def _bound(family: int, place: tuple[Any, ...], *, dual: bool = False) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(not dual))
        bound.bind(place)
        bound.listen(BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound


def _unusable(folder: Path, why: str) -> str:
    return f"data directory {folder} cannot be used: {why}; choose another with TOKENHUB_DB_DSN"


def _greet(settings: Settings, bound: socket.socket) -> None:
    url = Address(settings.listen_addr.host, bound.getsockname()[1]).local_url
    token = "TOKENHUB_ADMIN_TOKEN" if settings.admin_token else settings.admin_token_file
    print(
        f"TokenHub is ready at {url}/v1 (admin page: {url}/admin/)\n"
        f"  data:        {settings.db_dsn}\n"
        f"  admin token: in {token}\n"
        f"  next:        tokenhubctl status, then register a provider: docs/user/quickstart.md",
        file=sys.stderr,
        flush=True,
    )


def _ended(_signal: int, _frame: FrameType | None) -> NoReturn:
    """SIGTERM outside the server's own handling, and once more after its orderly stop."""
    sys.exit(0)
