"""The first line: product, server, screens, and how the stream and the vault are doing."""

from collections.abc import Sequence

from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from tokenhub_tui.actions import PLACES
from tokenhub_tui.widgets.words import COLOURS, link, words

# From so many columns on every screen has its name; below, only the one that is shown.
NAMES_FROM = 130
# The colour that a context is marked with, as a theme has it.
ACCENTS = {
    "red": "bold $background on $error",
    "amber": "bold $background on $warning",
    "green": "bold $background on $success",
    "blue": "bold $background on $primary",
}


class TopBar(Static):
    """`place` is the screen that is shown; `states` are short texts with their tones.

    `accent` is the colour that a context is marked with, by its word.
    """

    place = reactive("")
    server = reactive("")
    accent = reactive("")
    states: reactive[Sequence[tuple[str, str]]] = reactive(())

    def render(self) -> Content:
        """The line, as wide as the screen."""
        right = Content("  ").join([words(text, tone) for text, tone in self.states])
        left = Content.assemble((" TokenHub ", "bold"), self._server(), " ")
        names = self.size.width >= NAMES_FROM
        left = Content.assemble(left, self._places(names=names))
        room = self.size.width - right.cell_length - 1
        if left.cell_length > room:
            left = Content.assemble((" TokenHub ", "bold"), self._server(), " ", self._here())
        if left.cell_length > room:
            left = left.truncate(max(0, room), ellipsis=True)
        return Content.assemble(left, " " * (room - left.cell_length), right, " ")

    def _server(self) -> Content:
        if not self.accent:
            return words(self.server, "key")
        return words(f" {self.server} ").stylize(ACCENTS[self.accent])

    def _here(self) -> Content:
        """The screen that is shown, where there is no room for the digits of the others."""
        shown = [f" {place.key} {place.title} " for place in PLACES if place.name == self.place]
        return Content.styled("".join(shown), "reverse bold")

    def _places(self, *, names: bool) -> Content:
        parts = []
        for place in PLACES:
            here = place.name == self.place
            text = f" {place.key} {place.title} " if here or names else f" {place.key}"
            style = "reverse bold" if here else COLOURS["dim"]
            parts.append(link(text, f"app.go({place.name!r})").stylize(style))
        return Content("").join(parts)
