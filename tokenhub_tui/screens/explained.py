"""One policy, candidate by candidate."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from tokenhub.wire.simulate import Result, Simulation
from tokenhub_tui.screens.base import Page, bindings
from tokenhub_tui.state import candidates, differing, explained
from tokenhub_tui.widgets.table import Table
from tokenhub_tui.widgets.words import lines, words


class ExplainedPage(Page[Result]):
    """Stands above the simulator; nobody is asked for what it shows."""

    NAME = "explained"
    EVERY_S = None
    BINDINGS: ClassVar = bindings(NAME)
    CSS_PATH: ClassVar = ["../styles/explained.tcss"]

    def __init__(self, letter: str, result: Result, question: Simulation) -> None:
        super().__init__()
        self._letter = letter
        self._result = result
        self._question = question

    def contents(self) -> ComposeResult:
        yield Static(lines(explained.told(self._result, self._question)), id="told")
        with Vertical(classes="box") as box:
            box.border_title = explained.title(self._letter, self._result)
            yield Table(candidates.COLUMNS, name="candidates")
        yield Static(id="why")

    async def load(self) -> Result:
        """What the simulator has found."""
        return self._result

    def show(self, data: Result) -> None:
        """Draw the candidates; those of a policy that draws by how often each comes first."""
        table = self.query_one("#candidates", Table)
        if data.explained is not None:
            table.show(explained.rows(data), columns=candidates.columns(data.explained))
        table.focus()
        self._say(table.row_id)

    def on_table_moved(self, message: Table.Moved) -> None:
        self._say(message.row_id)

    def _say(self, row_id: str) -> None:
        self._why = differing.standing(self._result, row_id.removeprefix("-"))
        self.query_one("#why", Static).update(words(self._why))

    def action_copy(self) -> None:
        self.console.copy(self._why, "why it is where it is")
