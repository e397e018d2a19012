"""The published prices of models, as a list that is installed with us: no network is asked."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from tokenhub.core.catalog import Tier


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A model at the server that it is asked of."""

    base_url: str
    model_id: str


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """What the list says of a model; the fields are those of a Model.

    `missing` is empty where there is a price, else why there is none: `vendor_not_listed`,
    `model_not_listed`, or `other_units` where it has fees that are not for tokens alone.
    `max_context_tokens` 0 is unknown. `dearest_hours` says that the vendor asks for less at some
    hours of the day.
    """

    missing: str = ""
    max_context_tokens: int = 0
    input_price: int | None = None
    output_price: int | None = None
    cached_price: int | None = None
    cache_write_price: int | None = None
    cache_write_1h_price: int | None = None
    reasoning_price: int | None = None
    tiers: tuple[Tier, ...] = ()
    dearest_hours: bool = False


class Edition(msgspec.Struct, frozen=True, kw_only=True):
    """What the list said: its name and version, and an entry for each that was wanted, in order."""

    name: str
    entries: tuple[Listed, ...]


class PriceList(Protocol):
    async def find(self, wanted: Sequence[Wanted], *, at: float) -> Edition:
        """The prices in force at a time (Unix seconds). May take a second.

        Raises Unavailable where the list cannot be read.
        """
        ...
