"""Questions before something that cannot be taken back."""

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Input, Static

from tokenhub_tui.dialogs.base import Dialog
from tokenhub_tui.widgets.words import lines


class Confirm(Dialog[bool]):
    """Yes or no. `effect` says what it comes to; `verb` is on the button; Cancel has the focus."""

    TITLE_TEXT = "Sure?"
    HINT = "esc Cancel"

    def __init__(self, effect: str, verb: str) -> None:
        super().__init__()
        self._effect = effect
        self._verb = verb

    def contents(self) -> ComposeResult:
        yield Static(lines(self._effect))
        with Horizontal(classes="buttons"):
            yield Button("Cancel", id="cancel", compact=True)
            yield Button(self._verb, id="yes", variant="error", compact=True)

    def on_mount(self) -> None:
        self.query_one("#cancel", Button).focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.id == "yes")


class TypedConfirm(Dialog[bool]):
    """Yes only for whoever types `word`: for what takes more down with it than its own row."""

    TITLE_TEXT = "Sure?"
    HINT = "enter Confirm · esc Cancel"

    def __init__(self, effect: str, word: str) -> None:
        super().__init__()
        self._effect = effect
        self._word = word

    def contents(self) -> ComposeResult:
        yield Static(lines(self._effect))
        yield Static(lines(f'Type "{self._word}" to go on:', "warn"))
        yield Input(compact=True)
        yield Static("", id="said")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value == self._word:
            self.dismiss(True)  # noqa: FBT003 - Textual's own parameter
        else:
            self.query_one("#said", Static).update(lines("That is another word.", "bad"))
