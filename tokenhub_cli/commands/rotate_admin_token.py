"""`tokenhubctl rotate-admin-token`: the original's name of `admin-token rotate`."""

import typer

from tokenhub_cli.commands.admin_token import rotate

app = typer.Typer(add_completion=False, rich_markup_mode=None)
app.command("rotate-admin-token")(rotate)
