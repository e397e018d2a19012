"""The contexts of this user: servers with a name, and how they are shown."""

import os
from pathlib import Path

import msgspec
import typer

from tokenhub.client import contexts
from tokenhub.client.contexts import Context, Contexts
from tokenhub_cli.options import Shared
from tokenhub_cli.output import Column, View


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A context without its token: `token` says where it is, `kept` being the file itself."""

    name: str
    current: bool
    url: str
    token: str


VIEW: View[Row] = View(
    kind="context",
    name=lambda it: it.name,
    columns=(
        Column("name", lambda it: it.name),
        Column("current", lambda it: it.current, lambda current: "*" if current else ""),
        Column("url", lambda it: it.url),
        Column("token", lambda it: it.token),
    ),
)


def file() -> Path:
    """Where they are, or would be."""
    return contexts.path(os.environ, Path.home())  # noqa: TID251 - XDG_CONFIG_HOME alone


def read() -> Contexts:
    """What is there. Raises BadProfile."""
    return contexts.read(file())


def keep(shared: Shared, name: str, context: Context, *, use: bool = False) -> Row:
    """Write a context, new or in the place of another; the first one is used."""
    if not name or not name.isprintable() or name != name.strip():
        raise typer.BadParameter(
            f"{name!r} is no name of a context: it must be printable, without spaces around it"
        )
    known = read().with_context(name, context, use=use)
    put(shared, known)
    return row(name, context, current=known.current)


def put(shared: Shared, known: Contexts) -> None:
    """Write them all; with --dry-run, nothing. Raises a usage error with --curl."""
    if shared.curl:
        raise typer.BadParameter("nothing is sent that it could print", param_hint="--curl")
    if not shared.dry_run:
        contexts.write(file(), known)


def row(name: str, context: Context, *, current: str) -> Row:
    """A context as it is shown."""
    token = "kept" if context.token else context.token_file
    return Row(name=name, current=name == current, url=context.url, token=token)
