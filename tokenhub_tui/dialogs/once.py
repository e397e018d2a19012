"""A secret that is shown once, and cannot be left before it is kept."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widgets import Button, Static

from tokenhub_tui.dialogs.base import Dialog
from tokenhub_tui.widgets.words import lines, words


class ShownOnce(Dialog[bool]):
    """`value` in full. Esc leaves it once it was copied; before, only "I stored it" does."""

    BINDINGS: ClassVar = [
        Binding("y", "copy", "Copy", show=False),
        Binding("escape", "leave", "Leave", show=False),
    ]
    HINT = "y Copy"

    def __init__(self, title: str, value: str, note: str) -> None:
        super().__init__(classes="wide")
        self._title = title
        self._value = value
        self._note = note
        self._copied = False

    def contents(self) -> ComposeResult:
        yield Static(lines(self._value, "key"), id="value")
        yield Static(lines(self._note, "dim"))
        yield Static("", id="said")
        with Horizontal(classes="buttons"):
            yield Button("y  Copy", id="copy", variant="primary", compact=True)
            yield Button("I stored it", id="stored", compact=True)

    def on_mount(self) -> None:
        self.query_one("#box").border_title = words(self._title)
        self.query_one("#copy", Button).focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "copy":
            self.action_copy()
        else:
            self._leave()

    def action_copy(self) -> None:
        """To the terminal's clipboard: not all terminals take it, so the text stays."""
        self.app.copy_to_clipboard(self._value)
        self._copied = True
        self.query_one("#box").border_subtitle = "y Copy · esc Close"
        self.query_one("#said", Static).update(
            lines("✓ Sent to the terminal's clipboard. Paste it somewhere safe, then esc.", "good")
        )
        self.query_one("#stored", Button).focus()

    def action_leave(self) -> None:
        if self._copied:
            self._leave()
            return
        self.query_one("#said", Static).update(
            lines('! It cannot be shown again: y copies it, or choose "I stored it".', "warn")
        )

    def _leave(self) -> None:
        """Go; the terminal keeps what was copied, and this program does not."""
        if self._copied:
            self.app._clipboard = ""  # noqa: SLF001 - copying an empty text would empty theirs
        self._value = ""
        self.dismiss(self._copied)
