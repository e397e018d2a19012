"""Calls about money."""

from tokenhub.client.call import Call, query
from tokenhub.wire.ledger import LedgerPage, LedgerVerified

LEDGER = "/admin/v1/ledger"


def list_ledger(
    *,
    group_by: str = "",
    api_key_id: str = "",
    provider_id: str = "",
    model_id: str = "",
    since: str = "",
    until: str = "",
    limit: int | None = None,
    offset: int | None = None,
) -> Call[LedgerPage]:
    """What calls cost, summed by any of day, key, provider and model, with commas between.

    `since` and `until` are days such as 2025-01-31, both of them included.
    """
    return Call(
        method="GET",
        path=LEDGER,
        query=query(
            group_by=group_by,
            api_key_id=api_key_id,
            provider_id=provider_id,
            model_id=model_id,
            since=since,
            until=until,
            limit=limit,
            offset=offset,
        ),
        returns=LedgerPage,
    )


def verify_ledger() -> Call[LedgerVerified]:
    """Sum the books anew, and tell whether they are right."""
    return Call(method="POST", path=f"{LEDGER}/verify", returns=LedgerVerified, asks=True)
