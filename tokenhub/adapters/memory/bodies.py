"""Answers for repeats, in memory: they are made of callers' text, which no disk may hold in clear.

Only finished answers are here, so what makes room is always one of them. An answer that had to go
is not run again: its claim on disk says that it was given.
"""

import msgspec

from tokenhub.core.idempotency import Scope
from tokenhub.ports.claims import Held

# What one answer takes beside its bytes: the objects around it, about.
_OBJECTS_BYTES = 1_024


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much is kept, over all and of each API key, so that none can push out all the others."""

    answers: int = 1_000
    answer_bytes: int = 64 << 20
    key_answers: int = 256
    key_answer_bytes: int = 8 << 20


class MemoryBodies:
    """Bodies that end with the process. Each shelf is in the order of arrival, oldest first."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._all = _Shelf()
        self._of_key: dict[str, _Shelf] = {}

    @property
    def size(self) -> int:
        """About the bytes of memory that all answers take."""
        return self._all.size

    def __len__(self) -> int:
        return len(self._all.held)

    def find(self, scope: Scope, *, since: float) -> Held | None:
        held = self._all.held.get(scope)
        return held if held is not None and held.at >= since else None

    async def recall(self, scope: Scope, *, since: float) -> Held | None:
        """None: what another process held went with it."""
        del scope, since
        return None

    def put(self, scope: Scope, held: Held, *, since: float) -> bool:
        limits = self._limits
        if _size(held) > min(limits.key_answer_bytes, limits.answer_bytes):
            return False
        self._drop(scope)
        own = self._of_key.setdefault(scope.key_id, _Shelf())
        self._all.add(scope, held)
        own.add(scope, held)
        while own.over(limits.key_answers, limits.key_answer_bytes):
            self._drop(own.oldest)
        while self._all.over(limits.answers, limits.answer_bytes) or self._outlived(since):
            self._drop(self._all.oldest)
        return True

    def _drop(self, scope: Scope) -> None:
        if scope not in self._all.held:
            return
        own = self._of_key[scope.key_id]
        self._all.remove(scope)
        own.remove(scope)
        if not own.held:
            del self._of_key[scope.key_id]

    def _outlived(self, since: float) -> bool:
        return bool(self._all.held) and self._all.held[self._all.oldest].at < since


class _Shelf:
    """Answers in the order they came in, and their size."""

    __slots__ = ("held", "size")

    def __init__(self) -> None:
        self.held: dict[Scope, Held] = {}
        self.size = 0

    @property
    def oldest(self) -> Scope:
        return next(iter(self.held))

    def over(self, answers: int, answer_bytes: int) -> bool:
        return len(self.held) > answers or self.size > answer_bytes

    def add(self, scope: Scope, held: Held) -> None:
        self.held[scope] = held
        self.size += _size(held)

    def remove(self, scope: Scope) -> None:
        self.size -= _size(self.held.pop(scope))


def _size(held: Held) -> int:
    return held.answer.size + _OBJECTS_BYTES
