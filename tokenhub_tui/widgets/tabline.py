"""One line: the lists that a screen has, the one that is shown, and a word beside them."""

from collections.abc import Mapping

from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from tokenhub_tui.widgets.words import COLOURS, link, words


class TabLine(Static):
    """`tabs` are titles by name; a click runs `tab('NAME')` of the screen."""

    active = reactive("")
    said: reactive[tuple[str, str]] = reactive(("", ""))

    def __init__(self, tabs: Mapping[str, str]) -> None:
        super().__init__()
        self._tabs = tabs

    def titles(self, tabs: Mapping[str, str]) -> None:
        """Call the lists so: their titles may count what is in them."""
        if tabs != self._tabs:
            self._tabs = tabs
            self.refresh()

    def render(self) -> Content:
        """Titles at the left, the word at the right."""
        left = Content("│").join([self._tab(name, title) for name, title in self._tabs.items()])
        room = max(0, self.size.width - left.cell_length - 2)
        right = words(*self.said).truncate(room, ellipsis=True)
        space = " " * max(1, self.size.width - left.cell_length - right.cell_length - 1)
        return Content.assemble(left, space, right)

    def _tab(self, name: str, title: str) -> Content:
        style = "reverse bold" if name == self.active else COLOURS["dim"]
        return link(f" {title} ", f"screen.tab({name!r})").stylize(style)
