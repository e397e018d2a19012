"""The root group: names, aliases, summaries and completion, without importing the commands."""

import typer
from typer.core import TyperGroup

from tests.cli.conftest import Run
from tokenhub_cli.lazy import Lazy
from tokenhub_cli.main import Root, app


def root() -> Root:
    command = typer.main.get_command(app)
    assert isinstance(command, Root)
    return command


def test_help_lists_each_command_with_its_line(run: Run) -> None:
    shown = run("--help").stdout

    told = [entry for entry in Root.entries if not entry.hidden]
    width = max(len(entry.name) for entry in told)
    for entry in told:
        assert f"  {entry.name.ljust(width)}  {entry.summary}" in shown


def test_line_of_the_root_is_the_first_of_the_commands_own_help() -> None:
    for stand_in in root().commands.values():
        assert isinstance(stand_in, Lazy)
        command = stand_in.load()
        assert command.help is not None
        first = command.help.partition("\n")[0].partition(" Alone, ")[0]
        assert stand_in.help == first


def test_every_command_takes_the_shared_options() -> None:
    for stand_in in root().commands.values():
        assert isinstance(stand_in, Lazy)
        command = stand_in.load()
        all_of_it = [
            command,
            *(command.commands.values() if isinstance(command, TyperGroup) else ()),
        ]
        for one in all_of_it:
            assert "-o" in {name for param in one.params for name in param.opts}


def test_no_command_has_two_parameters_of_one_name() -> None:
    """The value of one would be read as that of the other."""
    for stand_in in root().commands.values():
        assert isinstance(stand_in, Lazy)
        command = stand_in.load()
        below = command.commands.values() if isinstance(command, TyperGroup) else ()
        for one in (command, *below):
            names = [param.name for param in one.params]
            assert sorted(set(names), key=str) == sorted(names, key=str), one.name


def test_every_command_has_a_help_text() -> None:
    for stand_in in root().commands.values():
        assert isinstance(stand_in, Lazy)
        command = stand_in.load()
        below = command.commands if isinstance(command, TyperGroup) else {}
        for verb in below.values():
            assert verb.help


def test_completion_knows_nouns_and_verbs(run: Run) -> None:
    def complete(line: str) -> set[str]:
        completing = {"_TOKENHUBCTL_COMPLETE": "complete_bash", "COMP_WORDS": line}
        found = run(COMP_CWORD=str(line.count(" ")), **completing)
        return set(found.stdout.split())

    assert {"provider"} == complete("tokenhubctl prov")
    assert {"enable", "engine", "edit"} - {"engine"} <= complete("tokenhubctl model e")
