"""`tokenhubctl config ...`."""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from tokenhub.client import contexts
from tokenhub.client.contexts import Contexts
from tokenhub.client.errors import BadProfile
from tokenhub.client.profile import checked_url
from tokenhub_cli import kept, options, own
from tokenhub_cli.exits import Code
from tokenhub_cli.output import Column, Output, View, attended
from tokenhub_cli.session import exits, fail, load_profile, unrehearsed

app = typer.Typer(add_completion=False, rich_markup_mode=None)
# What an editor is shown where there is no file yet.
_EMPTY = """\
# Servers of tokenhubctl, each with the token for it or a file that holds one.
# current = "prod"
#
# [contexts.prod]
# url = "https://tokenhub.example"
# token_file = "~/prod-token"
"""


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """A file of contexts that can be used."""

    file: str
    contexts: int
    current: str


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where the file of contexts is."""

    file: str


_PLACE: View[Place] = View(
    kind="config", name=lambda it: it.file, columns=(Column("file", lambda it: it.file),)
)
_CHECKED: View[Checked] = View(
    kind="config",
    name=lambda it: it.file,
    columns=(
        Column("file", lambda it: it.file),
        Column("contexts", lambda it: it.contexts),
        Column("current", lambda it: it.current),
    ),
)
_SCHEMA: View[str] = View(kind="config", name=str, columns=(Column("property", str),))


@app.callback(invoke_without_command=True)
def config(ctx: typer.Context) -> None:
    """Settings of this program. Alone, it explains them."""
    if ctx.invoked_subcommand is None:
        explain(ctx)


@app.command("explain")
def explain(ctx: typer.Context) -> None:
    """Tell each setting, its value (secrets masked), and where that came from.

    Example: tokenhubctl config explain -o csv
    """
    with exits(ctx):
        shared = options.given(ctx)
        rows = list(own.settings(shared, load_profile(ctx)))
        Output(shared).show(rows, own.VIEW, rows)


@app.command("path")
def path(ctx: typer.Context) -> None:
    """Print where the file of contexts is, or would be.

    Example: tokenhubctl config path
    """
    with exits(ctx):
        told = Place(file=str(kept.file()))
        Output(options.given(ctx)).show(told, _PLACE, [told], lines=[told.file])


@app.command("validate")
def validate(
    ctx: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Else the file of contexts.")
    ] = None,
) -> None:
    """Check the file of contexts: its form, its URLs, and the token files it names.

    Example: tokenhubctl config validate
    """
    with exits(ctx):
        if file is not None and not file.exists():
            raise BadProfile(f"there is no file {file}")
        found = checked(file or kept.file())
        said = f"{found.file} is in order: contexts {found.contexts}"
        Output(options.given(ctx)).show(found, _CHECKED, [found], lines=[said])


@app.command("schema")
def schema(ctx: typer.Context) -> None:
    """Print the JSON schema of the file of contexts.

    Example: tokenhubctl config schema
    """
    with exits(ctx):
        told: dict[str, Any] = msgspec.json.schema(Contexts)
        text = msgspec.json.format(msgspec.json.encode(told), indent=2).decode()
        rows = list(Contexts.__struct_fields__)
        Output(options.given(ctx)).show(told, _SCHEMA, rows, lines=text.splitlines())


@app.command("edit")
def edit(ctx: typer.Context) -> None:
    """Open the file of contexts in VISUAL or EDITOR, and take over what can be used.

    Example: EDITOR=true tokenhubctl config edit
    """
    unrehearsed(ctx)
    with exits(ctx):
        file = kept.file()
        before = file.read_text(encoding="utf-8") if file.exists() else _EMPTY
        after = _edited(_editor(ctx), file, before)
        output = Output(options.given(ctx))
        known = kept.read()
        found = Checked(file=str(file), contexts=len(known.contexts), current=known.current)
        told = "nothing was changed" if after == before else f"{file} changed"
        output.show(found, _CHECKED, [found], lines=[told])


def checked(file: Path) -> Checked:
    """What the file holds. Raises BadProfile where some of it cannot be used."""
    known = contexts.read(file)
    if known.current:
        known.named(known.current)
    for name, context in known.contexts.items():
        try:
            checked_url(context.url)
        except BadProfile as error:
            raise BadProfile(f"{file}: context {name}: {error}") from error
        token = Path(context.token_file).expanduser()
        if context.token_file and not token.is_file():
            raise BadProfile(f"{file}: context {name}: there is no token file {token}")
    return Checked(file=str(file), contexts=len(known.contexts), current=known.current)


def _editor(ctx: typer.Context) -> list[str]:
    """The words of the editor's command line."""
    asked = os.environ  # noqa: TID251 - VISUAL and EDITOR are for every program
    chosen = asked.get("VISUAL") or asked.get("EDITOR") or ("vi" if attended() else "")
    if not chosen:
        fail(
            ctx,
            "nobody is there to edit, and neither VISUAL nor EDITOR names a program",
            hint='"tokenhubctl context add" and "tokenhubctl context use" need no editor',
            code=Code.USAGE,
        )
    return shlex.split(chosen)


def _edited(editor: list[str], file: Path, before: str) -> str:
    """What came of the text; it is in place if it can be used. Raises BadProfile if it cannot."""
    with _copy(file, before) as copy:
        try:
            subprocess.run([*editor, str(copy)], check=True)  # noqa: S603 - the user's own editor
            after = copy.read_text(encoding="utf-8")
            checked(copy)
        except (OSError, UnicodeError, subprocess.CalledProcessError) as error:
            raise BadProfile(f"nothing was changed: {error}") from error
        except BadProfile as error:
            told = str(error).replace(str(copy), str(file))
            raise BadProfile(f"nothing was changed: {told}") from error
        if after != before:
            copy.replace(file)
    return after


@contextmanager
def _copy(file: Path, text: str) -> Iterator[Path]:
    """A file beside it, of mode 0600, that is gone in the end. Raises BadProfile."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=".edit-", suffix=".toml")
        with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
            handle.write(text)
    except OSError as error:
        raise BadProfile(f"cannot write beside {file}: {error.strerror or error}") from error
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
