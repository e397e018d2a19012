"""`tokenhubctl man`."""

import typer

from tokenhub_cli.folders import Folder, fill
from tokenhub_cli.manual import pages
from tokenhub_cli.tree import root

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("man")
def man(ctx: typer.Context, folder: Folder) -> None:
    """Write the manual pages, one of each noun, into a folder.

    Example: tokenhubctl man man1
    """
    fill(ctx, folder, pages(root()), reader="man")
