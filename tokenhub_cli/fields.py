"""What was given on the line, as one value: JSON, a file, stdin and flags together."""

import math
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import typer

from tokenhub_cli.output import hidden, talk

T = TypeVar("T", bound=msgspec.Struct)

# The help of every argument that takes JSON.
JSON_HELP = "The fields as '{...}', @FILE (JSON or YAML), or - for stdin. Flags add to it."


def merged(argument: str | None, flags: Mapping[str, object]) -> dict[str, Any]:
    """The fields of the JSON argument and of the flags; a flag of None was not given.

    Raises a usage error where the two give one field different values.
    """
    fields = {} if argument is None else _object(argument)
    for name, value in flags.items():
        if value is None:
            continue
        if name in fields and fields[name] != value:
            raise typer.BadParameter(f"{name} is given twice, by JSON and by a flag, and differs")
        fields[name] = value
    return fields


def build(kind: type[T], fields: Mapping[str, Any]) -> T:
    """The fields as a value of that kind. Raises a usage error that names the wrong one."""
    if not fields:
        raise typer.BadParameter(f"nothing is given; there is {_names(kind)}")
    for name, value in fields.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise typer.BadParameter(f"{name} must be a finite number, not {value}")
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        known = f"; there is {_names(kind)}" if "unknown field" in str(error) else ""
        raise typer.BadParameter(f"{error}{known}") from error


def secret(
    value: str | None, *, from_stdin: bool, flag: str, variable: str | None = None
) -> str | None:
    """A secret from its flag, stdin or a variable, None where none of them was given.

    Raises a usage error for an empty one: the variable that should have held it is unset, and
    an empty key would be sent to a provider that then refuses every request.
    """
    if (value is not None) + from_stdin + (variable is not None) > 1:
        raise typer.BadParameter(f"give one of {flag}, {flag}-stdin and {flag}-env")
    if from_stdin:
        return _from_stdin(flag)
    if variable is not None:
        value = os.environ.get(variable, "").strip()  # noqa: TID251 - the caller names it
        flag = f"{flag}-env {variable}"
    elif value:
        hint(flag)
    if value == "":
        raise typer.BadParameter(
            f"{flag} is empty: the variable that should hold the key is unset, or holds nothing"
        )
    return value


def hint(flag: str) -> None:
    """Tell the person at the terminal, if any, that arguments are no place for secrets."""
    if sys.stderr.isatty():
        talk(f"hint: arguments stay in the shell's history and show in ps; {flag}-stdin does not")


def _from_stdin(flag: str) -> str:
    """What somebody types unseen, or a line of stdin. Raises a usage error where that is empty."""
    what = flag.lstrip("-")
    if sys.stdin.isatty():
        value, empty = hidden(what).strip(), "nothing was typed"
    else:
        value = sys.stdin.readline().strip()
        empty = "stdin is empty: pipe it in, such as "
        empty += f"""printf %s "$SECRET" | tokenhubctl ... {flag}-stdin"""
    if not value:
        raise typer.BadParameter(f"there is no {what}; {empty}")
    return value


def decoded(argument: str) -> object:
    """The value of an argument that takes JSON, `-` or @FILE. Raises a usage error.

    A file is YAML where its name says so.
    """
    content = content_of(argument)
    if argument.startswith("@") and Path(argument).suffix in {".yaml", ".yml"}:
        return _yaml(content)
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise typer.BadParameter(f"this is no JSON object: {error}") from error


def content_of(argument: str) -> str | bytes:
    """The argument itself, or what stdin (`-`) or a file (@FILE) holds. Raises a usage error."""
    if argument == "-":
        return sys.stdin.read()
    if not argument.startswith("@"):
        return argument
    try:
        return Path(argument[1:]).read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"cannot read {argument[1:]}: {error.strerror}") from error


def _object(argument: str) -> dict[str, Any]:
    found = decoded(argument)
    try:
        return msgspec.convert(found, dict[str, Any])
    except msgspec.ValidationError as error:
        raise typer.BadParameter(f"this is no JSON object: {error}") from error


def _yaml(content: str | bytes) -> object:
    import yaml  # noqa: PLC0415 - 20 ms that only such files need

    try:
        return yaml.safe_load(content)
    except (yaml.YAMLError, UnicodeError, RecursionError) as error:
        raise typer.BadParameter(f"this is no YAML: {' '.join(str(error).split())}") from error


def _names(kind: type[msgspec.Struct]) -> str:
    return ", ".join(kind.__struct_fields__)
