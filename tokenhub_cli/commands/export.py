"""`tokenhubctl export`."""

from enum import StrEnum
from typing import Annotated

import typer

from tokenhub.client.calls.config import export_config
from tokenhub.wire.config import SECTIONS, Document
from tokenhub_cli import options
from tokenhub_cli.options import Form
from tokenhub_cli.output import Column, Output, View
from tokenhub_cli.session import session

app = typer.Typer(add_completion=False, rich_markup_mode=None)
# Sections by the name of one of their entries, too.
_ONES = {"provider": "providers", "model": "models", "alias": "aliases", "api_key": "api_keys"}
_SECTIONS = {name: name for name in SECTIONS} | _ONES
_VIEW: View[Document] = View(
    kind="document", name=lambda _: "config", columns=(Column("config", str),)
)


class Refs(StrEnum):
    """Where keys of providers come from when the file is applied."""

    OMIT = "omit"
    ENV = "env"
    VAULT = "vault"


@app.command("export")
def export(
    ctx: typer.Context,
    *,
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", metavar="KIND", help=f"Of {', '.join(SECTIONS)}; several, or all."),
    ] = None,
    refs: Annotated[
        Refs, typer.Option("--refs", help="Name keys of providers by variable or by vault secret.")
    ] = Refs.OMIT,
) -> None:
    """Write the configuration as a file.

    That is YAML for `apply`, or JSON with -o json. It holds no secret. Applied as it
    is, it changes nothing.

    Example: tokenhubctl export
    Example: tokenhubctl export --kind models --kind aliases -o json
    """
    shared = options.given(ctx)
    form = Form.YAML if shared.form in {Form.TABLE, Form.WIDE} else shared.form
    if form not in {Form.YAML, Form.JSON, Form.NONE}:
        raise typer.BadParameter("an export is yaml or json", param_hint="-o")
    sections = [_section(name) for name in kind or ()]
    with session(ctx) as tokenhub:
        found = tokenhub(export_config(kinds=sections, refs=refs))
        Output(shared._replace(output=form, fields="", filter="")).show(found, _VIEW, [found])


def _section(name: str) -> str:
    if name not in _SECTIONS:
        raise typer.BadParameter(f"there is {', '.join(SECTIONS)}", param_hint="--kind")
    return _SECTIONS[name]
