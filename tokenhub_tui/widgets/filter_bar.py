"""The line in which a filter is written: `model:gpt status:error ms>2000`."""

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from tokenhub.filters import FIELDS, Fields, FilterError, parse
from tokenhub_tui.widgets.words import words


class FilterBar(Horizontal):
    """Hidden until it is asked for. It says what is wrong while it is written."""

    class Asked(Message):
        """A filter to go by; empty for none."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, fields: Fields = FIELDS) -> None:
        super().__init__(id="filter-bar")
        self._fields = fields
        self.display = False

    def compose(self) -> ComposeResult:
        yield Static("/", classes="mark")
        yield Input(placeholder="model:gpt status:error ms>2000 text", compact=True)
        yield Static("", classes="said")

    def open(self, text: str) -> None:
        """Let a filter be written, beginning with the one that is."""
        self.display = True
        field = self.query_one(Input)
        field.value = text
        field.focus()

    def close(self) -> None:
        """Go away, with no filter asked for."""
        self.display = False

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.query_one(".said", Static).update(words(wrong(event.value, self._fields), "bad"))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if not wrong(event.value, self._fields):
            self.close()
            self.post_message(self.Asked(event.value.strip()))


def wrong(text: str, fields: Fields = FIELDS) -> str:
    """What is wrong with a filter; empty where nothing is."""
    try:
        parse(text, now=0.0, fields=fields)
    except FilterError as error:
        return str(error)
    return ""
