"""`tokenhubctl orchestration ...`."""

from collections.abc import Iterator
from typing import Annotated

import typer

from tokenhub.client.calls import orchestrations as calls
from tokenhub.client.text import local, milliseconds, of_state, usd
from tokenhub.wire.observe import RequestLog
from tokenhub.wire.orchestrations import Orchestration, OrchestrationDetail
from tokenhub_cli.options import Limit, Offset
from tokenhub_cli.output import Column, View, table
from tokenhub_cli.session import session

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_VIEW: View[Orchestration] = View(
    kind="orchestration",
    name=lambda it: it.id,
    columns=(
        Column("timestamp", lambda it: it.timestamp, local, head="TIME"),
        Column("mode", lambda it: it.mode),
        Column("status", lambda it: it.status, tone=of_state),
        Column("step_count", lambda it: it.step_count, right=True, head="STEPS"),
        Column("iterations", lambda it: it.iterations, right=True, spare=True),
        Column("api_key_id", lambda it: it.api_key_id, head="KEY", spare=True),
        Column(
            "cost_estimate_usd",
            lambda it: it.cost_estimate_usd,
            usd,
            right=True,
            head="EXPECTED",
            spare=True,
        ),
        Column("cost_usd", lambda it: it.cost_usd, usd, right=True, head="COST"),
        Column("latency_ms", lambda it: it.latency_ms, milliseconds, right=True, head="LATENCY"),
        Column("error_class", lambda it: it.error_class, head="ERROR", spare=True),
        Column("id", lambda it: it.id),
    ),
)
_STEPS: View[RequestLog] = View(
    kind="request",
    name=lambda it: it.request_id,
    columns=(
        Column("route", lambda it: f"{it.provider_id}/{it.model_id}"),
        Column("status_code", lambda it: it.status_code, right=True, head="STATUS"),
        Column("error_class", lambda it: it.error_class, head="ERROR"),
        Column("total_tokens", lambda it: it.total_tokens, right=True, head="TOKENS"),
        Column(
            "estimated_cost_usd", lambda it: it.estimated_cost_usd, usd, right=True, head="COST"
        ),
        Column("latency_ms", lambda it: it.latency_ms, milliseconds, right=True, head="LATENCY"),
        Column("request_id", lambda it: it.request_id, head="REQUEST"),
    ),
)


@app.callback(invoke_without_command=True)
def orchestration(ctx: typer.Context) -> None:
    """Plans: requests that were answered in several steps. Alone, it lists them."""
    if ctx.invoked_subcommand is None:
        list_orchestrations(ctx)


@app.command("list")
def list_orchestrations(
    ctx: typer.Context,
    *,
    mode: Annotated[
        str, typer.Option("--mode", help="planning, adversarial, vote or refine.")
    ] = "",
    status: Annotated[
        str,
        typer.Option("--status", help="running, succeeded, partial, failed, cancelled or lost."),
    ] = "",
    before: Annotated[str, typer.Option("--before", metavar="ID", help="Older than this.")] = "",
    limit: Limit = None,
    offset: Offset = None,
) -> None:
    """List the plans, newest first.

    Example: tokenhubctl orchestration list --status failed
    """
    call = calls.list_orchestrations(
        limit=limit, offset=offset, before=before, mode=mode, status=status
    )
    with session(ctx) as tokenhub:
        page = tokenhub(call)
        rows = page.orchestrations
        tokenhub.output.page(page, _VIEW, rows, total=page.total, offset=page.offset)


@app.command("get")
def get_orchestration(
    ctx: typer.Context,
    orchestration_id: Annotated[
        str, typer.Argument(metavar="ID", help="The id of the request that ordered it.")
    ],
) -> None:
    """Show one plan with its steps."""
    with session(ctx) as tokenhub:
        found = tokenhub(calls.get_orchestration(orchestration_id))
        tokenhub.output.show(found, _VIEW, [found], lines=list(_told(found)))


def _told(it: OrchestrationDetail) -> Iterator[str]:
    yield f"Plan:      {it.id}"
    yield f"Time:      {local(it.timestamp)}"
    yield f"Asked:     mode {it.mode}, {it.iterations} iterations, by {it.api_key_id}"
    yield f"Ended:     {it.status}{f', {it.error_class}' if it.error_class else ''}"
    yield f"Took:      {milliseconds(it.latency_ms)}"
    yield f"Cost:      {usd(it.cost_usd)}, {usd(it.cost_estimate_usd)} was expected"
    yield ""
    yield "Steps"
    yield from table(_STEPS, it.steps) if it.steps else ["none"]
