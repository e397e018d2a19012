"""Passwords and secrets of the vault: from a prompt, stdin, a file, the environment, the line."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from tokenhub_cli.fields import hint
from tokenhub_cli.output import attended, hidden, talk

VARIABLE = "TOKENHUB_VAULT_PASSWORD"

File = Annotated[
    Path | None,
    typer.Option("--password-file", metavar="FILE", help="Take the password from a file."),
]
Stdin = Annotated[
    bool, typer.Option("--password-stdin", help="Take the password from a line of stdin.")
]
_BETTER = "Better: leave it out. It shows in ps."
Given = Annotated[str | None, typer.Argument(metavar="[PASSWORD]", help=_BETTER)]
GivenOld = Annotated[str | None, typer.Argument(metavar="[OLD]", help=_BETTER)]
GivenNew = Annotated[str | None, typer.Argument(metavar="[NEW]", help=_BETTER)]


def password(
    *,
    file: Path | None,
    stdin: bool,
    given: str | None = None,
    what: str = "Password",
    twice: bool = False,
    kept: bool = True,
) -> str:
    """The password; `twice` asks for it once more at a prompt. Raises a usage error without one.

    `kept` is whether it may be the one of TOKENHUB_VAULT_PASSWORD.
    """
    if [file is not None, stdin, given is not None].count(True) > 1:
        raise typer.BadParameter(
            "give one of --password-stdin, --password-file and an argument, not several"
        )
    if given is not None:
        hint("--password")
        return _some(given, "the password is empty: the variable that should hold it is unset")
    if file is not None:
        return _some(_content(file), f"{file} is empty")
    if stdin:
        return _some(_line(), "stdin holds no password: the variable that should is unset")
    if kept and (text := os.environ.get(VARIABLE, "")):  # noqa: TID251 - a secret, no setting of ours
        return text
    if not attended():
        raise typer.BadParameter(
            "nobody is there to ask: give --password-stdin or --password-file"
            + (f", or set {VARIABLE}" if kept else "")
        )
    return _asked(what, twice=twice)


def value(argument: str) -> str:
    """A secret for the vault: `-` is all of stdin, `@FILE` a file; a last line's end is cut off."""
    if argument == "-":
        if sys.stdin.isatty():
            return _some(hidden("Value"), "the value is empty")
        return _some(
            sys.stdin.read().removesuffix("\n"),
            "stdin is empty: pipe the value into it, or name a file: @FILE",
        )
    if argument.startswith("@"):
        return _some(_content(Path(argument[1:])), f"{argument[1:]} is empty")
    raise typer.BadParameter("a secret is no argument: give - for stdin or @FILE")


def _asked(what: str, *, twice: bool) -> str:
    first = _some(hidden(what), "the password is empty")
    if twice and hidden(f"{what}, once more") != first:
        talk("error: the two are not the same; nothing was changed")
        raise typer.Exit(2)
    return first


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").removesuffix("\n")
    except OSError as error:
        raise typer.BadParameter(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"{path} is no UTF-8") from error


def _line() -> str:
    return sys.stdin.readline().rstrip("\r\n")


def _some(text: str, without: str) -> str:
    if not text.strip():
        raise typer.BadParameter(without)
    return text
