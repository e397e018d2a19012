"""`tokenhubctl reload`."""

import typer

from tokenhub.client.calls import reload as calls
from tokenhub.wire.reload import SettingChange
from tokenhub_cli.output import Column, View
from tokenhub_cli.session import session

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_VIEW: View[SettingChange] = View(
    kind="setting",
    name=lambda it: it.name,
    columns=(
        Column("name", lambda it: it.name, head="SETTING"),
        Column("before", lambda it: it.before),
        Column("after", lambda it: it.after),
        Column("restart", lambda it: "at the next start" if it.restart else "now", head="HOLDS"),
    ),
)


@app.callback(invoke_without_command=True)
def reload(ctx: typer.Context) -> None:
    """Make the server read settings and credentials again.

    They are in its environment file and its credentials file. If one of them is broken nothing
    changes, and every problem is told.

    Example: tokenhubctl reload
    """
    with session(ctx) as tokenhub:
        done = tokenhub(calls.reload_settings())
        told = [_told(it) for it in done.changes] or ["read again: no setting has changed"]
        tokenhub.output.show(done, _VIEW, done.changes, lines=told)
        for note in done.notes:
            tokenhub.output.note(note)


def _told(it: SettingChange) -> str:
    """One line a setting: lists of hosts would make any table too wide."""
    when = "from the next start on" if it.restart else "from now on"
    return f"{it.name}: {it.after or '(empty)'}, was {it.before or '(empty)'}; {when}"
