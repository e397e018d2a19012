"""What the dialogs for passwords share: fields, a worker that asks, and what was wrong in place.

ctrl+s or enter ──> asked() in a worker ──> dismissed with its answer
                          └── refused ──> a line about it, the fields stay, the next try waits
"""

import math
from typing import ClassVar, TypeVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widgets import Button, Input, Static

from tokenhub.client.calls.vault import status
from tokenhub.client.errors import ClientError, Refused
from tokenhub_tui.clock import Clock
from tokenhub_tui.dialogs.base import Dialog
from tokenhub_tui.link import Link
from tokenhub_tui.state import vault
from tokenhub_tui.widgets.secret import Secret
from tokenhub_tui.widgets.words import lines, words
from tokenhub_tui.working import beside

T = TypeVar("T")
# The server's codes of a wrong password, and of one that came too soon after wrong ones.
_COUNTED = frozenset(("vault_password_wrong", "rate_limit_exceeded"))
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_SPIN_S = 0.1


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A password to write. One that is `new` is judged while it is written."""

    name: str
    label: str
    new: bool = False


class PasswordDialog(Dialog[T]):
    """`FIELDS` are asked for; `VERB` is on the button, `DOING` beside it while the server works."""

    BINDINGS: ClassVar = [
        Binding("f2", "reveal", "Show", show=False, priority=True, id="vault.reveal"),
        Binding("ctrl+s", "submit", "Save", show=False, priority=True),
    ]
    HINT = "F2 Show · esc Cancel"
    FIELDS: ClassVar[tuple[Field, ...]] = ()
    VERB: ClassVar[str] = ""
    DOING: ClassVar[str] = ""

    def __init__(self, link: Link, clock: Clock) -> None:
        super().__init__()
        self.link = link
        self._clock = clock
        self._wait_until = 0.0
        self._spun: int | None = None
        self._asked_once = False

    def contents(self) -> ComposeResult:
        for field in self.FIELDS:
            yield Static(words(field.label, "head"))
            yield Secret(name=field.name, classes="new" if field.new else "")
            if field.new:
                yield Static("", id="strength")
        yield from self.notes()
        yield Static("", id="said")
        with Horizontal(classes="buttons"):
            yield Button("Cancel", id="cancel", compact=True)
            yield Button(self.VERB, id="yes", variant="primary", compact=True)

    def notes(self) -> ComposeResult:
        """What stands below the fields."""
        yield from ()

    async def asked(self) -> T:
        """Ask the server, with what is written; what the dialog comes to. Raises ClientError."""
        raise NotImplementedError

    def wrong(self) -> tuple[str, str]:
        """The field that keeps it from being asked yet, and why; both empty where none does."""
        for field in self.FIELDS:
            password = self.written(field.name)
            if not password:
                return field.name, "Something is to be written here first."
            if field.new and len(password) < vault.LEAST_CHARS:
                return field.name, f"It is {vault.strength(password)[0]}."
        return "", ""

    def written(self, name: str) -> str:
        """What stands in a field."""
        return self.query_one(f"#{name}", Secret).value

    def _names(self) -> list[str]:
        return [field.name for field in self.FIELDS]

    def on_mount(self) -> None:
        self.set_interval(_SPIN_S, self._spin)
        self.query(Secret).first().focus()

    # --- Writing ---

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        for field in self.FIELDS:
            if field.new and event.input.id == field.name:
                self.query_one("#strength", Static).update(words(*vault.strength(event.value)))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """The next field that is empty; after the last, go on."""
        event.stop()
        empty = [name for name in self._names() if not self.written(name)]
        if empty:
            self.query_one(f"#{empty[0]}").focus()
        else:
            self.action_submit()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "yes":
            self.action_submit()
        else:
            self.action_leave()

    def action_reveal(self) -> None:
        for field in self.query(Secret):
            field.toggle()

    def action_leave(self) -> None:
        """Go; while the server works, only at the second time."""
        if self._spun is not None and not self._asked_once:
            self._asked_once = True
            self.tell("The server is at it. esc again does not wait: it may be done then.", "warn")
            return
        self.dismiss(None)

    # --- Asking ---

    def action_submit(self) -> None:
        if self._spun is not None or self._wait_s() > 0:
            return
        field, why = self.wrong()
        if field:
            self.tell(why, "warn")
            self.query_one(f"#{field}").focus()
            return
        self.tell("")
        self._spun, self._asked_once = 0, False
        self._draw_button()
        beside(self, self._ask, group="password")

    async def _ask(self) -> None:
        try:
            answer = await self.asked()
        except ClientError as error:
            await self._refused(error)
            return
        self.dismiss(answer)

    async def _refused(self, error: ClientError) -> None:
        """Say what was wrong, in place; the fields stay, and the server's wait is kept."""
        text = f"✗ {error}"
        if isinstance(error, Refused) and error.code in _COUNTED:
            text = await self._wrong() or text
        self._spun = None
        self.tell(text, "bad")
        self._draw_button()
        self.query(Secret).first().focus()

    def on_broken(self) -> None:
        self._spun = None
        self._draw_button()

    async def _wrong(self) -> str:
        """What the server counts of wrong tries; empty where it does not say."""
        try:
            told = await self.link(status())
        except ClientError:
            return ""
        self._wait_until = self._clock.now() + told.retry_after_s
        return vault.refused(told, told.retry_after_s)

    def tell(self, text: str, tone: str = "") -> None:
        """Say something below the fields."""
        self.query_one("#said", Static).update(lines(text, tone))

    def _wait_s(self) -> float:
        return max(0.0, self._wait_until - self._clock.now())

    def _spin(self) -> None:
        if self._spun is not None:
            self._spun += 1
        self._draw_button()

    def _draw_button(self) -> None:
        button = self.query_one("#yes", Button)
        wait_s = self._wait_s()
        if self._spun is not None:
            label = f"{_SPINNER[self._spun % len(_SPINNER)]} {self.DOING}"
        else:
            label = f"{self.VERB} in {math.ceil(wait_s)} s" if wait_s else self.VERB
        if str(button.label) != label:
            button.label = label
        button.disabled = self._spun is not None or wait_s > 0
