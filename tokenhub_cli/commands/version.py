"""`tokenhubctl version`."""

import msgspec
import typer

from tokenhub import __version__
from tokenhub_cli import options
from tokenhub_cli.output import Column, Output, View
from tokenhub_cli.session import exits

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """That of the program itself; a server tells its own in `status`."""

    version: str


_VIEW: View[Version] = View(
    kind="version",
    name=lambda it: it.version,
    columns=(Column("version", lambda it: it.version),),
)


@app.command("version")
def version(ctx: typer.Context) -> None:
    """Print the version.

    Example: tokenhubctl version -o value
    """
    with exits(ctx):
        it = Version(version=__version__)
        lines = [f"tokenhubctl {__version__}"]
        Output(options.given(ctx)).show(it, _VIEW, [it], lines=lines)
