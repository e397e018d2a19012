"""Why not another route: any of a decision, and what lost it."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.widgets import Static

from tokenhub_tui.dialogs.base import Dialog
from tokenhub_tui.state import candidates
from tokenhub_tui.state.cells import Column
from tokenhub_tui.state.feed import Line
from tokenhub_tui.state.why import why
from tokenhub_tui.widgets.table import Table
from tokenhub_tui.widgets.words import lines

_COLUMNS = (
    Column(id="mark", title="", width=1),
    Column(id="route", title="route", width=24, most=40),
    Column(id="score", title="score", width=7, right=True),
    Column(id="bar", title="", width=candidates.BAR),
)
_SHOWN = ("mark", "route", "score", "draw", "bar")


class WhyNot(Dialog[None]):
    """The routes of one decision; under them a sentence about the one with the cursor."""

    TITLE_TEXT = "Why not?"
    HINT = "↑ ↓ another route · esc Close"
    BINDINGS: ClassVar = [("enter,w,q", "leave", "Close")]

    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line

    def contents(self) -> ComposeResult:
        yield Table(_COLUMNS, name="routes")
        yield Static("", id="why")

    def on_mount(self) -> None:
        decision = self._line.decision
        if decision is None:
            return
        asked = f"{self._line.provider_id}/{self._line.model_id}"
        places = [n for n, one in enumerate(candidates.columns(decision)) if one.id in _SHOWN]
        table = self.query_one(Table)
        rows = [
            row
            if row.tail is not None
            else type(row)(id=row.id, cells=tuple(row.cells[n] for n in places))
            for row in candidates.rows(decision, asked)
        ]
        table.styles.height = min(len(rows), 10) + 1
        table.show(rows)
        # Whoever asks "why not" means one of the others.
        table.go(rows[min(1, len(rows) - 1)].id if rows else "")
        table.focus()
        self._say(table.row_id)

    def on_table_moved(self, message: Table.Moved) -> None:
        message.stop()
        self._say(message.row_id)

    def on_table_opened(self, message: Table.Opened) -> None:
        message.stop()
        self.dismiss(None)

    def _say(self, row_id: str) -> None:
        self.query_one("#why", Static).update(lines(why(self._line, row_id.removeprefix("-"))))
