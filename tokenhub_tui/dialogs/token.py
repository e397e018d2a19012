"""The admin token of a server that wants another."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Checkbox, Input, Static

from tokenhub_tui.dialogs.base import Dialog
from tokenhub_tui.widgets.secret import Secret
from tokenhub_tui.widgets.words import lines
from tokenhub_tui.working import beside


class Token(NamedTuple):
    """What was typed, and whether it is to be kept."""

    text: str
    keep: bool


class AskToken(Dialog[Token]):
    """Gives a token that the server takes. `tries` says what is wrong with one, or nothing.

    `place` is where it would be kept; empty where nothing is.
    """

    TITLE_TEXT = "Admin token"
    HINT = "⏎ Sign in · esc Leave"

    def __init__(
        self, url: str, why: str, place: str, tries: Callable[[str], Awaitable[str]]
    ) -> None:
        super().__init__()
        self._url = url
        self._why = why
        self._place = place
        self._tries = tries

    def contents(self) -> ComposeResult:
        yield Static(lines(f"{self._url}\n{self._why}" if self._why else self._url, "dim"))
        yield Secret(name="token", placeholder="admin token")
        yield Static("", id="said")
        if self._place:
            yield Checkbox(f"Keep it as context {self._place}", compact=True)
        yield Static(lines("The server's own is in .admin-token beside its data.", "dim"))
        with Horizontal(classes="buttons"):
            yield Button("Leave", id="cancel", compact=True)
            yield Button("Sign in", id="yes", variant="primary", compact=True)

    def on_mount(self) -> None:
        self.query_one(Secret).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._try()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "yes":
            self._try()
        else:
            self.action_leave()

    def _try(self) -> None:
        beside(self, self._tried, group="try")

    async def _tried(self) -> None:
        """Ask the server, and say in place where it will not have it."""
        text = self.query_one(Secret).value.strip()
        self._say("Asking …", "dim")
        wrong = await self._tries(text) if text else "Type or paste it."
        if wrong:
            self._say(f"✗ {wrong}", "bad")
            return
        keep = any(box.value for box in self.query(Checkbox))
        self.dismiss(Token(text, keep))

    def _say(self, text: str, tone: str) -> None:
        self.query_one("#said", Static).update(lines(text, tone))
