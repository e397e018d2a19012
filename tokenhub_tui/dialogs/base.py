"""What all dialogs share: a box in the middle, esc leaves it, what it asks stands in its title."""

from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from tokenhub_tui.messages import Opened
from tokenhub_tui.widgets.secret import Secret
from tokenhub_tui.widgets.words import words

T = TypeVar("T")


class Modal(ModalScreen[T]):
    """What stands above a screen, and answers once. `open` once one of its widgets has the keys."""

    open = False

    def on_screen_resume(self) -> None:
        # Textual gives somebody the keys only after this.
        self.call_later(self._opened)

    def _opened(self) -> None:
        self.open = True
        self.app.post_message(Opened())

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Leave, with an answer. Keys that are pressed quickly leave twice: that is for nobody."""
        # Textual would take away whatever is above all now, and give the answer again.
        if self not in self.app.screen_stack:
            return AwaitComplete()
        return super().dismiss(result)


class Dialog(Modal[T]):
    """A box with a title. `contents` is what is in it; esc gives None."""

    BINDINGS: ClassVar = [
        Binding("escape", "leave", "Leave", show=False),
        # With priority, so that the next letters are for the next field: else they come before it.
        Binding("tab", "app.focus_next", "Next field", show=False, priority=True),
        Binding("shift+tab", "app.focus_previous", "Field before", show=False, priority=True),
    ]
    TITLE_TEXT: ClassVar[str] = ""
    HINT: ClassVar[str] = ""

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            # A text would be markup, and ids of the server are in titles.
            box.border_title = words(self.TITLE_TEXT)
            box.border_subtitle = words(self.HINT)
            yield from self.contents()

    def contents(self) -> ComposeResult:
        """What is in the box."""
        yield from ()

    def on_broken(self) -> None:
        """The app says what broke; what was being waited for is not any more."""
        for said in self.query("#said").results(Static):
            said.update("")

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Go, with nothing left of the secrets that were written."""
        for field in self.query(Secret):
            field.forget()
        return super().dismiss(result)

    def action_leave(self) -> None:
        self.dismiss(None)
