"""Calls about what happened."""

from tokenhub.client.call import Call, query
from tokenhub.wire.observe import LogPage


def list_logs(
    *,
    limit: int | None = None,
    before: str = "",
    model_id: str = "",
    provider_id: str = "",
    api_key_id: str = "",
    status: int | None = None,
    request_id: str = "",
) -> Call[LogPage]:
    """Requests, newest first, of those that match. `before` is the `next` of the page before."""
    return Call(
        method="GET",
        path="/admin/v1/logs",
        query=query(
            limit=limit,
            before=before,
            model_id=model_id,
            provider_id=provider_id,
            api_key_id=api_key_id,
            status=status,
            request_id=request_id,
        ),
        returns=LogPage,
    )
