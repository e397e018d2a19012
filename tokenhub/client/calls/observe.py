"""Calls about what happened."""

from functools import partial

from tokenhub.client.call import Call, item, query
from tokenhub.client.stream import LineReader, Stream
from tokenhub.wire.explain import Explained
from tokenhub.wire.logs import AttemptPage, LogFacets, LogHistogram
from tokenhub.wire.observe import LogPage, RequestDetail, RequestLog

LOGS = "/admin/v1/logs"


def list_logs(
    *,
    limit: int | None = None,
    before: str = "",
    cursor: str = "",
    wanted: str = "",
    since: str = "",
    until: str = "",
    model_id: str = "",
    provider_id: str = "",
    api_key_id: str = "",
    status: int | None = None,
    request_id: str = "",
    parent_id: str = "",
) -> Call[LogPage]:
    """Requests, newest first, of those that match. `before` is the `next` of the page before.

    `cursor` is that of the page before, in place of `before`; `wanted` is a filter
    (tokenhub.filters); `since` and `until` are times with their zone, or as long ago as `24h`.
    """
    return Call(
        method="GET",
        path=LOGS,
        query=query(
            limit=limit,
            before=before,
            cursor=cursor,
            filter=wanted,
            since=since,
            until=until,
            model_id=model_id,
            provider_id=provider_id,
            api_key_id=api_key_id,
            status=status,
            request_id=request_id,
            parent_id=parent_id,
        ),
        returns=LogPage,
    )


def export_logs(page: Call[LogPage], *, limit: int | None = None) -> Stream[RequestLog]:
    """Every request that `list_logs` would give page by page, in one answer; at most `limit`."""
    kept = [pair for pair in page.query if pair[0] != "limit"]
    return Stream(
        call=Call(
            method="GET",
            path=page.path,
            query=(*kept, *query(limit=limit, format="ndjson")),
            returns=RequestLog,
        ),
        reader=partial(LineReader, RequestLog),
        accept="application/x-ndjson",
    )


def list_attempts(
    *, limit: int | None = None, cursor: str = "", wanted: str = ""
) -> Call[AttemptPage]:
    """The attempts of the requests that `list_logs` would give, one by one."""
    return Call(
        method="GET",
        path=LOGS,
        query=query(attempts="rows", limit=limit, cursor=cursor, filter=wanted),
        returns=AttemptPage,
    )


def log_histogram(
    *, wanted: str = "", buckets: int | None = None, step: str = ""
) -> Call[LogHistogram]:
    """How many requests match, by time: the last day, where the filter says no other."""
    return Call(
        method="GET",
        path=f"{LOGS}/histogram",
        query=query(filter=wanted, buckets=buckets, step=step),
        returns=LogHistogram,
    )


def log_facets(*, wanted: str = "", limit: int | None = None) -> Call[LogFacets]:
    """The most frequent values of what requests are told apart by, among those that match."""
    return Call(
        method="GET",
        path=f"{LOGS}/facets",
        query=query(filter=wanted, limit=limit),
        returns=LogFacets,
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
