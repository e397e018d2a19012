"""Prices from the installed list, for models that no operator has given a price.

A price that an operator gave is never touched: `manual` is their word, and so is any other word
that we do not know. Nothing changes by itself: a model is priced when it enters the catalog, and
again when an operator asks for it.
"""

import ipaddress
import logging
from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from tokenhub.admin.changes import By, Changes
from tokenhub.core.catalog import PRICES, Catalog, Model, Provider
from tokenhub.core.errors import NotFound, Unavailable
from tokenhub.ports.clock import Clock
from tokenhub.ports.prices import Edition, Listed, PriceList, Wanted

MANUAL, CATALOGUE, UNKNOWN = "manual", "catalogue", "unknown"
# Whose prices are the list's to fill in.
OPEN = frozenset({CATALOGUE, UNKNOWN})
PRICE_FIELDS = (*PRICES.values(), "tiers")
_OWN_SERVER = Listed(missing="own_server")
_NO_VENDOR = Listed(missing="vendor_not_listed")
_NO_PROVIDER = Listed(missing="no_provider")
_log = logging.getLogger(__name__)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a look at the list came to for one model.

    `result` is `changed` (from `before` to `after`), `same`, `kept` (not the list's to change) or
    `unknown`; `reason` says why for the last two, and why a changed one got a context size alone.
    """

    result: str
    before: Model
    after: Model
    reason: str = ""
    dearest_hours: bool = False


class Synced(msgspec.Struct, frozen=True, kw_only=True):
    """`catalogue` is the list's name and version, empty where nothing was to be asked of it."""

    catalogue: str
    dry_run: bool
    verdicts: tuple[Verdict, ...]


class Prices:
    """Fills in prices and context sizes from `listed`."""

    def __init__(self, *, changes: Changes, listed: PriceList, clock: Clock) -> None:
        self._changes = changes
        self._listed = listed
        self._clock = clock

    async def of(self, rows: Sequence[Model]) -> Sequence[Listed]:
        """What the list says of each row. Raises Unavailable where it cannot be read."""
        return (await self._asked(rows))[1]

    async def filled(self, rows: Sequence[Model]) -> list[Model]:
        """The rows, with what the list has to say; as they are where it cannot be read."""
        if not any(wants(row) for row in rows):
            return list(rows)
        try:
            found = await self.of(rows)
        except Unavailable as error:
            _log.warning("prices_not_filled", extra={"reason": str(error)})
            return list(rows)
        return [fill(row, one) for row, one in zip(rows, found, strict=True)]

    async def sync(self, *, by: By, provider_id: str = "", dry_run: bool = False) -> Synced:
        """Take over what the list says now, in one transaction; with `dry_run` only tell.

        Raises NotFound for an unknown provider, Unavailable where the list cannot be read.
        """
        async with self._changes.lock:
            rows = self._rows(provider_id)
            name, found = await self._asked(rows)
            verdicts = tuple(verdict(row, one) for row, one in zip(rows, found, strict=True))
            changed = [one for one in verdicts if one.result == "changed"]
            if changed and not dry_run:
                await self._commit(changed, name, by, provider_id)
        return Synced(catalogue=name, dry_run=dry_run, verdicts=verdicts)

    def _rows(self, provider_id: str) -> list[Model]:
        catalog = self._changes.catalog
        if provider_id and provider_id not in catalog.providers:
            raise NotFound(f"provider {provider_id!r} not found")
        rows = catalog.models.values()
        found = [row for row in rows if provider_id in ("", row.provider_id)]
        return sorted(found, key=lambda row: (row.id, row.provider_id))

    async def _asked(self, rows: Sequence[Model]) -> tuple[str, Sequence[Listed]]:
        """The list's name and its word on each row. It is not asked of what cannot be in it."""
        catalog = self._changes.catalog
        known = [_foregone(row, catalog) for row in rows]
        asked = [row for row, one in zip(rows, known, strict=True) if one is None]
        edition = Edition(name="", entries=())
        if asked:
            edition = await self._listed.find(
                [_wanted(row, catalog) for row in asked], at=self._clock.now()
            )
        told = iter(edition.entries)
        return edition.name, [one or next(told) for one in known]

    async def _commit(
        self, changed: Sequence[Verdict], name: str, by: By, provider_id: str
    ) -> None:
        audit = self._changes.audit(
            "model.prices_sync",
            provider_id or "*",
            by,
            before=[one.before for one in changed],
            after={"catalogue": name, "models": [one.after for one in changed]},
        )
        rows = [one.after for one in changed]
        self._changes.publish(await self._changes.store.put_models(rows, audit))


def wants(row: Model) -> bool:
    """Whether the list may have something to add: a price, or the context size."""
    return row.pricing_source in OPEN or not row.max_context_tokens


def priced(row: Model) -> bool:
    """Whether any price is known, 0 among them."""
    return any(getattr(row, name) is not None for name in PRICES.values()) or bool(row.tiers)


def fill(row: Model, listed: Listed) -> Model:
    """The row as the list would have it: never over a price of the operator's."""
    if not row.max_context_tokens:
        row = replace(row, max_context_tokens=listed.max_context_tokens)
    if row.pricing_source not in OPEN:
        return row
    if listed.missing:
        return row if priced(row) else replace(row, pricing_source=UNKNOWN)
    taken = {name: getattr(listed, name) for name in PRICE_FIELDS}
    return replace(row, pricing_source=CATALOGUE, **taken)


def verdict(row: Model, listed: Listed) -> Verdict:
    after = fill(row, listed)
    reason = _reason(row, listed)
    if after != row:
        result = "changed"
    elif reason in {"manual", "no_longer_listed"}:
        result = "kept"
    else:
        result = "unknown" if reason else "same"
    return Verdict(
        result=result,
        before=row,
        after=after,
        reason=reason,
        dearest_hours=listed.dearest_hours and row.pricing_source in OPEN,
    )


def _reason(row: Model, listed: Listed) -> str:
    """Why the list's price is not the row's; empty where it is."""
    if row.pricing_source not in OPEN:
        return "manual"
    return "no_longer_listed" if listed.missing and priced(row) else listed.missing


def _foregone(row: Model, catalog: Catalog) -> Listed | None:
    """What can be said without asking the list; None where it must be asked."""
    provider = catalog.providers.get(row.provider_id)
    if provider is None:
        return _NO_PROVIDER
    if provider.type == "vllm":
        return _OWN_SERVER
    return None if _public(provider) else _NO_VENDOR


def _public(provider: Provider) -> bool:
    """Whether a vendor may be at this address: no vendor's is an IP address or a bare name."""
    parts = urlsplit(provider.base_url)
    host = parts.hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return parts.scheme == "https" and "." in host
    return False


def _wanted(row: Model, catalog: Catalog) -> Wanted:
    return Wanted(base_url=catalog.providers[row.provider_id].base_url, model_id=row.id)
