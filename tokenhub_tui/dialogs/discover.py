"""What a provider offers, and which of it is to be registered."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widgets import Button, Static

from tokenhub.client.call import Call
from tokenhub.client.calls.catalog import put_model
from tokenhub.client.errors import ClientError, Refused
from tokenhub.wire.catalog import Discovery, ModelDone
from tokenhub_tui.dialogs.base import Dialog
from tokenhub_tui.link import Link
from tokenhub_tui.state import wizard
from tokenhub_tui.widgets.offers import Offers
from tokenhub_tui.widgets.words import lines
from tokenhub_tui.working import beside


async def register(link: Link, provider_id: str, models: Sequence[str]) -> AsyncIterator[str]:
    """Each model as soon as it is registered. Raises ClientError.

    A provider may offer hundreds, which is more than a server lets in at once.
    """
    for one in models:
        await _let_in(link, put_model(wizard.model(provider_id, one)))
        yield one


async def _let_in(link: Link, call: Call[ModelDone]) -> None:
    while True:
        try:
            await link(call)
        except Refused as error:
            if error.code != TOO_MANY:
                raise
        else:
            return
        await asyncio.sleep(REST_S)


# The server's code of one request too many from an address, which lets some in each second.
TOO_MANY, REST_S = "rate_limit_exceeded", 0.2


class Discover(Dialog[str]):
    """Registers what is ticked; gives what to say of it."""

    HINT = "space Tick · a All · / Narrow · ctrl+s Register · esc Leave"
    BINDINGS: ClassVar = [Binding("ctrl+s", "save", "Register", show=False)]

    def __init__(self, link: Link, found: Discovery) -> None:
        super().__init__()
        self.TITLE_TEXT = f"{found.provider_id} offers {found.total} models"  # type: ignore[misc] # of this one alone
        self._link = link
        self._found = found
        self._added: list[str] = []
        self._busy = False

    def contents(self) -> ComposeResult:
        yield Offers()
        yield Static("", id="said")
        with Horizontal(classes="buttons"):
            yield Button("Leave", id="leave", compact=True)
            yield Button("Register", id="save", variant="primary", compact=True)

    def on_mount(self) -> None:
        offers = self.query_one(Offers)
        offers.offer(self._found.models)
        offers.table.focus()

    def _say(self, text: str, tone: str = "") -> None:
        self.query_one("#said", Static).update(lines(text, tone))

    def on_offers_ticked(self) -> None:
        self._say(self.query_one(Offers).told())

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "save":
            self.action_save()
        else:
            self.action_leave()

    def action_save(self) -> None:
        if self._busy:
            return
        chosen = [one for one in self.query_one(Offers).chosen if one not in self._added]
        if not chosen:
            self._say("Nothing new is ticked; space ticks.", "warn")
            return
        self._busy = True
        beside(self, partial(self._register, chosen), group="save")

    async def _register(self, chosen: Sequence[str]) -> None:
        done = 0
        try:
            async for one in register(self._link, self._found.provider_id, chosen):
                self._added.append(one)
                done += 1
                self._say(f"Registered {done} of {len(chosen)} …", "dim")
        except ClientError as error:
            self._busy = False
            self._say(f"{error}\n{done} of {len(chosen)} were registered before that.", "bad")
            return
        self.dismiss(self._told())

    def action_leave(self) -> None:
        self.dismiss(self._told() if self._added else None)

    def _told(self) -> str:
        many = "model" if len(self._added) == 1 else "models"
        return f"Registered {len(self._added)} {many} of {self._found.provider_id}"
