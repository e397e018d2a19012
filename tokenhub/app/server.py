"""The ASGI application."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from tokenhub.admin.bootstrap import Bootstrap
from tokenhub.admin.reload import Reload
from tokenhub.app.assembly import assembled
from tokenhub.app.beside import by_settings, steady
from tokenhub.app.doors import Counts, control_plane, doors_of, entry_of, front
from tokenhub.app.telling import tell
from tokenhub.parts import Parts
from tokenhub.ports.clock import Clock
from tokenhub.ports.hiding import Hide, shown
from tokenhub.ports.vault import Stretcher
from tokenhub.settings import Settings
from tokenhub.web.cors import Cors
from tokenhub.web.front import Asgi
from tokenhub.web.protocol import REFUSAL
from tokenhub.web.refusing import Refusals
from tokenhub.web.v1.exchange import Receive, Scope, Send
from tokenhub.web.watching import Watched

_log = logging.getLogger("tokenhub.app")
# Large bodies are read beside the loop, by so many threads. More would not be quicker, since all of
# them share one interpreter lock with it.
HEAVY_THREADS = 2


class App:
    """The ASGI application. What it holds is made at lifespan's start and gone at its end.

    `reread` gives the settings as they are when `hang_up` or an operator asks for a reload.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        stretcher: Stretcher | None = None,
        hide: Hide = shown,
        reread: Callable[[], Settings] | None = None,
    ) -> None:
        self._settings = settings
        self._hide = hide
        self._clock = clock
        self._stretcher = stretcher
        self._reread = reread
        self._entry = entry_of(settings)
        self._counts = Counts()
        self._front: Asgi | None = None
        self._reload: Reload | None = None
        self._rest: Asgi | None = None
        self._jobs: asyncio.TaskGroup | None = None
        self._renewable: list[asyncio.Task[None]] = []

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "lifespan":
            return self._live(scope, receive, send)
        assert self._front is not None, "requests come after the start"
        return self._front(scope, receive, send)

    def hang_up(self) -> None:
        """SIGHUP: read settings and credentials again. In the loop's thread."""
        if self._reload is not None and self._jobs is not None:
            self._jobs.create_task(self._reload.signalled())

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        threads = ThreadPoolExecutor(HEAVY_THREADS, thread_name_prefix="heavy")
        asyncio.get_running_loop().set_default_executor(threads)
        async with assembled(
            self._settings,
            clock=self._clock,
            stretcher=self._stretcher,
            hide=self._hide,
            reread=self._reread,
            renewed=self._renew,
        ) as (parts, bootstrap):
            self._rest = control_plane(parts, self._entry)
            self._open(self._settings, parts)
            # For the protocol, which spares those who are refused the way to here.
            scope.get("state", {})[REFUSAL] = Refusals(parts.load, parts.request_ids)
            await send({"type": "lifespan.startup.complete"})
            async with asyncio.TaskGroup() as jobs:
                self._jobs, self._reload = jobs, parts.reload
                running = [jobs.create_task(job) for job in (_autoload(bootstrap), *steady(parts))]
                self._begin(self._settings, parts)
                await receive()
                self._jobs = None
                for job in (*running, *self._renewable):
                    job.cancel()
        await send({"type": "lifespan.shutdown.complete"})

    def _renew(self, settings: Settings, parts: Parts) -> None:
        """Let the next request find new parts. Those under way keep theirs."""
        self._open(settings, parts)
        for job in self._renewable:
            job.cancel()
        self._begin(settings, parts)

    def _open(self, settings: Settings, parts: Parts) -> None:
        door = front(
            parts,
            doors_of(settings, self._counts),
            entry=self._entry,
            cors=Cors(settings.cors_origins),
            rest=self._rest,
            room=self._counts.room,
        )
        self._front = Watched(
            door, access=parts.access_log, tracing=parts.tracing, now=parts.clock.monotonic
        )

    def _begin(self, settings: Settings, parts: Parts) -> None:
        if self._jobs is not None:
            self._renewable = [self._jobs.create_task(job) for job in by_settings(settings, parts)]


def create_app(
    settings: Settings,
    *,
    clock: Clock | None = None,
    stretcher: Stretcher | None = None,
    hide: Hide = shown,
    reread: Callable[[], Settings] | None = None,
) -> App:
    """The application over these settings; see App."""
    return App(settings, clock=clock, stretcher=stretcher, hide=hide, reread=reread)


async def _autoload(bootstrap: Bootstrap) -> None:
    try:
        tell(await bootstrap.autoload())
    except Exception:  # noqa: BLE001 - a fault of this job must not end the server it serves
        _log.exception("autoload_failed")
