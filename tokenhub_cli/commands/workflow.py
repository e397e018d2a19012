"""`tokenhubctl workflow ...`."""

from typing import Annotated

import typer

from tokenhub.client.call import Call
from tokenhub.client.calls import orchestrations as calls
from tokenhub.client.text import local
from tokenhub.wire.orchestrations import NoWorkflow, Workflow
from tokenhub_cli.exits import Code
from tokenhub_cli.output import Column, View
from tokenhub_cli.session import fail, session

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_OFF = "Temporal is off, so that there are no workflows"
_VIEW: View[Workflow] = View(
    kind="workflow",
    name=lambda it: it.workflow_id,
    columns=(
        Column("start_time", lambda it: it.start_time, local, head="STARTED"),
        Column("type", lambda it: it.type),
        Column("status", lambda it: it.status),
        Column("workflow_id", lambda it: it.workflow_id, head="ID"),
        Column("run_id", lambda it: it.run_id, head="RUN", spare=True),
    ),
)

_Id = Annotated[str, typer.Argument(metavar="ID", help="The workflow's id.")]


@app.callback(invoke_without_command=True)
def workflow(ctx: typer.Context) -> None:
    """Workflows of Temporal's, where it is on. Alone, it lists them."""
    if ctx.invoked_subcommand is None:
        list_workflows(ctx)


@app.command("list")
def list_workflows(
    ctx: typer.Context,
    *,
    status: Annotated[
        str, typer.Option("--status", help="Such as RUNNING, COMPLETED or FAILED.")
    ] = "",
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="At most so many rows.")
    ] = None,
) -> None:
    """List the workflows.

    Example: tokenhubctl workflow list --status running
    """
    with session(ctx) as tokenhub:
        page = tokenhub(calls.list_workflows(limit=limit, status=status))
        tokenhub.output.show(page, _VIEW, page.workflows)
        if not page.temporal_enabled:
            tokenhub.output.note(_OFF)


@app.command("get")
def get_workflow(ctx: typer.Context, workflow_id: _Id) -> None:
    """Show one workflow, where Temporal is on."""
    _show(ctx, calls.get_workflow(workflow_id))


@app.command("history")
def get_history(ctx: typer.Context, workflow_id: _Id) -> None:
    """Show what happened in a workflow, where Temporal is on."""
    _show(ctx, calls.get_workflow_history(workflow_id))


def _show(ctx: typer.Context, call: Call[NoWorkflow]) -> None:
    with session(ctx) as tokenhub:
        tokenhub(call)
        hint = '"tokenhubctl orchestration list" shows the plans that ran without it'
        fail(ctx, _OFF, hint=hint, code=Code.NOT_FOUND)
