"""The audit trail: read it, prove that it is whole, and write what no row belongs to."""

import hmac

from tokenhub.admin.changes import By, entry
from tokenhub.admin.durations import moment
from tokenhub.admin.paging import Page, page_of
from tokenhub.core.errors import BadRequest, NotFound
from tokenhub.ports.audit import AuditQuery, AuditRow, AuditTrail, Broken, Verdict
from tokenhub.ports.clock import Clock
from tokenhub.ports.stores import DONE

_HASH_DIGITS = 64


class Trail:
    """What operators may do with the audit trail. Nobody may change it."""

    def __init__(self, *, store: AuditTrail, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def page(self, query: AuditQuery) -> Page[AuditRow]:
        return await page_of(self._store, query, id_of=lambda row: str(row.id))

    async def record(
        self,
        action: str,
        resource: str,
        by: By,
        *,
        before: object = None,
        after: object = None,
        outcome: str = DONE,
    ) -> None:
        """Write an entry, for a change that is kept in no table. Raises Unavailable.

        Await it before the change is made: what cannot be told is not done.
        """
        now = self._clock.now()
        told = entry(now, action, resource, by, before=before, after=after, outcome=outcome)
        await self._store.record(told)

    async def verify(self, *, row_id: int = 0, digest: str = "") -> Verdict:
        """Walk along the whole chain.

        With a row's id and the hash that it had, noted elsewhere, a chain that was written anew
        from that row or an earlier one is found too. Raises BadRequest, NotFound.
        """
        if bool(row_id) != bool(digest):
            raise BadRequest("give id and hash together, as an earlier verification told them")
        found = await self._store.verify()
        if not row_id:
            return found
        if len(digest) != _HASH_DIGITS:
            raise BadRequest(f"hash must have {_HASH_DIGITS} hexadecimal digits", field="hash")
        kept = await self._store.hash_of(row_id)
        if kept is None and row_id <= found.last_id and found.broken is None:
            raise NotFound(f"audit row {row_id} is not kept any more; give a later one")
        if kept is not None and hmac.compare_digest(kept, digest.lower()):
            return found
        if found.broken is not None and found.broken.id <= row_id:
            return found
        broken = Broken(id=row_id, reason="its hash is not the one that was noted")
        return Verdict(
            rows=found.rows, last_id=found.last_id, last_hash=found.last_hash, broken=broken
        )

    def moment(self, text: str, *, field: str) -> float | None:
        """The Unix time that a text names: RFC 3339, or so long ago, as `24h`. Empty is None."""
        return moment(text, now=self._clock.now(), field=field)
