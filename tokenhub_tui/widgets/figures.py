"""Numbers beside each other, each under its title."""

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from tokenhub_tui.state.figures import Figure
from tokenhub_tui.widgets.words import words


class Figures(Static):
    """Two lines: titles, and numbers with how they have changed."""

    def __init__(self) -> None:
        super().__init__()
        self._figures: Sequence[Figure] = ()

    def show(self, figures: Sequence[Figure]) -> None:
        """Show these; nothing is drawn where they are those that stand there."""
        if figures != self._figures:
            self._figures = figures
            self.refresh()

    def render(self) -> Content:
        """The columns share the width evenly."""
        if not self._figures:
            return Content("")
        width = max(8, (self.size.width - 1) // len(self._figures))
        titles = [words(one.title, "dim") for one in self._figures]
        values = [
            words(one.value, "head") + " " + words(one.change, one.tone) for one in self._figures
        ]
        return Content("\n").join([_line(titles, width), _line(values, width)])


def _line(texts: Sequence[Content], width: int) -> Content:
    padded = [text.pad_right(max(0, width - text.cell_length)) for text in texts]
    return Content(" ") + Content("").join(padded)
