"""Events: those who tell them, and those who read them.

    emit ──> ring of the newest ──> one reader each: what it has not had yet, as bytes
                 └ overwritten when full: who is too slow loses them, and is told how many

To emit never waits and never fails. All of it belongs to the event loop's thread.
"""

from collections.abc import Callable, Collection, Hashable, Mapping
from typing import Any, Protocol, runtime_checkable

from tokenhub.core.events import Event

# A filter over the fields of an event, by their names on the wire.
Matches = Callable[[Mapping[str, Any]], bool]


class Events(Protocol):
    def emit(self, event: Event) -> None:
        """Tell whoever listens, now or later."""
        ...


class Silent:
    """Events that nobody hears."""

    def emit(self, event: Event) -> None:
        del event


SILENT = Silent()


class Reader(Protocol):
    async def next(self) -> bytes:
        """What has come since, as server-sent events; empty once it is over."""
        ...

    def leave(self, why: str = "") -> None:
        """Be over: at once where nothing is told, else after an event that says why."""
        ...


@runtime_checkable
class Feed(Protocol):
    @property
    def last(self) -> int:
        """The id of the newest event."""
        ...

    def open(
        self,
        *,
        after: int | None,
        types: Collection[str],
        text: str,
        matches: Matches | None,
        mark: Hashable,
        still: Callable[[], bool],
    ) -> Reader:
        """A reader of what comes from now on, or after an id; `leave` it.

        `types` are those that are wanted, none for all. `matches` is the filter that `text` says.
        `still` tells whether the credential `mark` opens anything; where it does not any more, its
        readers are over. Raises RateLimited where there are too many, Unavailable at the stop.
        """
        ...

    def look(self) -> None:
        """End the readers whose credentials open nothing any more."""
        ...

    def beat(self, reason: str) -> None:
        """Let every reader hear that the stream lives."""
        ...
