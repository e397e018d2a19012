"""`tokenhubctl completion ...`."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

# typer offers both without declaring that it does.
from typer.completion import get_completion_script  # type: ignore[attr-defined]  # as said
from typer.completion import install as install_script  # type: ignore[attr-defined]  # as said

from tokenhub_cli import options
from tokenhub_cli.exits import Code
from tokenhub_cli.lazy import COMPLETING
from tokenhub_cli.output import Column, Output, View
from tokenhub_cli.session import exits, fail, unrehearsed

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
_PROGRAM = "tokenhubctl"
_FILE: View[str] = View(kind="completion", name=str, columns=(Column("file", str),))


class Shell(StrEnum):
    """The shells that lines can be completed in."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"
    POWERSHELL = "powershell"


@app.callback()
def completion() -> None:
    """Completion of commands, options and ids in your shell."""


@app.command("bash")
def bash(ctx: typer.Context) -> None:
    """Print the script for bash.

    Example: source <(tokenhubctl completion bash)
    """
    _print(ctx, Shell.BASH)


@app.command("zsh")
def zsh(ctx: typer.Context) -> None:
    """Print the script for zsh.

    Example: tokenhubctl completion zsh > _tokenhubctl
    """
    _print(ctx, Shell.ZSH)


@app.command("fish")
def fish(ctx: typer.Context) -> None:
    """Print the script for fish.

    Example: tokenhubctl completion fish > tokenhubctl.fish
    """
    _print(ctx, Shell.FISH)


@app.command("powershell")
def powershell(ctx: typer.Context) -> None:
    """Print the script for PowerShell.

    Example: tokenhubctl completion powershell > tokenhubctl.ps1
    """
    _print(ctx, Shell.POWERSHELL)


@app.command("install")
def install(
    ctx: typer.Context,
    shell: Annotated[
        Shell | None, typer.Argument(metavar="[SHELL]", help="Else the one of SHELL.")
    ] = None,
) -> None:
    """Put the script where the shell finds it at its next start.

    Example: tokenhubctl completion install bash
    """
    unrehearsed(ctx)
    with exits(ctx):
        chosen = shell or _own()
        try:
            _, path = install_script(
                shell=chosen.value, prog_name=_PROGRAM, complete_var=COMPLETING
            )
        except OSError as error:
            hint = f'"tokenhubctl completion {chosen}" prints it, to be put elsewhere'
            fail(ctx, f"cannot write: {error}", hint=hint, code=Code.REFUSED)
        output = Output(options.given(ctx))
        output.show({"file": str(path)}, _FILE, [str(path)], lines=[str(path)])
        output.note(f"{chosen} completes tokenhubctl from its next start on")


def _print(ctx: typer.Context, shell: Shell) -> None:
    with exits(ctx):
        Output(options.given(ctx)).text(
            get_completion_script(prog_name=_PROGRAM, complete_var=COMPLETING, shell=shell.value)
        )


def _own() -> Shell:
    """The user's own shell. Raises a usage error where it is none of ours."""
    name = Path(os.environ.get("SHELL", "")).name  # noqa: TID251 - it is for every program
    if name not in list(Shell):
        raise typer.BadParameter(f"name the shell: {', '.join(Shell)}")
    return Shell(name)
