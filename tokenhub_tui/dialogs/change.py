"""One entry of the audit trail: what the change found, and what it left."""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tokenhub.client.text import local
from tokenhub.wire.audit import AuditEntry
from tokenhub_tui.dialogs.base import Dialog
from tokenhub_tui.state import audit
from tokenhub_tui.widgets.table import Table
from tokenhub_tui.widgets.words import words


class Change(Dialog[None]):
    """The differences field by field, and who, from where, by which request."""

    HINT = "esc Back"
    BINDINGS = [Binding("enter", "leave", "Back", show=False)]

    def __init__(self, entry: AuditEntry) -> None:
        super().__init__()
        self._entry = entry
        self.TITLE_TEXT = f"{entry.action} {entry.resource} · {local(entry.timestamp)}"  # type: ignore[misc] # of this one alone

    def contents(self) -> ComposeResult:
        facts = [
            words(f"{name:>8} ", "dim") + words(text) for name, text in audit.facts(self._entry)
        ]
        yield Static(Content("\n").join(facts))
        with VerticalScroll():
            yield Table(audit.DIFF, name="diff", cursor=False)
            yield Static(words("It changed nothing that is told.", "dim"), id="none")

    def on_mount(self) -> None:
        rows = audit.diff_rows(self._entry)
        table = self.query_one("#diff", Table)
        table.styles.height = len(rows) + 1
        table.display, self.query_one("#none").display = bool(rows), not rows
        table.show(rows)
        self.query_one(VerticalScroll).focus()
