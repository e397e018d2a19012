"""Calls about what happened."""

from tokenhub.client.call import Call, item, query
from tokenhub.wire.explain import Explained
from tokenhub.wire.observe import LogPage, RequestDetail


def list_logs(
    *,
    limit: int | None = None,
    before: str = "",
    model_id: str = "",
    provider_id: str = "",
    api_key_id: str = "",
    status: int | None = None,
    request_id: str = "",
    parent_id: str = "",
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
            parent_id=parent_id,
        ),
        returns=LogPage,
    )


def get_request(request_id: str) -> Call[RequestDetail]:
    """One request with its attempts, and the reasons of its route."""
    return Call(method="GET", path=item("/admin/v1/requests", request_id), returns=RequestDetail)


def explain_request(request_id: str, *, verify: bool = False) -> Call[Explained]:
    """Why a request went where it went, in words; with `verify` the decision is taken again."""
    return Call(
        method="GET",
        path=item("/admin/v1/routing/explain", request_id),
        query=query(verify="true" if verify else None),
        returns=Explained,
    )
