"""The line in which a filter is written: `model:gpt status:error ms>2000`."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.suggester import SuggestionReady
from textual.widgets import Input, Static

from tokenhub.client.text import clean
from tokenhub.filters import FIELDS, Fields, FilterError, parse
from tokenhub_tui.state.completing import completions, tail
from tokenhub_tui.widgets.words import words


class FilterBar(Horizontal):
    """Hidden until it is asked for. It says what is wrong while it is written.

    It offers how the last word may go on; tab takes the first, up and down choose among them.
    """

    BINDINGS: ClassVar = [
        Binding("tab", "take", "Complete", show=False, priority=True),
        Binding("down", "choose(1)", "Next completion", show=False, priority=True),
        Binding("up", "choose(-1)", "Completion before", show=False, priority=True),
    ]

    class Asked(Message):
        """A filter to go by; empty for none."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, fields: Fields = FIELDS) -> None:
        super().__init__(id="filter-bar")
        self._fields = fields
        self._values: Mapping[str, Sequence[str]] = {}
        self._offered: list[str] = []
        self.display = False

    def compose(self) -> ComposeResult:
        yield Static("/", classes="mark")
        yield Input(compact=True)
        yield Static("", classes="said")

    @property
    def field(self) -> Input:
        """Where it is written."""
        return self.query_one(Input)

    @property
    def first(self) -> str:
        """What tab would make of it; empty where nothing is offered."""
        return self._offered[0] if self._offered else ""

    def open(self, text: str, fields: Fields | None = None) -> None:
        """Let a filter be written, beginning with the one that is."""
        self._fields = fields if fields is not None else self._fields
        self.display = True
        self.field.placeholder = example(self._fields)
        self.field.value = text
        # At once: `focus` would wait, and the next letters be keys of the screen.
        self.screen.set_focus(self.field)
        self._offer()

    def close(self) -> None:
        """Go away, with no filter asked for."""
        self.display = False

    def know(self, values: Mapping[str, Sequence[str]]) -> None:
        """Offer these values as well. A field shows what it holds as it is, so they are cleaned."""
        self._values = {name: [clean(one) for one in known] for name, known in values.items()}
        self._offer()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._offer()

    def _offer(self) -> None:
        text = self.field.value
        self._offered = completions(text, self._fields, self._values)
        self._say()

    def _say(self) -> None:
        text, said = self.field.value, self.query_one(".said", Static)
        # Behind the cursor stands what tab would write.
        ghost = self.first if self.first.startswith(text) else ""
        self.field.post_message(SuggestionReady(text, ghost))
        words_now = self._words(text)
        # The same words again would lay the whole screen out again.
        if said.content != words_now:
            said.update(words_now)

    def _words(self, text: str) -> Content:
        """How the last word may go on, or what is wrong."""
        if not self._offered:
            return words(wrong(text, self._fields), "bad")
        tails = [words(tail(text, one), "dim") for one in self._offered[1:]]
        chosen = words(tail(text, self.first), "key")
        return Content("  ").join([words("tab", "dim"), chosen, *tails])

    def action_take(self) -> None:
        """Write what is offered first."""
        if self.first:
            self.field.value = self.first
            self.field.cursor_position = len(self.first)

    def action_choose(self, by: int) -> None:
        """Offer another one first."""
        if self._offered:
            self._offered = self._offered[by:] + self._offered[:by]
            self._say()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if not wrong(event.value, self._fields):
            self.close()
            self.post_message(self.Asked(event.value.strip()))


# As many fields as 80 columns hold beside what is said of a filter.
_SHOWN = 4
_NUMBERS = {"number", "money", "duration"}


def example(fields: Fields) -> str:
    """What a filter by these fields looks like."""
    signs = [f"{name}{'>' if one.kind in _NUMBERS else ':'}…" for name, one in fields.items()]
    return " ".join([*signs[:_SHOWN], "text"])


def wrong(text: str, fields: Fields = FIELDS) -> str:
    """What is wrong with a filter; empty where nothing is."""
    try:
        parse(text, now=0.0, fields=fields)
    except FilterError as error:
        return str(error)
    return ""
