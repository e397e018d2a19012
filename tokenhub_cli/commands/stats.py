"""`tokenhubctl stats`."""

from typing import Annotated

import typer

from tokenhub.client.calls.stats import get_stats
from tokenhub_cli.figures import By, Sort, Window, ranked, rows_of, view_of
from tokenhub_cli.session import session

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("stats")
def stats(
    ctx: typer.Context,
    *,
    by: Annotated[By | None, typer.Option("--by", help="A row for each of them.")] = None,
    window: Annotated[
        Window | None, typer.Option("--window", help="How far back; all four where none is said.")
    ] = None,
    sort: Annotated[Sort | None, typer.Option("--sort", help="The largest of this first.")] = None,
) -> None:
    """What the last minute to the last day came to.

    Example: tokenhubctl stats
    Example: tokenhubctl stats --by model --window 1h --sort cost
    """
    with session(ctx) as tokenhub:
        found = tokenhub(get_stats())
        rows = rows_of(found, by, window)
        if sort:
            rows = ranked(rows, sort)
        tokenhub.output.show(rows if by or window or sort else found, view_of(by), rows)
