"""What API keys need now and then: their last uses written down, and a word before they end.

A credential that is too old opens nothing from that second on, job or no job; this only tells, in
the log, once each time that one is due or overdue.
"""

import logging

from tokenhub.admin.keys import Keys
from tokenhub.core.credentials import Rotation
from tokenhub.core.errors import Unavailable
from tokenhub.core.events import KEY_ROTATION_EXPIRED, Event
from tokenhub.core.keys import ApiKey
from tokenhub.ports.clock import Clock
from tokenhub.ports.events import SILENT, Events

EVERY_S = 60.0
_log = logging.getLogger("tokenhub.keys")
_EVENTS = {"due": "key_rotation_due", "overdue": "key_rotation_expired"}


class KeyCare:
    """Looks after the keys every minute."""

    def __init__(self, keys: Keys, *, clock: Clock, events: Events = SILENT) -> None:
        self._keys = keys
        self._events = events
        self._clock = clock
        self._told: set[tuple[str, float, Rotation]] = set()

    async def run(self) -> None:
        """Go on until it is cancelled."""
        while True:
            self.warn()
            try:
                await self._keys.uses.flush()
            except Unavailable as error:
                # They are kept, and written down when the disk takes them again.
                _log.warning("key_uses_waiting", extra={"detail": str(error)})
            await self._clock.sleep(EVERY_S)

    def warn(self) -> None:
        """Tell of the enabled keys whose credential is to be changed, each once."""
        standing = {
            (key.id, key.issued_at, state): key
            for key in self._keys.every()
            if key.enabled and (state := self._keys.rotation(key)) in _EVENTS
        }
        for mark in standing.keys() - self._told:
            self._tell(standing[mark], mark[2])
        self._told = set(standing)

    def _tell(self, key: ApiKey, state: Rotation) -> None:
        due_in_s = None if key.ends_at is None else round(key.ends_at - self._clock.now())
        _log.warning(
            _EVENTS[state],
            extra={"key_id": key.id, "key_name": key.name, "ends_in_s": due_in_s},
        )
        if state == "overdue":
            told = f"older than its {key.rotation_days} days"
            self._events.emit(
                Event(type=KEY_ROTATION_EXPIRED, key_id=key.id, key_name=key.name, reason=told)
            )
