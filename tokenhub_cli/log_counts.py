"""Requests counted: by time, and by what they have in common."""

from typing import Annotated

import msgspec
import typer

from tokenhub.client.calls.observe import log_facets, log_histogram
from tokenhub.client.text import local
from tokenhub.wire.logs import LogBar, LogFacets, LogHistogram
from tokenhub_cli.output import Column, View
from tokenhub_cli.session import Session, session

Filter = Annotated[
    str,
    typer.Option("--filter", metavar="FILTER", help="Such as 'model:gpt status:error since:2h'."),
]
# Cells of a terminal that the highest bar takes.
_WIDEST = 30


class Value(msgspec.Struct, kw_only=True):
    """A value of a field, and how many requests have it."""

    field: str
    value: str
    name: str
    count: int


_VALUES: View[Value] = View(
    kind="value",
    name=lambda it: f"{it.field}:{it.value}",
    columns=(
        Column("field", lambda it: it.field),
        Column("value", lambda it: it.value),
        Column("name", lambda it: it.name, spare=True),
        Column("count", lambda it: it.count, right=True, head="REQUESTS"),
    ),
)


def facets(
    ctx: typer.Context,
    *,
    wanted: Filter = "",
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="So many values of each field.")
    ] = None,
) -> None:
    """Count what requests have in common: models, providers, keys, errors and more.

    Example: tokenhubctl logs facets --filter "since:24h"
    """
    with session(ctx) as tokenhub:
        found = tokenhub(log_facets(wanted=wanted, limit=limit))
        tokenhub.output.show(found, _VALUES, _values(found))
        _tell_span(tokenhub, found)


def histogram(
    ctx: typer.Context,
    *,
    wanted: Filter = "",
    step: Annotated[
        str, typer.Option("--step", metavar="DURATION", help="What a line is of, such as 5m.")
    ] = "",
    buckets: Annotated[
        int | None, typer.Option("--buckets", min=1, metavar="N", help="About so many lines.")
    ] = None,
) -> None:
    """Count requests by time, and how many of them failed.

    Example: tokenhubctl logs histogram --step 1h
    """
    with session(ctx) as tokenhub:
        found = tokenhub(log_histogram(wanted=wanted, buckets=buckets, step=step))
        tokenhub.output.show(found, _bars(found), found.buckets)
        _tell_span(tokenhub, found)


def _values(found: LogFacets) -> list[Value]:
    return [
        Value(field=field, value=one.value, name=one.name, count=one.count)
        for field, facet in found.facets.items()
        for one in facet.values
    ]


def _bars(found: LogHistogram) -> View[LogBar]:
    """The bars, the highest of them as wide as there is room."""
    most = max((bar.total for bar in found.buckets), default=0) or 1
    return View(
        kind="bar",
        name=lambda it: it.timestamp,
        columns=(
            Column("timestamp", lambda it: it.timestamp, local, head="FROM"),
            Column("total", lambda it: it.total, right=True, head="REQUESTS"),
            Column("client_errors", lambda it: it.client_errors, right=True, head="4XX"),
            Column("server_errors", lambda it: it.server_errors, right=True, head="5XX"),
            Column(
                "share",
                lambda it: it.total / most,
                lambda part: "#" * round(part * _WIDEST),
                head=" ",
            ),
        ),
    )


def _tell_span(tokenhub: Session, found: LogFacets | LogHistogram) -> None:
    part = "" if found.exact else ", and not all of them were looked at"
    tokenhub.output.note(
        f"{found.total} requests from {local(found.since)} to {local(found.until)}{part}"
    )
