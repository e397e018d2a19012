"""The options that every command takes, before it and after it; the last one given holds."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_params_convertors_ctx_param_name_from_function

_PLACE = "tokenhub_cli."

# Options that several commands take.
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="At most so many rows.")]
Offset = Annotated[int | None, typer.Option("--offset", min=0, help="Rows to skip.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
IfMatch = Annotated[
    int | None,
    typer.Option("--if-match", metavar="VERSION", help="Only if this is still its version."),
]


class Form(StrEnum):
    """How a result is written."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    NAME = "name"
    CSV = "csv"
    VALUE = "value"
    NONE = "none"


class Shared(NamedTuple):
    """What was given of them."""

    output: Form = Form.TABLE
    no_headers: bool = False
    url: str = ""
    token_file: Path | None = None
    timeout: float = 30.0


def given(ctx: typer.Context) -> Shared:
    """The shared options of this run, wherever they stood on the line."""
    marks = {name: ctx.meta.get(_PLACE + name) for name in Shared._fields}
    return Shared(**{name: value for name, value in marks.items() if value is not None})


def add_shared(command: TyperCommand | TyperGroup) -> None:
    """Give the options to a command and to all below it."""
    params, _, _ = get_params_convertors_ctx_param_name_from_function(_options)
    for param in params:
        param.expose_value = False  # they are in the context, not in the command's signature
    command.params.extend(params)
    if isinstance(command, TyperGroup):
        for below in command.commands.values():
            assert isinstance(below, TyperCommand | TyperGroup)
            add_shared(below)


def _keep(ctx: typer.Context, param: typer.CallbackParam, value: Any) -> None:
    """Note a value in what all commands of this line share."""
    if value is not None and value is not False:
        ctx.meta[f"{_PLACE}{param.name}"] = value


def _options(
    *,
    output: Annotated[
        Form | None,
        typer.Option("--output", "-o", help="How to write the result.", callback=_keep),
    ] = None,
    no_headers: Annotated[
        bool, typer.Option("--no-headers", help="Leave out the header line.", callback=_keep)
    ] = False,
    url: Annotated[
        str | None,
        typer.Option("--url", metavar="URL", help="The server.", callback=_keep),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file", metavar="FILE", help="A file with the admin token.", callback=_keep
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option("--timeout", metavar="SECONDS", min=0.1, help="Longest wait.", callback=_keep),
    ] = None,
) -> None:
    """Declare the options; typer reads this signature, and nobody calls it."""
