"""Jump mode: a letter on each part of the screen that can be focused; typing it goes there."""

from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.widget import Widget
from textual.widgets import Static

from tokenhub_tui.dialogs.base import Modal

# The home row first; then what lies above and below it.
LETTERS = "asdfghjklqwertzuiopyxcvbnm"


class Jump(Modal[Widget]):
    """Gives the part that was chosen; any other key, or a click, leaves."""

    def __init__(self, parts: Sequence[Widget]) -> None:
        super().__init__(id="jump")
        self._parts = dict(zip(LETTERS, parts, strict=False))

    def compose(self) -> ComposeResult:
        for letter, part in self._parts.items():
            label = Static(f" {letter} ", markup=False, classes="letter")
            label.styles.offset = (part.region.x, part.region.y)
            yield label

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        self.dismiss(self._parts.get(event.key))

    def on_click(self) -> None:
        self.dismiss(None)

    def on_resize(self, event: events.Resize) -> None:
        # The labels would stand where their parts were.
        if event.size != self.app.size:
            self.dismiss(None)
