"""`tokenhubctl backup ...`."""

import typer

from tokenhub.client.calls.backups import list_backups, make_backup
from tokenhub.client.text import local
from tokenhub.wire.backups import Backup
from tokenhub_cli.options import Limit, Offset
from tokenhub_cli.output import Column, View
from tokenhub_cli.session import session

app = typer.Typer(add_completion=False, rich_markup_mode=None)


def _size(count: int) -> str:
    return f"{count / 2**20:,.1f} MiB"


_VIEW: View[Backup] = View(
    kind="backup",
    name=lambda it: it.name,
    columns=(
        Column("name", lambda it: it.name),
        Column("made_at", lambda it: it.made_at, local, head="MADE"),
        Column("reason", lambda it: it.reason),
        Column("bytes", lambda it: it.bytes, _size, right=True, head="SIZE"),
        Column("path", lambda it: it.path, spare=True),
    ),
)


@app.callback(invoke_without_command=True)
def backup(ctx: typer.Context) -> None:
    """Backups of all that the server keeps. Alone, it makes one."""
    if ctx.invoked_subcommand is None:
        create(ctx)


@app.command("create")
def create(ctx: typer.Context) -> None:
    """Make a backup on the server's machine, while it runs.

    Example: tokenhubctl backup create -o value
    """
    with session(ctx) as tokenhub:
        made = tokenhub(make_backup())
        what = f"made in {made.backup.path}"
        tokenhub.output.changed(made, _VIEW, made.backup, what)


@app.command("list")
def list_(ctx: typer.Context, limit: Limit = None, offset: Offset = None) -> None:
    """List the backups that the server has, newest first.

    Example: tokenhubctl backup list
    """
    with session(ctx) as tokenhub:
        page = tokenhub(list_backups(limit=limit, offset=offset))
        tokenhub.output.page(page, _VIEW, page.items, total=page.total, offset=page.offset)
