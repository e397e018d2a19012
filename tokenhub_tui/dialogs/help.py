"""What a screen shows, where its numbers come from, and what can be done with it."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widgets import Static

from tokenhub_tui.actions import Action
from tokenhub_tui.actions.manual import Help
from tokenhub_tui.dialogs.base import Dialog
from tokenhub_tui.widgets.words import lines, words


class PageHelp(Dialog[None]):
    """The help of one screen; `keys` are pairs of an action and how its keys are written."""

    BINDINGS: ClassVar = [Binding("escape,f1,q", "leave", "Leave", show=False)]
    HINT = "↑↓ Scroll · esc Leave"

    def __init__(self, title: str, told: Help, keys: Sequence[tuple[Action, str]]) -> None:
        super().__init__(classes="wide", id="page-help")
        self._title = title
        self._told = told
        self._keys = keys

    def contents(self) -> ComposeResult:
        with VerticalScroll():
            yield Static(lines(self._told.shows))
            yield Static(lines(self._told.sources), classes="next")
            yield Static(words("The same by command", "head"), classes="next")
            yield Static(lines("\n".join(f"  {one}" for one in self._told.commands), "key"))
            if self._keys:
                yield Static(words("Keys of this screen", "head"), classes="next")
            for action, keys in self._keys:
                yield Static(words(f"{keys}  {action.title}", "key"), classes="next")
                yield Static(lines(f"{action.help}\n{action.command}".strip()), classes="deeper")

    def on_mount(self) -> None:
        self.query_one("#box").border_title = self._title
        self.query_one(VerticalScroll).focus()
