"""`tokenhubctl view ...`."""

from typing import Annotated

import typer
from msgspec.structs import replace

from tokenhub.client.calls import views as calls
from tokenhub.wire.views import View as Saved
from tokenhub.wire.views import ViewPut
from tokenhub_cli.options import IfMatch, Limit, Offset
from tokenhub_cli.output import Column, View
from tokenhub_cli.session import confirm, session

app = typer.Typer(add_completion=False, rich_markup_mode=None)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The view.")]


def _list(names: list[str]) -> str:
    return ",".join(names) or "-"


_VIEW: View[Saved] = View(
    kind="view",
    name=lambda it: it.name,
    columns=(
        Column("name", lambda it: it.name),
        Column("filter", lambda it: it.filter),
        Column("columns", lambda it: it.columns, _list, spare=True),
        Column("version", lambda it: it.version, right=True, spare=True),
    ),
)


@app.callback(invoke_without_command=True)
def view(ctx: typer.Context) -> None:
    """Saved views: names for filters of the log. Alone, it lists them."""
    if ctx.invoked_subcommand is None:
        list_(ctx)


@app.command("list")
def list_(ctx: typer.Context, limit: Limit = None, offset: Offset = None) -> None:
    """List the views, which all operators share.

    Example: tokenhubctl view list
    """
    with session(ctx) as tokenhub:
        page = tokenhub(calls.list_views(limit=limit, offset=offset))
        tokenhub.output.page(page, _VIEW, page.items, total=page.total, offset=page.offset)


@app.command("get")
def get(ctx: typer.Context, name: Name) -> None:
    """Show a view; with -o value its filter alone.

    Example: tokenhubctl view get slow -o value
    """
    with session(ctx) as tokenhub:
        found = tokenhub(calls.get_view(name))
        tokenhub.output.show(found, replace(_VIEW, value=lambda it: it.filter), [found])


@app.command("set")
def set_(
    ctx: typer.Context,
    name: Name,
    text: Annotated[str, typer.Argument(metavar="FILTER", help="Such as 'status:error ms>2000'.")],
    *,
    columns: Annotated[
        str, typer.Option("--columns", metavar="NAMES", help="Fields of the log, with commas.")
    ] = "",
    if_match: IfMatch = None,
) -> None:
    """Create or replace a view.

    Example: tokenhubctl view set slow 'status:error ms>2000' --columns request_id,model_id
    """
    new = ViewPut(
        filter=text, columns=[part.strip() for part in columns.split(",") if part.strip()]
    )
    with session(ctx) as tokenhub:
        saved = tokenhub(calls.put_view(name, new, if_match=if_match))
        tokenhub.output.changed(saved, _VIEW, saved, "saved")


@app.command("delete")
def delete(ctx: typer.Context, name: Name, *, if_match: IfMatch = None) -> None:
    """Delete a view.

    Example: tokenhubctl view delete slow
    """
    confirm(ctx, f"delete view {name}?")
    with session(ctx) as tokenhub:
        gone = tokenhub(calls.delete_view(name, if_match=if_match))
        tokenhub.output.deleted(gone, "view", name)
