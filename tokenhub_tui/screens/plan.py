"""One orchestration: what became of it, and the requests that were its steps."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from tokenhub.client.calls.orchestrations import get_orchestration
from tokenhub.wire.orchestrations import OrchestrationDetail
from tokenhub_tui.screens.base import Page, bindings
from tokenhub_tui.state import plan, requests
from tokenhub_tui.widgets.table import Table
from tokenhub_tui.widgets.words import words


class PlanPage(Page[OrchestrationDetail]):
    """It stands above the request that it was opened from."""

    NAME = "plan"
    BINDINGS: ClassVar = bindings(NAME)
    CSS_PATH: ClassVar = ["../styles/request.tcss"]

    def __init__(self, plan_id: str) -> None:
        super().__init__()
        self._plan_id = plan_id
        self._over = False

    @property
    def every_s(self) -> float | None:
        """One that has ended changes no more."""
        return None if self._over else self.EVERY_S

    def contents(self) -> ComposeResult:
        yield Static("", id="request-title")
        with Vertical(classes="box") as box:
            box.border_title = words(f"Steps of {self._plan_id}, in the order of their asking")
            yield Table(requests.COLUMNS, name="steps")

    async def load(self) -> OrchestrationDetail:
        """The plan with its steps."""
        return await self.console.link(get_orchestration(self._plan_id))

    def show(self, data: OrchestrationDetail) -> None:
        """Draw them."""
        self._over = data.status != "running"
        self.query_one("#request-title", Static).update(words(*plan.title(data)))
        table = self.query_one("#steps", Table)
        now = self.console.clock.now()
        table.show([requests.row(step, now) for step in data.steps])
        if self.focused is None:
            table.focus()

    def on_table_opened(self, message: Table.Opened) -> None:
        self.console.open_request(message.row_id)

    def action_open(self) -> None:
        self.query_one("#steps", Table).action_open()

    def action_copy(self) -> None:
        self.console.copy(self._plan_id, self._plan_id)
