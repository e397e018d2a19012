"""What a provider offers, to tick: space one, a all that are shown, / narrows them down."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from tokenhub.wire.catalog import Found
from tokenhub_tui.state import wizard
from tokenhub_tui.widgets.table import Table


class Offers(Vertical):
    """A list with marks; `chosen` are the ids that are ticked, in the order of the list."""

    BINDINGS: ClassVar = [
        Binding("space", "tick", "Tick", show=False),
        Binding("a", "all", "All", show=False),
        Binding("slash", "narrow", "Narrow", show=False),
    ]

    class Ticked(Message):
        """Others are ticked."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(id=name)
        self._found: Sequence[Found] = ()
        self._chosen: set[str] = set()

    def compose(self) -> ComposeResult:
        yield Input(placeholder="/ narrows the list", compact=True, id="narrow")
        yield Table(wizard.OFFERS, name="offers")

    @property
    def chosen(self) -> list[str]:
        """Those that are ticked and were not registered before."""
        return [one.id for one in self._found if one.id in self._chosen]

    @property
    def table(self) -> Table:
        """The list."""
        return self.query_one("#offers", Table)

    def offer(self, found: Sequence[Found]) -> None:
        """Offer these, none of them ticked."""
        self._found = found
        self._chosen = set()
        self._draw()

    def _draw(self) -> None:
        self.table.show(
            wizard.offers(self._found, self._chosen, self.query_one(Input).value.strip())
        )
        self.post_message(self.Ticked())

    def told(self) -> str:
        """How many are ticked."""
        return wizard.chosen_of(self._found, self._chosen)

    def _new(self) -> set[str]:
        """What is shown and can be ticked."""
        there = {one.id for one in self._found if one.registered}
        return {row.id for row in self.table.rows} - there

    def action_tick(self) -> None:
        self._chosen ^= {self.table.row_id} & self._new()
        self._draw()
        self.table.action_move(1)

    def action_all(self) -> None:
        new = self._new()
        self._chosen = self._chosen - new if new <= self._chosen else self._chosen | new
        self._draw()

    def action_narrow(self) -> None:
        self.screen.set_focus(self.query_one(Input))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._draw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.table.focus()

    def on_table_opened(self, message: Table.Opened) -> None:
        message.stop()
        self.action_tick()
