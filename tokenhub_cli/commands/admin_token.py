"""`tokenhubctl admin-token`."""

import typer

from tokenhub_cli.exits import Code
from tokenhub_cli.output import Output, talk
from tokenhub_cli.session import exits, load_profile

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("admin-token")
def admin_token(ctx: typer.Context) -> None:
    """Print the admin token and nothing else.

    It is that of TOKENHUB_ADMIN_TOKEN, else of ~/.tokenhub/env, else the one that the server
    wrote to .admin-token beside its data.

    Example: export TOKENHUB_ADMIN_TOKEN="$(tokenhubctl admin-token)"
    """
    with exits(ctx):
        token = load_profile(ctx).token
        if not token:
            talk("error: admin-token failed")
            talk("  because: there is no admin token in the environment or beside the data")
            talk("  try: start the server once, or set TOKENHUB_ADMIN_TOKEN")
            raise typer.Exit(Code.UNAUTHORIZED)
        Output().text(token)
