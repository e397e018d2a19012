"""The price calls."""

from tokenhub.client.call import Call
from tokenhub.wire.prices import PriceSync, PriceSynced


def sync_prices(*, provider_id: str = "", dry_run: bool = False) -> Call[PriceSynced]:
    """Take over the prices of the installed list; with `dry_run` only tell what would change."""
    return Call(
        method="POST",
        path="/admin/v1/models/prices/sync",
        body=PriceSync(provider_id=provider_id, dry_run=dry_run),
        returns=PriceSynced,
    )
