"""Pages that are made here, as files in a folder that the user names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from tokenhub_cli import options
from tokenhub_cli.exits import Code
from tokenhub_cli.output import Column, Output, View
from tokenhub_cli.session import exits, fail, unrehearsed

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Where to write them.")]
_VIEW: View[str] = View(kind="page", name=str, columns=(Column("file", str),))


def fill(ctx: typer.Context, folder: Path, pages: Mapping[str, str], *, reader: str = "") -> None:
    """Write each page under its name, and tell of the files; `reader` is what shows one."""
    unrehearsed(ctx)
    with exits(ctx):
        written = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, text in pages.items():
                (folder / name).write_text(text, encoding="utf-8")
                written.append(str(folder / name))
        except OSError as error:
            because = f"cannot write {folder}: {error.strerror}"
            fail(ctx, because, hint="name another folder", code=Code.REFUSED)
        output = Output(options.given(ctx))
        output.show(written, _VIEW, written, lines=written)
        if reader:
            output.note(f'"{reader} {written[0]}" shows the first')
