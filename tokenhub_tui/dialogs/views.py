"""Saved views of the log: use one, save the filter as one, delete one."""

from collections.abc import Sequence

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Input, Static

from tokenhub.wire.views import View
from tokenhub_tui.dialogs.base import Dialog
from tokenhub_tui.state.cells import Column, Row
from tokenhub_tui.widgets.table import Table
from tokenhub_tui.widgets.words import lines

USE, SAVE, DELETE = "use", "save", "delete"
MOST_ROWS = 12
_COLUMNS = (
    Column(id="name", title="name", width=12, most=24),
    Column(id="filter", title="filter", width=20, most=60),
    Column(id="columns", title="columns", width=8, most=40, rank=1),
)


class Picked(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done: USE or DELETE a view, or SAVE the filter under a name."""

    verb: str
    name: str = ""


class Views(Dialog[Picked]):
    """`wanted` is the filter that could be saved; with `read_only`, none is saved or deleted."""

    TITLE_TEXT = "Saved views"
    BINDINGS = [Binding("s", "save", "Save"), Binding("d", "delete", "Delete")]

    def __init__(self, views: Sequence[View], wanted: str, *, read_only: bool) -> None:
        super().__init__()
        self._views = views
        self._wanted = wanted
        self._read_only = read_only
        keys = ["enter Use"] if views else []
        if not read_only:
            keys += ["s Save this filter", *(["d Delete"] if views else [])]
        self.HINT = " · ".join([*keys, "esc Leave"])  # type: ignore[misc] # of this one alone

    def contents(self) -> ComposeResult:
        if not self._views:
            yield Static(lines("There is no view yet."))
            make = "tokenhubctl view set  makes one"
            if not self._read_only:
                make = "s saves this filter as one; so does  tokenhubctl view set"
            yield Static(lines(make, "dim"))
        yield Table(_COLUMNS, name="views", head=bool(self._views))

    def on_mount(self) -> None:
        table = self.query_one("#views", Table)
        table.styles.height = min(MOST_ROWS, len(self._views)) + bool(self._views)
        table.show([_row(one) for one in self._views])
        table.focus()

    def on_table_opened(self, message: Table.Opened) -> None:
        message.stop()
        self.dismiss(Picked(verb=USE, name=message.row_id))

    def action_save(self) -> None:
        if not self._read_only:
            self.dismiss(Picked(verb=SAVE))

    def action_delete(self) -> None:
        table = self.query_one("#views", Table)
        if table.row_id and not self._read_only:
            self.dismiss(Picked(verb=DELETE, name=table.row_id))


class Named(Dialog[str]):
    """A name for something. `what` says for what."""

    TITLE_TEXT = "Save as a view"
    HINT = "enter Save · esc Leave"

    def __init__(self, what: str, name: str = "") -> None:
        super().__init__()
        self._what = what
        self._name = name

    def contents(self) -> ComposeResult:
        yield Static(lines(self._what))
        yield Input(self._name, placeholder="name", compact=True)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip():
            self.dismiss(event.value.strip())


def _row(one: View) -> Row:
    filtered = one.filter or "all requests"
    return Row(id=one.name, cells=(one.name, filtered, " ".join(one.columns)))
