"""New settings and credentials without a restart.

Both files are read and checked before anything changes; then the audit row is written, and only
after it the new values are swapped in at once. Whatever is broken changes nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import msgspec

from tokenhub.admin.audit import Trail
from tokenhub.admin.bootstrap import Bootstrap, refuse_unreadable
from tokenhub.admin.changes import By
from tokenhub.core.errors import TokenHubError
from tokenhub.ports.stores import DONE, REFUSED

_log = logging.getLogger("tokenhub.reload")
_ACTION, _RESOURCE = "server.reload", "settings"


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A setting that is not what it was, as text; `restart` says that it waits for a start."""

    name: str
    before: str
    after: str
    restart: bool


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What the files say now; `swap` puts it in force."""

    differences: tuple[Difference, ...]
    credentials: bytes
    swap: Callable[[], Awaitable[None]]


class Reloaded(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it; `notes` are about the credentials file."""

    differences: tuple[Difference, ...]
    notes: tuple[str, ...]


class Reload:
    """`read` gives what the files say, or raises a TokenHubError with every problem."""

    def __init__(
        self,
        *,
        read: Callable[[], Found],
        bootstrap: Bootstrap,
        path: str,
        trail: Trail,
    ) -> None:
        self._read = read
        self._bootstrap = bootstrap
        self._path = path
        self._trail = trail
        self._lock = asyncio.Lock()
        self._waiting = False

    async def __call__(self, by: By, *, quiet: bool = False) -> Reloaded:
        """Read, check and swap. Raises what is wrong with the files; then nothing has changed.

        Where it is `quiet`, a reload that finds nothing new leaves no entry.
        """
        async with self._lock:
            try:
                found = await asyncio.to_thread(self._read)
                refuse_unreadable(found.credentials)
            except TokenHubError as error:
                _refused(error)
                await self._note(by, {"refused": str(error)}, outcome=REFUSED)
                raise
            if found.differences or not quiet:
                try:
                    await self._note(by, {"changes": found.differences})
                except TokenHubError as error:
                    _refused(error)
                    raise
            # What waits for a restart does so at each reload, and is no reason to begin anew.
            if not all(one.restart for one in found.differences):
                await found.swap()
            notes = await self._bootstrap.apply(found.credentials, path=self._path)
        _tell(found.differences, notes)
        return Reloaded(differences=found.differences, notes=tuple(notes))

    async def signalled(self) -> None:
        """As of SIGHUP. A signal that comes while one waits for its turn says nothing new."""
        if self._waiting:
            return
        self._waiting = True
        async with self._lock:
            self._waiting = False
        try:
            await self(By(actor="signal"), quiet=True)
        except TokenHubError:
            pass  # told in the log, where there is nobody else to tell
        except Exception:  # noqa: BLE001 - a fault of the reload must not end the server
            _log.exception("reload_failed")

    async def _note(self, by: By, after: object, *, outcome: str = DONE) -> None:
        await self._trail.record(_ACTION, _RESOURCE, by, after=after, outcome=outcome)


def _refused(error: TokenHubError) -> None:
    _log.error("reload_refused", extra={"reason": str(error)})


def _tell(differences: tuple[Difference, ...], notes: list[str]) -> None:
    for one in differences:
        _log.warning(
            "setting_waits_for_a_restart" if one.restart else "setting_changed",
            extra={"setting": one.name, "before": one.before, "after": one.after},
        )
    for note in notes:
        _log.warning("credentials_file", extra={"detail": note})
