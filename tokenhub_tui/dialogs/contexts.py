"""Another server: those that have a name, and how each is doing."""

import asyncio
from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Static

from tokenhub.client.calls.info import info
from tokenhub.client.contexts import Contexts
from tokenhub.client.errors import ClientError, Unauthorized, Unreachable
from tokenhub.client.profile import Profile
from tokenhub.client.transport import AsyncClient
from tokenhub_tui.dialogs.base import Dialog
from tokenhub_tui.state import contexts
from tokenhub_tui.state.contexts import Looked
from tokenhub_tui.widgets.table import Table
from tokenhub_tui.widgets.words import lines
from tokenhub_tui.working import beside

# Whoever is there answers at once; the list is no place to wait.
PATIENCE_S = 4.0
# What is given where the token of the server in use is to be another.
TOKEN = "\0token"  # noqa: S105 - the name of a choice, no token


class ChooseContext(Dialog[str]):
    """Gives the name of a context, or TOKEN for another token for the server in use."""

    BINDINGS: ClassVar = [
        Binding("escape,c", "leave", "Leave", show=False),
        Binding("t", "token", "Token", show=False),
    ]
    TITLE_TEXT = "Servers"
    HINT = "⏎ Use · t Another token · esc Leave"

    def __init__(self, known: Contexts, here: str, profile: Callable[[str], Profile]) -> None:
        super().__init__(classes="wide", id="contexts")
        self._known = known
        self._here = here
        self._profile = profile
        self._looked: dict[str, Looked] = {}

    def contents(self) -> ComposeResult:
        if self._known.contexts:
            yield Table(contexts.COLUMNS, name="servers")
        else:
            yield Static(lines("No server has a name yet."))
        yield Static(lines("tokenhubctl login URL -c NAME   names one", "dim"))

    def on_mount(self) -> None:
        if not self._known.contexts:
            return
        self._draw()
        table = self.query_one(Table)
        table.go(self._here)
        table.focus()
        beside(self, self._look_at_all, group="look")

    def _draw(self) -> None:
        self.query_one(Table).show(contexts.rows(self._known, self._looked, self._here))

    async def _look_at_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            for name in self._known.contexts:
                group.create_task(self._look(name))

    async def _look(self, name: str) -> None:
        """Ask one server how it is."""
        try:
            async with AsyncClient(self._profile(name), timeout_s=PATIENCE_S, retries=0) as client:
                told = await client(info())
        except ClientError as error:
            self._looked[name] = Looked(why=_why(error))
        else:
            self._looked[name] = Looked(info=told)
        self._draw()

    def on_table_opened(self, message: Table.Opened) -> None:
        message.stop()
        self.dismiss(message.row_id)

    def action_token(self) -> None:
        self.dismiss(TOKEN)


def _why(error: ClientError) -> str:
    """What is wrong with a server in two words; the rest is said where it is used."""
    if isinstance(error, Unauthorized):
        return "token refused"
    return "no answer" if isinstance(error, Unreachable) else str(error)
