"""Stored decisions taken again: whether each comes out as it was written down."""

import msgspec

from tokenhub.core.catalog import Catalog
from tokenhub.core.decide import Record
from tokenhub.core.errors import Unavailable
from tokenhub.core.outcome import Outcome
from tokenhub.core.stored import drawn_otherwise, record_of
from tokenhub.core.verify import alias_differences, checksum, differences, recompute
from tokenhub.ports.journal import Journal
from tokenhub.ports.stores import CATALOG_DAMAGED, CatalogStore

CHANGED = "record: it is not as it was written, its checksum is another"


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """`same` is None where nobody can tell any more, and `reason` says why."""

    same: bool | None
    differences: tuple[str, ...] = ()
    reason: str


class Verifier:
    """Reads the record and the catalog of its version, and decides once more."""

    def __init__(self, *, journal: Journal, catalogs: CatalogStore) -> None:
        self._journal = journal
        self._catalogs = catalogs

    async def verify(self, row: Outcome) -> Verified:
        """Whether the decision of a request comes out the same, to the last bit."""
        written = await self._journal.decision(row.request_id)
        if written is None:
            return _unknown("there is no decision on record for this request")
        known = await self._journal.checksum(row.request_id)
        changed = [] if known in {None, checksum(written)} else [CHANGED]
        try:
            record = record_of(written)
        except msgspec.DecodeError:
            return _judged(changed, "its record is in a form that this version does not know")
        if gone := _gone(record):
            return _judged(changed, gone)
        try:
            catalog = await self._catalogs.at(record.catalog_version)
        except Unavailable as error:
            if error.code != CATALOG_DAMAGED:
                raise
            return _judged([*changed, f"catalog: {error}"], "")
        if catalog is None:
            return _judged(changed, f"the catalog of version {record.catalog_version} is not kept")
        return _judged([*changed, *_found(row, record, catalog)], "")


def _gone(record: Record) -> str:
    """Why a record of an older version cannot be decided again; empty where it can."""
    if record.reserved_tokens is None:
        return "its record is of a version that did not keep all it stood on"
    if drawn_otherwise(record):
        return "its order was drawn by a rule that this version has not"
    return ""


def _found(row: Outcome, record: Record, catalog: Catalog) -> list[str]:
    named = alias_differences(record, catalog, request_id=row.request_id, key_id=row.key_id)
    try:
        return [*named, *differences(record, recompute(record, catalog))]
    except (LookupError, ArithmeticError) as error:
        # Only a record that somebody has changed holds values that no decision has.
        return [*named, f"record: no decision can be taken from it ({type(error).__name__})"]


def _judged(found: list[str], unknown: str) -> Verified:
    """What was found counts, whatever else cannot be told."""
    if found:
        return Verified(same=False, differences=tuple(found), reason="it comes out differently")
    if unknown:
        return _unknown(unknown)
    return Verified(same=True, reason="computed again, it is the same to the last bit")


def _unknown(reason: str) -> Verified:
    return Verified(same=None, reason=reason)
