"""Models: what may be asked for, at which provider, at which price and weight."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from tokenhub.admin.changes import By, Changes, expect
from tokenhub.admin.prices import (
    CATALOGUE,
    MANUAL,
    OPEN,
    PRICE_FIELDS,
    Prices,
    fill,
    priced,
    wants,
)
from tokenhub.core.catalog import PRICES, Catalog, Model, checked_model
from tokenhub.core.errors import BadRequest, Conflict, NotFound
from tokenhub.core.money import price

MAX_ID_CHARS = 200
MAX_CONTEXT_TOKENS = 1_000_000_000
# Above any price there is, and as nano-USD per million tokens it fits a 64-bit integer.
MAX_USD_PER_1K = 1000.0
# Those of a class that fall with the price which they were a part of (core.pricing).
_FOLLOWS = {
    "input_price": ("cached_price", "cache_write_price", "cache_write_1h_price"),
    "output_price": ("reasoning_price",),
}


class Models:
    """List and change models. The key of one is the pair of its provider and its id."""

    def __init__(self, *, changes: Changes, prices: Prices) -> None:
        self._changes = changes
        self._prices = prices

    @property
    def version(self) -> int:
        """The version of the list."""
        return self._changes.catalog.version

    def every(self, *, provider_id: str = "") -> Sequence[Model]:
        """All models, or those of one provider, by id."""
        rows = self._changes.catalog.models.values()
        found = [row for row in rows if provider_id in ("", row.provider_id)]
        return sorted(found, key=lambda row: (row.id, row.provider_id))

    def get(self, name: str, *, provider_id: str = "") -> Model:
        """The model of this id, which may be written `provider/id`.

        Raises NotFound, and Conflict where several providers have it and none was named.
        """
        return _resolved(self._changes.catalog, name, provider_id)

    async def put(
        self,
        model: Model,
        *,
        by: By,
        expected: int | None = None,
        listed: Model | None = None,
    ) -> Model:
        """Create or replace. `expected` may be the row's version or the list's.

        A row of unknown price gets the installed list's, unless one stands that an operator gave.
        `listed` is the row with that, from a caller who has asked for many at once.
        """
        row = checked(model)
        if listed is None:
            listed = (await self._prices.filled([row]))[0] if wants(row) else row
        listed = checked(listed)
        async with self._changes.lock:
            catalog = self._changes.catalog
            if row.provider_id not in catalog.providers:
                raise BadRequest(
                    f"there is no provider {row.provider_id!r}; add it first", field="provider_id"
                )
            old = catalog.models.get(row.key)
            expect(expected, old.version if old else None, catalog.version)
            unpriced = row.pricing_source in OPEN and not priced(row)
            if unpriced and old is not None and old.pricing_source not in OPEN:
                listed = _with_prices(listed, old)
            return await self._commit("model.upsert", old, listed, by)

    async def update(
        self,
        name: str,
        changes: Mapping[str, object],
        *,
        by: By,
        provider_id: str = "",
        expected: int | None = None,
    ) -> Model:
        """Change the given fields. A price that is set by hand is marked so.

        `pricing_source` may be `manual`, which keeps the prices that stand, or `catalogue`, which
        takes the installed list's; then no price may be given, and the list must have one.
        """
        async with self._changes.lock:
            old = self.get(name, provider_id=provider_id)
            expect(expected, old.version)
            row = checked(replace(old, **_repriced(old, changes), source="api"))
            if changes.get("pricing_source") == CATALOGUE:
                row = checked(await self._from_list(row))
            return await self._commit("model.patch", old, row, by)

    async def _from_list(self, row: Model) -> Model:
        (listed,) = await self._prices.of([row])
        if listed.missing:
            raise BadRequest(
                f"the catalogue has no price for {row.id!r} at {row.provider_id!r} "
                f"({listed.missing}); give its prices",
                field="pricing_source",
            )
        return fill(row, listed)

    async def delete(
        self, name: str, *, by: By, provider_id: str = "", expected: int | None = None
    ) -> None:
        async with self._changes.lock:
            old = self.get(name, provider_id=provider_id)
            expect(expected, old.version)
            audit = self._changes.audit("model.delete", _resource(old), by, before=old)
            self._changes.publish(await self._changes.store.delete_model(old.key, audit))

    async def adopt(self, row: Model, *, by: By) -> Model:
        """Take a row of the credentials file as it is. The caller holds the lock."""
        old = self._changes.catalog.models.get(row.key)
        return await self._commit("model.upsert", old, checked(row), by)

    async def _commit(self, action: str, old: Model | None, row: Model, by: By) -> Model:
        audit = self._changes.audit(action, _resource(row), by, before=old, after=row)
        self._changes.publish(await self._changes.store.put_models([row], audit))
        return self._changes.catalog.models[row.key]


def usable_id(model_id: str) -> bool:
    """Whether a model of this id can be named in a header and in the path of a URL."""
    return (
        0 < len(model_id) <= MAX_ID_CHARS
        and model_id.isprintable()
        and model_id == model_id.strip()
        and all(part not in ("", ".", "..") for part in model_id.split("/"))
    )


def checked(model: Model) -> Model:
    """The model, if it may stand in the catalog. Raises BadRequest naming the field."""
    checked_model(model)
    if not usable_id(model.id):
        raise BadRequest(
            f"id must be printable, at most {MAX_ID_CHARS} characters, without spaces around it "
            "and without empty parts between slashes",
            field="id",
        )
    if model.max_context_tokens > MAX_CONTEXT_TOKENS:
        raise BadRequest(
            f"max_context_tokens must be at most {MAX_CONTEXT_TOKENS}", field="max_context_tokens"
        )
    if not model.pricing_source.isprintable() or len(model.pricing_source) > MAX_ID_CHARS:
        raise BadRequest("pricing_source must be a short word", field="pricing_source")
    return model


def price_fields(prices: Mapping[str, object]) -> dict[str, object]:
    """All prices of a model, those that are not given as unknown."""
    return {**dict.fromkeys(PRICES.values()), "tiers": (), **prices}


def price_of(usd_per_1k: float | None, *, field: str) -> int | None:
    """A price as the catalog keeps it; None stays unknown. Raises BadRequest naming the field."""
    if usd_per_1k is None:
        return None
    if not 0 <= usd_per_1k <= MAX_USD_PER_1K:
        raise BadRequest(f"{field} must be between 0 and 1000 (USD per 1,000 tokens)", field=field)
    return price(usd_per_1k)


def _repriced(old: Model, changes: Mapping[str, object]) -> dict[str, object]:
    """The changes, and what they mean for the prices that they do not name.

    Where the first price is set by hand on a row that the list has priced, the list's prices for
    parts of what it prices go, and so do those of long prompts: they belong to another price.
    """
    source = changes.get("pricing_source", MANUAL)
    sets = changes.keys() & set(PRICE_FIELDS)
    if source not in (MANUAL, CATALOGUE):
        raise BadRequest("pricing_source must be manual or catalogue", field="pricing_source")
    if source == CATALOGUE:
        if sets:
            raise BadRequest(
                "prices are given by you or taken from the catalogue, not both",
                field="pricing_source",
            )
        return dict(changes)
    if not sets:
        return dict(changes)
    gone: dict[str, object] = {}
    if old.pricing_source in OPEN:
        gone = {"tiers": ()}
        for whole in _FOLLOWS.keys() & sets:
            gone |= dict.fromkeys(_FOLLOWS[whole])
    return {**gone, **changes, "pricing_source": MANUAL}


def _with_prices(row: Model, old: Model) -> Model:
    """The row with the prices of another, and where they come from."""
    kept = {name: getattr(old, name) for name in PRICE_FIELDS}
    return replace(row, **kept, pricing_source=old.pricing_source)


def _resolved(catalog: Catalog, name: str, provider_id: str) -> Model:
    """Exact ids first. A name without its provider never falls back to another provider's row."""
    if provider_id:
        exact = catalog.models.get((provider_id, name))
        if exact is None:
            raise NotFound(f"provider {provider_id!r} has no model {name!r}")
        return exact
    same = [row for row in catalog.models.values() if row.id == name]
    if len(same) > 1:
        where = ", ".join(sorted(row.provider_id for row in same))
        raise Conflict(f"several providers have {name!r}: add ?provider_id= with one of {where}")
    if same:
        return same[0]
    provider, _, rest = name.partition("/")
    row = catalog.models.get((provider, rest))
    if row is None:
        raise NotFound(f"model {name!r} not found")
    return row


def _resource(row: Model) -> str:
    return f"{row.provider_id}/{row.id}"
