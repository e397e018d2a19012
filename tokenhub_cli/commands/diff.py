"""`tokenhubctl diff`."""

import typer

from tokenhub.client.calls.config import diff_config
from tokenhub.client.errors import Refused
from tokenhub_cli import applied, options
from tokenhub_cli.commands.apply import FileOption, Prune
from tokenhub_cli.exits import Code
from tokenhub_cli.session import session

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("diff")
def diff(ctx: typer.Context, *, file: FileOption, prune: Prune = False) -> None:
    """Tell what an apply of a file would change.

    It ends with 8 where that is anything.

    Example: tokenhubctl export | tokenhubctl diff -f -
    """
    from tokenhub_cli.documents import read  # noqa: PLC0415 - yaml: not for --help

    found = read(file)
    document = found.document if options.given(ctx).curl else found.wanted()
    with session(ctx) as tokenhub:
        try:
            told = tokenhub(diff_config(document, prune=prune))
        except Refused as error:
            raise found.placed(error) from error
        applied.show(tokenhub.output, told)
    if told.changed:
        raise typer.Exit(Code.NOT_SO)
