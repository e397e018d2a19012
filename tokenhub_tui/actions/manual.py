"""The words about each screen, and the page of all keys that is made of them and of the actions."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from tokenhub_tui.actions.base import Action

HELP = Path(__file__).parents[1] / "help"


class Help(msgspec.Struct, frozen=True, kw_only=True):
    """What a screen shows, where its numbers come from, and the commands that tell the same."""

    shows: str
    sources: str
    commands: tuple[str, ...]


def about(screen: str) -> Help | None:
    """The help of a screen; None where it has none of its own."""
    file = HELP / f"{screen}.md"
    if not file.is_file():
        return None
    shows, sources, commands = file.read_text(encoding="utf-8").strip().split("\n\n")
    return Help(
        shows=shows,
        sources=sources,
        commands=tuple(line.strip() for line in commands.splitlines()),
    )


def markdown(actions: Sequence[Action], titles: dict[str, str], generated: str) -> str:
    """All keys on one page. `titles` are those of the screens, in their order."""
    return "\n".join(_page(actions, titles, generated)) + "\n"


def _page(actions: Sequence[Action], titles: dict[str, str], generated: str) -> Iterator[str]:
    yield "# Keys of tokenhub-tui"
    yield ""
    yield f"<!-- {generated} -->"
    yield ""
    yield "[How it is used](../user/tui.md). The name of an action is what `[keys]` in"
    yield "`console.toml` calls it. One that changes the server is off where the console only"
    yield "reads."
    for screen, title in titles.items():
        yield ""
        yield f"## {title}"
        yield ""
        told = about(screen)
        if told is not None:
            yield from (told.shows, "", told.sources, "", "The same by command:", "")
            yield from (f"- `{line}`" for line in told.commands)
            yield ""
        yield from _table([one for one in actions if one.screen == screen])


def _table(actions: Sequence[Action]) -> Iterator[str]:
    if not actions:
        yield "It has no keys of its own."
        return
    yield "| Keys | Name | What it does | The same by command |"
    yield "|---|---|---|---|"
    for one in actions:
        command = f"`{_cell(one.command)}`" if one.command else ""
        changes = " Changes the server." if one.changes else ""
        keys = " ".join(f"`{key}`" for key in _cell(one.label).split(" "))
        yield f"| {keys} | `{one.id}` | {one.title}: {_cell(one.help)}{changes} | {command} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
