"""`tokenhubctl log-level`."""

from typing import Annotated

import typer

from tokenhub.client.calls import log_level as calls
from tokenhub.wire.log_level import LogLevel
from tokenhub_cli.output import Column, View
from tokenhub_cli.session import session

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_VIEW: View[LogLevel] = View(
    kind="log-level", name=lambda it: it.level, columns=(Column("level", lambda it: it.level),)
)


@app.command("log-level")
def log_level(
    ctx: typer.Context,
    level: Annotated[
        str | None, typer.Argument(metavar="[LEVEL]", help="debug, info, warn or error.")
    ] = None,
) -> None:
    """Show how much the server logs, or change it.

    The change holds until the server starts anew.

    Example: tokenhubctl log-level debug
    """
    with session(ctx) as tokenhub:
        if level is None:
            found = tokenhub(calls.get_log_level())
            tokenhub.output.show(found, _VIEW, [found], lines=[found.level])
            return
        found = tokenhub(calls.put_log_level(LogLevel(level=level)))
        tokenhub.output.changed(found, _VIEW, found, "set")
