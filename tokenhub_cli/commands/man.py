"""`tokenhubctl man`."""

from pathlib import Path
from typing import Annotated

import typer

from tokenhub_cli import options
from tokenhub_cli.exits import Code
from tokenhub_cli.manual import pages
from tokenhub_cli.output import Column, Output, View
from tokenhub_cli.session import exits, fail, unrehearsed
from tokenhub_cli.tree import root

app = typer.Typer(add_completion=False, rich_markup_mode=None)
_VIEW: View[str] = View(kind="page", name=str, columns=(Column("file", str),))


@app.command("man")
def man(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write them.")],
) -> None:
    """Write the manual pages, one of each noun, into a folder.

    Example: tokenhubctl man man1
    """
    unrehearsed(ctx)
    with exits(ctx):
        written = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, text in pages(root()).items():
                (folder / name).write_text(text, encoding="utf-8")
                written.append(str(folder / name))
        except OSError as error:
            because = f"cannot write {folder}: {error.strerror}"
            fail(ctx, because, hint="name another folder", code=Code.REFUSED)
        output = Output(options.given(ctx))
        output.show(written, _VIEW, written, lines=written)
        output.note(f'"man {written[0]}" shows the first')
