"""Prices taken over from the installed list, the catalogue. No network is asked.

Prices are USD per 1,000 tokens; null where unknown.
"""

import msgspec

from tokenhub.wire.catalog import Model


class PriceSync(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`dry_run` only tells. An empty `provider_id` is for all providers."""

    dry_run: bool = False
    provider_id: str = ""


class PriceVerdict(msgspec.Struct, kw_only=True):
    """What a look at the catalogue came to for one model.

    `result` is `changed`, `same`, `kept` or `unknown`. `reason` is, of a kept one, `manual` (an
    operator gave the price, or said that it is unknown) or `no_longer_listed`; of an unknown one
    `own_server` (a provider of type vllm), `vendor_not_listed`, `model_not_listed`, `other_units`
    (it costs more than its tokens) or `no_provider`. A changed one has a reason where its context
    size alone was filled in. `before` is null unless it changed. `dearest_hours` says that the
    vendor asks for less at some hours of the day.
    """

    id: str
    provider_id: str
    result: str
    reason: str
    before: Model | None
    model: Model
    dearest_hours: bool = False


class PriceSynced(msgspec.Struct, kw_only=True):
    """`catalogue` is its name and version, empty where there was nothing to ask it."""

    catalogue: str
    dry_run: bool
    changed: int
    same: int
    kept: int
    unknown: int
    models: list[PriceVerdict]
