"""`tokenhubctl version`."""

import typer

from tokenhub import __version__

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("version")
def version() -> None:
    """Print the version."""
    typer.echo(f"tokenhubctl {__version__}")
