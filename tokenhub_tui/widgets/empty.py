"""What stands where there is nothing to show, and what to do about it."""

from textual.content import Content
from textual.widgets import Static

from tokenhub_tui.widgets.words import lines


class Empty(Static):
    """Three kinds: nothing yet, nothing that matches, and cannot be loaded."""

    def nothing(self, what: str, make: str) -> None:
        """There is nothing yet; `make` tells how to have some."""
        self._say("", what, make)

    def no_match(self, text: str) -> None:
        """There is something, but nothing that the filter means."""
        self._say("", f"Nothing matches  {text}", "esc clears the filter")

    def failed(self, why: str, remedy: str = "r asks again") -> None:
        """It could not be loaded."""
        self._say("bad", f"✗ {why}", remedy)

    def _say(self, tone: str, what: str, then: str) -> None:
        self.update(Content.assemble(lines(what, tone), "\n\n", lines(then, "dim")))
