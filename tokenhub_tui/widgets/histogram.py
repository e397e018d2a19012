"""Two lines of bars: how many requests there were when, and below them how many failed."""

from textual.content import Content
from textual.widgets import Static

from tokenhub_tui.state.requests import Bars, axis, drawn, grouped
from tokenhub_tui.widgets.words import words

LABEL = 10


class Histogram(Static):
    """`show` gives it the bars; the third line is the axis of time.

    Each line of bars has a scale of its own: beside all requests, few errors could not be seen.
    """

    def __init__(self) -> None:
        super().__init__(id="histogram")
        self._bars = Bars()

    @property
    def room(self) -> int:
        """How many bars fit. Before it is laid out, how many will."""
        return max(10, (self.size.width or self.screen.size.width) - LABEL - 1)

    def show(self, bars: Bars) -> None:
        """Draw these."""
        self._bars = bars
        self.refresh()

    def render(self) -> Content:
        """The three lines."""
        bars = self._bars
        if not bars.requests:
            return Content("")
        lines = [
            _line("requests", drawn(grouped(bars.requests, self.room)), "key"),
            _line("errors", drawn(grouped(bars.errors, self.room)), "bad"),
            _line("", axis(bars, self.room), "dim"),
        ]
        return Content("\n").join(lines)


def _line(title: str, text: str, tone: str) -> Content:
    return words(f" {title}".ljust(LABEL), "dim") + words(text, tone)
