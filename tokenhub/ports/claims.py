"""Where idempotency keys are remembered: who came first, and what they were told."""

from asyncio import Future
from typing import Protocol

import msgspec

from tokenhub.core.idempotency import Kept, Scope, State


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A claim as it is written down. `scope` is a Scope's digest; `at` is Unix seconds."""

    scope: bytes
    fingerprint: bytes
    request_id: str
    at: float
    state: State = "in_flight"


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What a claim met: `taken` says that it holds now, `there` what was written before it."""

    taken: bool
    there: Record | None = None


class ClaimStore(Protocol):
    """Claims that outlive the process. One process at a time has it open.

    `end` and `release` never wait and never fail: what they could not write stays in flight on
    disk, which a later claim reads as unknown. They touch a row only if it is that request's.
    """

    async def recover(self, *, since: float) -> int:
        """Make what an earlier process left in flight unknown, and drop what is older than `since`.

        Returns how many became unknown.
        """
        ...

    def claim(self, record: Record, *, since: float, force: bool) -> Future[Sight]:
        """Write the record, unless one is there that is not older than `since`.

        With `force` one of the same fingerprint is replaced. Done when it is committed; fails
        with Unavailable. The caller sees to it that none of this process is in flight.
        """
        ...

    def end(self, record: Record) -> None:
        """Write how the record's request ended."""
        ...

    def release(self, record: Record) -> None:
        """Forget the record; where it had replaced another by force, that one is unknown again."""
        ...


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """An answer with what asked for it."""

    fingerprint: bytes
    answer: Kept
    at: float


class Bodies(Protocol):
    """Answers to be given again. It has limits of its own, and forgets the oldest first."""

    def find(self, scope: Scope, *, since: float) -> Held | None:
        """The answer, unless it is older than `since`."""
        ...

    async def recall(self, scope: Scope, *, since: float) -> Held | None:
        """The answer of an earlier process, where it was kept and can be read now."""
        ...

    def put(self, scope: Scope, held: Held, *, since: float) -> bool:
        """Keep an answer, and drop what is older than `since`; False where it is too long."""
        ...
