"""A small menu: one of several rows."""

from collections.abc import Sequence

from textual.app import ComposeResult

from tokenhub_tui.dialogs.base import Dialog
from tokenhub_tui.state.cells import Column, Row
from tokenhub_tui.widgets.table import Table


class Choose(Dialog[str]):
    """The id of the row that was chosen, or None."""

    HINT = "enter Choose · esc Leave"

    def __init__(self, title: str, columns: Sequence[Column], rows: Sequence[Row]) -> None:
        super().__init__()
        self.TITLE_TEXT = title  # type: ignore[misc] # the question is of this one alone
        self._columns = columns
        self._rows = rows

    def contents(self) -> ComposeResult:
        yield Table(self._columns, name="choices", head=False)

    def on_mount(self) -> None:
        table = self.query_one("#choices", Table)
        table.styles.height = len(self._rows)
        table.show(self._rows)
        table.focus()

    def on_table_opened(self, message: Table.Opened) -> None:
        message.stop()
        self.dismiss(message.row_id)
