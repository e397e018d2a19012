"""The level of the log, while the server runs."""

from collections.abc import Callable

from tokenhub.admin.audit import Trail
from tokenhub.admin.changes import By
from tokenhub.core.errors import BadRequest

LEVELS = ("debug", "info", "warn", "error")
_ACTION, _RESOURCE = "log-level.update", "log-level"


class LogLevel:
    """`read` gives the level in force, `swap` puts another in its place."""

    def __init__(
        self, *, read: Callable[[], str], swap: Callable[[str], None], trail: Trail
    ) -> None:
        self._read = read
        self._swap = swap
        self._trail = trail

    def current(self) -> str:
        return self._read()

    async def put(self, level: str, *, by: By) -> None:
        """Log from this level up, until another is given or the server stops. Raises BadRequest.

        The entry in the audit trail comes first: nothing is silenced in silence.
        """
        if level not in LEVELS:
            raise BadRequest(f"level must be one of {', '.join(LEVELS)}", field="level")
        await self._trail.record(
            _ACTION, _RESOURCE, by, before={"level": self._read()}, after={"level": level}
        )
        self._swap(level)
