"""`tokenhubctl engine ...`."""

import typer

from tokenhub.client.calls.catalog import engine_models
from tokenhub.wire.catalog import EnginePage, Model
from tokenhub_cli.commands.model import VIEW
from tokenhub_cli.options import Limit, Offset
from tokenhub_cli.output import Column, View
from tokenhub_cli.session import session

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def engine(ctx: typer.Context) -> None:
    """The catalog as the router sees it. Alone, it lists the models."""
    if ctx.invoked_subcommand is None:
        models(ctx)


@app.command("models")
def models(ctx: typer.Context, limit: Limit = None, offset: Offset = None) -> None:
    """List the models that the router knows, and whether each can be called now.

    Example: tokenhubctl engine models --filter enabled:yes
    """
    with session(ctx) as tokenhub:
        page = tokenhub(engine_models(limit=limit, offset=offset))
        tokenhub.output.page(page, _view(page), page.models, total=page.total, offset=page.offset)


def _view(page: EnginePage) -> View[Model]:
    """The models' own columns, and whether each can be reached."""
    callable_now = Column[Model](
        "callable", lambda it: it.enabled and it.provider_id in page.adapters
    )
    return View(kind=VIEW.kind, name=VIEW.name, columns=(*VIEW.columns, callable_now))
