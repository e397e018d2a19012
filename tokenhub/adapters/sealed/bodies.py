"""Answers for repeats that outlive the process: in memory, and sealed on disk beside it.

Only while the vault is open is anything written or read there. What the vault's keys do not open
(any more) is as if it were not there: the claim beside it still says that the request was answered.
"""

import logging
from asyncio import Future

import msgspec

from tokenhub.adapters.memory.bodies import Limits, MemoryBodies
from tokenhub.adapters.sqlite.answers import SealedAnswer, SqliteAnswers
from tokenhub.adapters.sqlite.rows import MILLI
from tokenhub.core.errors import Unavailable
from tokenhub.core.idempotency import Scope
from tokenhub.core.vault.keyring import NONCE_BYTES, Draw, Keyring
from tokenhub.core.vault.rows import FORMAT, bound
from tokenhub.ports.claims import Held
from tokenhub.ports.vault import Safe

_log = logging.getLogger(__name__)


class SealedBodies:
    """Bodies with a MemoryBodies in front; the limits hold for each of the two."""

    def __init__(
        self, answers: SqliteAnswers, safe: Safe, *, draw: Draw, limits: Limits | None = None
    ) -> None:
        self._limits = limits or Limits()
        self._memory = MemoryBodies(self._limits)
        self._answers = answers
        self._safe = safe
        self._draw = draw

    def find(self, scope: Scope, *, since: float) -> Held | None:
        return self._memory.find(scope, since=since)

    async def recall(self, scope: Scope, *, since: float) -> Held | None:
        ring = self._safe.ring
        if ring is None:
            return None
        try:
            row = await self._answers.find(scope.digest, since=since)
        except Unavailable as error:
            _log.warning("sealed_answer_not_read", extra={"reason": str(error)})
            return None
        if row is None:
            return None
        content = ring.unbox(row.key_id, row.sealed, _aad(ring, row), row.nonce)
        if content is None:
            return None
        held = msgspec.msgpack.decode(content, type=Held)
        self._memory.put(scope, held, since=since)
        return held

    def put(self, scope: Scope, held: Held, *, since: float) -> bool:
        taken = self._memory.put(scope, held, since=since)
        ring = self._safe.ring
        if taken and ring is not None:

            def seal() -> SealedAnswer:
                return _sealed(ring, scope, held, draw=self._draw)

            put = self._answers.put(seal, since=since, limits=self._limits)
            put.add_done_callback(_heard)
        return taken


def _sealed(ring: Keyring, scope: Scope, held: Held, *, draw: Draw) -> SealedAnswer:
    row = SealedAnswer(
        scope=scope.digest,
        owner=scope.key_id,
        key_id=ring.current,
        nonce=draw(NONCE_BYTES),
        sealed=b"",
        size=held.answer.size,
        at_ms=round(held.at * MILLI),
    )
    box = ring.box(msgspec.msgpack.encode(held), _aad(ring, row), row.nonce)
    return msgspec.structs.replace(row, sealed=box)


def _aad(ring: Keyring, row: SealedAnswer) -> bytes:
    """What an answer is bound to: whose it is, and which request's."""
    return bound("th-answer", FORMAT, ring.vault_id, row.scope, row.owner, row.key_id, row.at_ms)


def _heard(written: "Future[None]") -> None:
    """Nobody waits for it: what is not on disk is refused after a restart, and not repeated."""
    if not written.cancelled() and (error := written.exception()) is not None:
        _log.warning("sealed_answer_not_written", extra={"reason": str(error)})
