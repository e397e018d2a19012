"""`tokenhubctl logs ...`."""

from typing import Annotated

import typer

from tokenhub.client.calls.observe import get_request, list_logs
from tokenhub.filters import FilterError, parse
from tokenhub.wire.observe import RequestLog
from tokenhub_cli.explained import explained
from tokenhub_cli.log_counts import facets, histogram
from tokenhub_cli.output import Column, View
from tokenhub_cli.session import session
from tokenhub_cli.text import local, milliseconds, usd

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_VIEW: View[RequestLog] = View(
    kind="request",
    name=lambda it: it.request_id,
    columns=(
        Column("timestamp", lambda it: it.timestamp, local, head="TIME"),
        Column("model_id", lambda it: it.model_id, head="MODEL"),
        Column("provider_id", lambda it: it.provider_id, head="PROVIDER", spare=True),
        Column("mode", lambda it: it.mode, spare=True),
        Column(
            "latency_ms",
            lambda it: it.latency_ms,
            milliseconds,
            right=True,
            head="LATENCY",
            spare=True,
        ),
        Column("total_tokens", lambda it: it.total_tokens, right=True, head="TOKENS", spare=True),
        Column(
            "estimated_cost_usd", lambda it: it.estimated_cost_usd, usd, right=True, head="COST"
        ),
        Column("status_code", lambda it: it.status_code, right=True, head="STATUS"),
        Column("error_class", lambda it: it.error_class, head="ERROR", spare=True),
        Column("attempts", lambda it: len(it.attempts), right=True, head="TRIES", spare=True),
        Column("request_id", lambda it: it.request_id, head="REQUEST"),
    ),
)


_Limit = Annotated[int, typer.Option("--limit", min=1, help="At most so many rows.")]
_Before = Annotated[
    str, typer.Option("--before", metavar="REQUEST", help="Older than this request.")
]
_Cursor = Annotated[
    str, typer.Option("--cursor", metavar="CURSOR", help="Go on where a page before ended.")
]
_Filter = Annotated[
    str,
    typer.Option(
        "--filter", metavar="FILTER", help="Such as 'model:gpt status:error ms>2000 since:2h'."
    ),
]
_Model = Annotated[str, typer.Option("--model", metavar="ID", help="Answered by this model.")]
_Provider = Annotated[
    str, typer.Option("--provider", metavar="ID", help="Answered by this provider.")
]
_Key = Annotated[str, typer.Option("--key", metavar="ID", help="Asked by this key.")]
_Status = Annotated[
    int | None, typer.Option("--status", min=100, max=599, help="Answered with this status.")
]
_Request = Annotated[
    str, typer.Option("--request-id", metavar="REQUEST", help="This request alone.")
]
_Plan = Annotated[str, typer.Option("--plan", metavar="REQUEST", help="The steps of this plan.")]


@app.callback(invoke_without_command=True)
def logs(
    ctx: typer.Context,
    *,
    limit: _Limit = 50,
    before: _Before = "",
    cursor: _Cursor = "",
    wanted: _Filter = "",
    model_id: _Model = "",
    provider_id: _Provider = "",
    api_key_id: _Key = "",
    status: _Status = None,
    request_id: _Request = "",
    parent_id: _Plan = "",
) -> None:
    """Show what was asked, who answered and what it cost.

    Newest first.

    Example: tokenhubctl logs --limit 20
    """
    if ctx.invoked_subcommand is None:
        list_requests(
            ctx,
            limit=limit,
            before=before,
            cursor=cursor,
            wanted=wanted,
            model_id=model_id,
            provider_id=provider_id,
            api_key_id=api_key_id,
            status=status,
            request_id=request_id,
            parent_id=parent_id,
        )


@app.command("list")
def list_requests(
    ctx: typer.Context,
    *,
    limit: _Limit = 50,
    before: _Before = "",
    cursor: _Cursor = "",
    wanted: _Filter = "",
    model_id: _Model = "",
    provider_id: _Provider = "",
    api_key_id: _Key = "",
    status: _Status = None,
    request_id: _Request = "",
    parent_id: _Plan = "",
) -> None:
    """List requests, newest first.

    Example: tokenhubctl logs list --filter 'status:error since:1h' -o csv
    """
    _checked(wanted)
    with session(ctx) as tokenhub:
        page = tokenhub(
            list_logs(
                limit=limit,
                before=before,
                cursor=cursor,
                wanted=wanted,
                model_id=model_id,
                provider_id=provider_id,
                api_key_id=api_key_id,
                status=status,
                request_id=request_id,
                parent_id=parent_id,
            )
        )
        tokenhub.output.show(page, _VIEW, page.logs)
        if page.next:
            more = f"--cursor {page.cursor}" if page.cursor else f"--before {page.next}"
            total = page.total if page.total_exact else f"at least {page.total}"
            tokenhub.output.note(f"{len(page.logs)} of {total}; more with {more}")


def _checked(wanted: str) -> None:
    """Refuse what is no filter with a mark below its fault, before anything is asked."""
    try:
        parse(wanted, now=0.0)
    except FilterError as error:
        mark = " " * error.position + "^"
        raise typer.BadParameter(
            f"{error.reason}\n  {wanted}\n  {mark}", param_hint="--filter"
        ) from error


@app.command("get")
def get(
    ctx: typer.Context,
    request_id: Annotated[str, typer.Argument(metavar="REQUEST", help="The request's id.")],
) -> None:
    """Explain one request: who was tried, who was considered, why others were left out.

    Example: tokenhubctl logs get req_01a1fdc7
    """
    with session(ctx) as tokenhub:
        found = tokenhub(get_request(request_id))
        tokenhub.output.show(found, _VIEW, [found], lines=explained(found))


app.command("facets")(facets)
app.command("histogram")(histogram)
