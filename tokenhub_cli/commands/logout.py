"""`tokenhubctl logout`."""

from typing import Annotated

import typer

from tokenhub_cli import kept, options
from tokenhub_cli.commands.context import chosen, without_token
from tokenhub_cli.kept import VIEW
from tokenhub_cli.output import Output
from tokenhub_cli.session import exits

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("logout")
def logout(
    ctx: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[CONTEXT]", help="Else the one in use.")
    ] = None,
) -> None:
    """Sign out: forget the token of a context.

    The server goes on to take it from others; token revoke ends that.

    Example: tokenhubctl logout local
    """
    with exits(ctx):
        known = kept.read()
        wanted = chosen(ctx, name, known)
        shared = options.given(ctx)
        left = kept.keep(shared, wanted, without_token(known.named(wanted)))
        output = Output(shared)
        output.changed(left, VIEW, left, "has no token any more")
        output.note('"tokenhubctl token revoke NAME" takes a token from everybody')
