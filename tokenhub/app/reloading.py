"""New settings put in force while requests are under way."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from tokenhub.adapters.files import read_private
from tokenhub.adapters.telemetry.access import Access
from tokenhub.adapters.telemetry.logging import set_level
from tokenhub.admin.changes import Changes
from tokenhub.admin.reload import Difference, Found
from tokenhub.app.data_plane import DataPlane, defaults
from tokenhub.core.destinations import Destinations
from tokenhub.core.errors import BadRequest
from tokenhub.parts import Parts
from tokenhub.ports.snapshot import Snapshot
from tokenhub.settings import Settings, SettingsRefused, changed, reloaded

Renewed = Callable[[Settings, Parts], None]


def nobody(_settings: Settings, _parts: Parts) -> None:
    """A Renewed where nobody serves."""


class Reloading:
    """The settings in force, and how others take their place: all of them in one moment.

    `parts` are those of the start; each reload hands `renewed` a copy with a way of requests
    that was made of the new settings.
    """

    parts: Parts

    def __init__(
        self,
        settings: Settings,
        *,
        plane: DataPlane,
        changes: Changes,
        allowed: Snapshot[Destinations],
        access_log: Access,
        reread: Callable[[], Settings],
        renewed: Renewed,
    ) -> None:
        self._settings = settings
        self._plane = plane
        self._changes = changes
        self._allowed = allowed
        self._access_log = access_log
        self._reread = reread
        self._renewed = renewed

    def read(self) -> Found:
        """What the files say. Raises BadRequest with every problem."""
        try:
            new = self._reread()
        except SettingsRefused as error:
            raise BadRequest(str(error), code=error.code) from error
        return Found(
            differences=tuple(
                Difference(name=one.name, before=one.before, after=one.after, restart=one.restart)
                for one in changed(self._settings, new)
            ),
            credentials=read_private(new.credentials_file),
            swap=partial(self._swap, new),
        )

    async def _swap(self, new: Settings) -> None:
        now = reloaded(self._settings, new)
        await self._changes.follow(defaults(now))
        self._allowed.current = now.allowed_private_hosts
        if now.log_level != self._settings.log_level:  # else an operator's word holds
            set_level(now.log_level)
        self._access_log.enabled = now.access_log
        gateway, orchestrator = self._plane.made(now)
        self._settings = now
        self._renewed(
            now,
            replace(
                self.parts,
                gateway=gateway,
                orchestrator=orchestrator,
                heartbeat_s=now.heartbeat_s,
            ),
        )
