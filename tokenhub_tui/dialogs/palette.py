"""The palette: everything that can be done, found by its name."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Input, Static

from tokenhub_tui.dialogs.base import Dialog
from tokenhub_tui.state import palette
from tokenhub_tui.state.palette import Entry
from tokenhub_tui.widgets.table import Table
from tokenhub_tui.widgets.words import lines

Passed = Callable[[Entry | None], None]
Typed = Callable[[str], Entry | None]


class Palette(Dialog[str]):
    """Gives the id of what was chosen.

    `passed` hears what the cursor is on, and None of a palette that was left. `typed` gives what a
    text names by itself, though it was not among the entries.
    """

    BINDINGS: ClassVar = [
        Binding("escape", "leave", "Leave", show=False),
        Binding("down,ctrl+n", "move(1)", "Down", show=False),
        Binding("up", "move(-1)", "Up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
    ]
    TITLE_TEXT = "Commands"
    HINT = "⏎ Do · ↑↓ Choose · esc Leave"

    def __init__(
        self, entries: Sequence[Entry], passed: Passed, typed: Typed, *, text: str = ""
    ) -> None:
        super().__init__(classes="wide", id="palette")
        self._entries = list(entries)
        self._passed = passed
        self._typed = typed
        self._text = text

    def contents(self) -> ComposeResult:
        yield Input(
            value=self._text,
            placeholder="what to do, or a model, provider, key, request, theme, message",
            compact=True,
            select_on_focus=False,
        )
        yield Table(palette.COLUMNS, name="choices", head=False)
        yield Static(id="told")

    def on_mount(self) -> None:
        self.table.can_focus = False
        self.query_one(Input).focus()
        self._show()

    @property
    def table(self) -> Table:
        """What can be chosen."""
        return self.query_one("#choices", Table)

    def add(self, entries: Sequence[Entry]) -> None:
        """Take more in: what the server has came later."""
        self._entries += entries
        if self.is_mounted:
            self._show()

    def _show(self) -> None:
        found = palette.meant(self._entries, self._text)
        self.table.show([palette.row(one) for one in found])
        self._tell()

    def _tell(self) -> None:
        entry = self._entry(self.table.row_id)
        self.query_one("#told", Static).update(
            lines(entry.told if entry else f"Nothing is called {self._text!r} here.", "dim")
        )
        if entry is not None:
            self._passed(entry)

    def _entry(self, entry_id: str) -> Entry | None:
        return next((one for one in self._entries if one.id == entry_id), None)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._text = event.value
        named = self._typed(self._text.strip())
        if named is not None and self._entry(named.id) is None:
            self._entries.append(named)
        self._show()
        self.table.action_end(-1)

    def on_table_moved(self, message: Table.Moved) -> None:
        message.stop()
        self._tell()

    def on_table_opened(self, message: Table.Opened) -> None:
        message.stop()
        self._choose(message.row_id)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._choose(self.table.row_id)

    def _choose(self, entry_id: str) -> None:
        entry = self._entry(entry_id)
        if entry is None:
            return
        if entry.off:
            self.query_one("#told", Static).update(lines(f"Not now: {entry.off}.", "warn"))
            return
        self.dismiss(entry_id)

    def action_move(self, by: int) -> None:
        self.table.action_move(by)

    def action_page(self, by: int) -> None:
        self.table.action_page(by)

    def action_leave(self) -> None:
        self._passed(None)
        self.dismiss(None)
