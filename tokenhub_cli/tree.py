"""The tree of commands as values, for the pages and the manual that are made from it."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import typer

from tokenhub_cli.lazy import Entry, Lazy

_EXAMPLE = "Example: "


class Command(NamedTuple):
    """A command: `line` is how it is called, without what it takes.

    `takes` and `options` are pairs of what is written and what it means; `text` is what is to be
    said beyond the `summary`. A group has those `below` it.
    """

    line: str
    usage: str
    summary: str
    text: Sequence[str]
    examples: Sequence[str]
    takes: Sequence[tuple[str, str]]
    options: Sequence[tuple[str, str]]
    below: Sequence["Command"]
    aliases: Sequence[str] = ()

    def walk(self) -> Iterator["Command"]:
        """The command itself, and all below it."""
        yield self
        for one in self.below:
            yield from one.walk()


def root() -> Command:
    """`tokenhubctl` with everything below it. Imports every command."""
    from tokenhub_cli.main import Root, app  # noqa: PLC0415 - its commands import this module

    return _read(
        typer.main.get_command(app), "tokenhubctl", None, {it.name: it for it in Root.entries}
    )


# typer's own copy of click has no public name for its types.
def _read(command: Any, name: str, parent: Any, entries: dict[str, Entry]) -> Command:
    if isinstance(command, Lazy):
        command = command.load()
    ctx = command.context_class(command, info_name=name, parent=parent)
    said, *examples = (command.help or "").replace("\b\n", "").split(f"\n{_EXAMPLE}")
    summary, *paragraphs = [part.strip() for part in said.strip().split("\n\n")]
    told = [it for it in command.params if not getattr(it, "hidden", False)]
    first, _, rest = summary.partition("\n")
    below = getattr(command, "commands", {})
    return Command(
        line=ctx.command_path,
        usage=" ".join([ctx.command_path, *command.collect_usage_pieces(ctx)]),
        summary=first,
        text=[" ".join(it.split()) for it in (rest, *paragraphs) if it],
        examples=[it.strip() for it in examples],
        takes=_records(ctx, [it for it in told if it.param_type_name == "argument"]),
        options=_records(ctx, [it for it in told if it.param_type_name == "option"]),
        below=[_read(one, key, ctx, {}) for key, one in below.items() if not _hidden(one)],
        aliases=entries[name].aliases if name in entries else (),
    )


def _hidden(command: Any) -> bool:
    return bool(getattr(command, "hidden", False))


def _records(ctx: Any, params: Sequence[Any]) -> list[tuple[str, str]]:
    """What is written, and what it means, as `--help` tells it."""
    found = (param.get_help_record(ctx) for param in params)
    return [(left, " ".join(right.split())) for left, right in filter(None, found)]
