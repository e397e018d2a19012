"""`tokenhubctl help ...`."""

from typing import Annotated, Any

import typer

from tokenhub_cli import options
from tokenhub_cli.lazy import Lazy
from tokenhub_cli.output import Column, Output, View
from tokenhub_cli.topics import Topic, topics

app = typer.Typer(add_completion=False, rich_markup_mode=None)
_VIEW: View[dict[str, str]] = View(
    kind="topic",
    name=lambda it: it["name"],
    columns=(Column("name", lambda it: it["name"]), Column("summary", lambda it: it["summary"])),
)


@app.command("help")
def help_(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TOPIC|COMMAND...]", help="What to explain."),
    ] = None,
) -> None:
    """Explain a command or a topic. Alone, it lists the topics.

    Example: tokenhubctl help exit-codes

    Example: tokenhubctl help model add
    """
    output = Output(options.given(ctx))
    known = {it.name: it for it in topics()}
    if not words:
        told = [it._asdict() for it in known.values()]
        output.show(told, _VIEW, told)
        output.note('"tokenhubctl --help" lists the commands')
    elif len(words) == 1 and words[0] in known:
        topic = known[words[0]]
        _show(output, topic)
    else:
        _show(output, Topic(" ".join(words), *_of_command(ctx, words)))


def _show(output: Output, topic: Topic) -> None:
    told = topic._asdict()
    output.show(told, _VIEW, [told], lines=topic.text.splitlines())


def _of_command(ctx: typer.Context, words: list[str]) -> tuple[str, str]:
    """What a command does, in a line, and its help page."""
    place: Any = ctx.find_root()
    for word in words:
        found = place.command.get_command(place, word) if _is_group(place.command) else None
        if found is None:
            topics_there = ", ".join(it.name for it in topics())
            raise typer.BadParameter(
                f"there is no command or topic {' '.join(words)!r}; topics are {topics_there}"
            )
        command = found.load() if isinstance(found, Lazy) else found
        place = command.context_class(command, info_name=command.name, parent=place)
    summary, _, _ = (place.command.help or "").partition("\n")
    return summary, str(place.command.get_help(place))


def _is_group(command: Any) -> bool:
    return hasattr(command, "commands")
