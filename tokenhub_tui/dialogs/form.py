"""A form: ctrl+s saves, esc leaves and asks first where something is written.

It takes a small terminal whole, and stands beside the page of a large one.

What the server finds wrong stands under its field. Where somebody else has changed the row
meanwhile, theirs and yours stand side by side, and ctrl+s saves yours over theirs.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import ClassVar, Protocol, TypeVar, cast

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.timer import Timer
from textual.widgets import Button, Static

from tokenhub.client.errors import ClientError, Conflict, Refused
from tokenhub_tui.dialogs.base import Dialog
from tokenhub_tui.dialogs.confirm import Confirm
from tokenhub_tui.state import form
from tokenhub_tui.state.form import Field, Value, Values
from tokenhub_tui.widgets.form import Form
from tokenhub_tui.widgets.words import lines, words
from tokenhub_tui.working import beside

R = TypeVar("R")

# What is written, and what of it is another than before.
Save = Callable[[dict[str, Value], dict[str, Value]], Awaitable[R]]


# What is still being written is not asked about.
REST_S = 0.4


class Explaining(Protocol):
    """What the dialog asks of the app."""

    def explained(self, error: Exception, *, asked: bool) -> tuple[str, str]:
        """What went wrong in a sentence, and what to do about it; see tokenhub_tui.remedies."""


class FormDialog(Dialog[R]):
    """Asks for fields, and saves them; gives what `save` gave, or None.

    `save` may raise ClientError and msgspec.ValidationError: the dialog stays and tells.
    `theirs` reads the row anew after a conflict, and from then on `save` goes by what it read.
    `new` is a form that may be saved as it is. `effect` tells what the values would come to, and
    is asked once they rest.
    """

    BINDINGS: ClassVar = [
        Binding("ctrl+s", "save", "Save", show=False),
        Binding("f5", "take_theirs", "Take theirs", show=False),
    ]

    def __init__(
        self,
        title: str,
        fields: Sequence[Field],
        save: Save[R],
        *,
        theirs: Callable[[], Awaitable[Values]] | None = None,
        effect: Callable[[dict[str, Value]], Awaitable[str]] | None = None,
        new: bool = False,
        verb: str = "Save",
    ) -> None:
        # A single question needs no room of its own.
        super().__init__(classes="page" if len(fields) > 1 else "")
        self._title = title
        self._fields = tuple(fields)
        self._save = save
        self._theirs = theirs
        self._effect = effect
        self._resting: Timer | None = None
        self._new = new
        self._verb = verb
        self._other: Values | None = None
        self._busy = False
        self._asked_once = False

    @property
    def form(self) -> Form:
        """The fields."""
        return self.query_one(Form)

    def contents(self) -> ComposeResult:
        yield Form(self._fields)
        yield Static("", id="help")
        yield Static("", id="said")
        with Horizontal(classes="buttons"):
            yield Static("", id="changes")
            yield Button("Leave", id="leave", compact=True)
            yield Button(self._verb, id="save", variant="primary", compact=True)

    def on_mount(self) -> None:
        box = self.query_one("#box")
        box.border_title = words(self._title)
        self._hint()
        self.form.enter()
        self._behind = self.app.screen_stack[-2]
        # It makes room, where it is wide enough.
        self._behind.set_class(self.has_class("page"), "-beside")

    def on_unmount(self) -> None:
        self._behind.remove_class("-beside")

    def _hint(self) -> None:
        secret = any(one.kind == form.SECRET for one in self._fields)
        theirs = self._other is not None
        self.query_one("#box").border_subtitle = " · ".join(
            part
            for part, wanted in (
                (f"ctrl+s {self._verb}", True),
                ("F5 Take theirs", theirs),
                ("F2 Show secret", secret and not theirs),
                ("ctrl+z Undo field", not theirs),
                ("esc Leave", True),
            )
            if wanted
        )

    def say(self, text: str, tone: str = "bad") -> None:
        """Say something about the whole form."""
        said = self.query_one("#said", Static)
        said.display = bool(text)
        said.update(lines(text, tone))

    def on_form_entered(self, message: Form.Entered) -> None:
        self.query_one("#help", Static).update(lines(message.help, "dim"))

    def on_form_changed(self, message: Form.Changed) -> None:
        message.stop()
        told = form.told(self._fields, self.form.before, self.form.peek())
        self.query_one("#changes", Static).update(
            lines(f"Changed: {told}" if told and not self._new else "", "key")
        )
        if self._effect is not None:
            if self._resting is not None:
                self._resting.stop()
            self._resting = self.set_timer(REST_S, self._ask_effect)

    def _ask_effect(self) -> None:
        beside(self, self._tell_effect, group="effect")

    async def _tell_effect(self) -> None:
        """Say what the values would come to, where they can be read and are others."""
        values = self.form.peek()
        if self._effect is None or self._busy or len(values) < len(self._fields):
            return
        new = form.changed(self._fields, self.form.before, values)
        try:
            self.say(await self._effect(values) if new else "", "")
        except (ClientError, msgspec.ValidationError) as error:
            self.say(f"What it would come to cannot be told: {error}", "dim")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "save":
            self.action_save()
        else:
            self.action_leave()

    # --- Saving ---

    def action_save(self) -> None:
        """Send what is written, where it can be read and something of it is new."""
        values = self.form.values()
        if values is None or self._busy:
            return
        new = form.changed(self._fields, self.form.before, values)
        if not new and not self._new:
            self.say("Nothing is changed.", "dim")
            return
        self._busy, self._asked_once = True, False
        self.say("Saving …", "dim")
        beside(self, partial(self._send, values, new), group="save")

    async def _send(self, values: dict[str, Value], new: dict[str, Value]) -> None:
        try:
            self.dismiss(await self._save(values, new))
        except msgspec.ValidationError as error:
            self._place(form.faults(error), "")
        except Conflict as error:
            await self._conflict(error)
        except ClientError as error:
            why, remedy = cast("Explaining", self.app).explained(error, asked=False)
            # Letters are written into the field here.
            if remedy.startswith(("u ", "c ")):
                remedy = f"esc leaves; then {remedy}"
            remedy = remedy or "ctrl+s tries again"
            fields = error.fields if isinstance(error, Refused) else ()
            self._place(fields, why if fields else f"{why}\n{remedy}")
        finally:
            self._busy = False

    def _place(self, faults: Sequence[tuple[str, str]], said: str) -> None:
        under, others = form.placed(faults, self._fields)
        self.form.complain(under)
        self.say("" if under and not others else "; ".join(others) or said)

    async def _conflict(self, error: Conflict) -> None:
        """Show what somebody else has made of the row meanwhile, beside what is written here."""
        if self._theirs is None:
            self._place(error.fields, str(error))
            return
        try:
            theirs = await self._theirs()
        except ClientError as gone:
            self.say(f"{error}\n{gone}")
            return
        self._other = theirs
        merged = form.merged(self._fields, self.form.before, self.form.peek(), theirs)
        self.form.begin_anew({**self.form.before, **theirs}, merged.values)
        for field in self._fields:
            if field.id in merged.both:
                said = f"theirs {form.shown(field, theirs[field.id])}"
                ours = form.shown(field, merged.values[field.id])
                self.call_after_refresh(
                    self.form.row(field.id).say, f"{said} · yours {ours}", "warn"
                )
        self.say("Somebody else has changed it meanwhile. ctrl+s saves yours over theirs.", "warn")
        self._hint()

    def action_take_theirs(self) -> None:
        """Forget what is written here for what somebody else has saved."""
        if self._other is not None:
            self.form.begin_anew(self.form.before, self.form.before)
            self.form.complain({})
            self.say("")

    # --- Leaving ---

    def action_leave(self) -> None:
        """Go, but not with something written that nobody meant to lose."""
        if self._busy and not self._asked_once:
            # The answer may be all that ever shows a new key.
            self._asked_once = True
            self.say("It is being saved. esc again does not wait for what comes of it.", "warn")
            return
        if self._busy:
            self.workers.cancel_group(self, "save")
            self._busy = False
            self.say("It is not waited for any more; it may have been saved all the same.", "warn")
            return
        if not self.form.dirty:
            self.dismiss(None)
            return
        told = form.told(self._fields, self.form.before, self.form.peek())
        effect = f"What is written here is not saved.\n{told}" if told else "It is not saved."
        self.app.push_screen(Confirm(effect, "Leave"), self._sure)

    def _sure(self, yes: bool | None) -> None:  # noqa: FBT001 - Textual's own parameter
        if yes:
            self.dismiss(None)
