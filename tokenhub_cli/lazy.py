"""A group that imports a command's file when the command is used, and not before."""

import os
import shutil
from importlib import import_module
from typing import Any, ClassVar, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from tokenhub_cli.options import add_shared, completed

# How a shell says that it wants completions, and in which form.
COMPLETING = "_TOKENHUBCTL_COMPLETE"
# Columns of a terminal below which typer would write help beyond its edge, and what help needs.
_LEAST_COLUMNS, _FEWEST_COLUMNS = 52, 24


class Entry(NamedTuple):
    """A command that is not loaded: `app` of tokenhub_cli.commands.NAME, dashes as underscores.

    A `hidden` one is in no help: another has the same work under a better name.
    """

    name: str
    summary: str
    aliases: tuple[str, ...] = ()
    hidden: bool = False


class Lazy(TyperCommand):
    """Stands in a group for a command that is not loaded. Help and completion need no more."""

    def load(self) -> TyperCommand | TyperGroup:
        """The command itself."""
        from tokenhub_cli.listing import add_watch  # noqa: PLC0415 - not for --help

        assert self.name is not None
        module = import_module(f"tokenhub_cli.commands.{self.name.replace('-', '_')}")
        command = typer.main.get_command(module.app)
        assert isinstance(command, TyperCommand | TyperGroup)
        command.name = self.name
        add_shared(command)
        add_watch(command)
        if COMPLETING in os.environ:  # noqa: TID251 - set by the shell's script, not by users
            from tokenhub_cli.completing import attach  # noqa: PLC0415 - only where a shell asks

            attach(command, [self.name])
        return command


class LazyGroup(TyperGroup):
    """Its commands are `entries`; each is imported when it is called."""

    entries: ClassVar[tuple[Entry, ...]] = ()

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        add_shared(self, told=True)
        for entry in self.entries:
            self.commands[entry.name] = Lazy(
                name=entry.name,
                help=entry.summary,
                short_help=entry.summary,
                hidden=entry.hidden,
            )

    def main(self, *args: Any, **settings: Any) -> Any:
        """Run the line; or tell a shell how it may go on."""
        if COMPLETING in os.environ:  # noqa: TID251 - as above
            from tokenhub_cli.completing import know_shells  # noqa: PLC0415 - as above

            know_shells()
        return super().main(*args, **settings)

    # The context types are typer's own copy of click, which has no public name.
    def make_context(self, *args: Any, **settings: Any) -> Any:
        """The context of the line; its help is as narrow as the terminal, else at least 50 wide."""
        columns = shutil.get_terminal_size().columns
        if columns < _LEAST_COLUMNS:
            settings["terminal_width"] = max(_FEWEST_COLUMNS, columns - 2)
        return super().make_context(*args, **settings)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The whole line passes here, before any other parser sees a part of it."""
        return super().parse_args(ctx, completed(args))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The stand-in, under its name or an alias."""
        for entry in self.entries:
            if cmd_name in entry.aliases:
                return self.commands[entry.name]
        return super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that is about to run: loaded."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, Lazy) else command, rest
