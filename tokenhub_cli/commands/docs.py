"""`tokenhubctl docs`."""

import typer

from tokenhub_cli.folders import Folder, fill
from tokenhub_cli.manual import markdown_pages
from tokenhub_cli.tree import root

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("docs")
def docs(ctx: typer.Context, folder: Folder) -> None:
    """Write the reference as pages of Markdown into a folder.

    Example: tokenhubctl docs reference
    """
    fill(ctx, folder, markdown_pages(root()))
