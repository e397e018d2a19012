"""A new provider, step by step: type, endpoint, key, test, models.

Type ─> Endpoint ─> Key ──save──> Test ──> Models ──register──> Done: the same as commands and YAML

Each step can be left with esc and gone on with later: the draft is the screen's. The key alone is
not in it. From the third step on the server has the provider, and its id stays.
"""

from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import ClassVar, Protocol, cast

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Button, ContentSwitcher, Static

from tokenhub.client.calls.catalog import discover_models, put_provider
from tokenhub.client.calls.health import test_provider
from tokenhub.client.errors import ClientError, Refused
from tokenhub_tui.dialogs.base import Dialog
from tokenhub_tui.dialogs.discover import register
from tokenhub_tui.link import Link
from tokenhub_tui.state import form, health, wizard
from tokenhub_tui.state.wizard import DONE, ENDPOINT, KEY, MODELS, TEST, TYPE, Draft
from tokenhub_tui.widgets.form import Form
from tokenhub_tui.widgets.offers import Offers
from tokenhub_tui.widgets.words import lines, words
from tokenhub_tui.working import beside


class Copying(Protocol):
    """What the wizard asks of the app."""

    def copy(self, text: str, what: str) -> None:
        """Give the user a text for elsewhere."""


class Wizard(Dialog[bool]):
    """Goes on where the draft is; True where it went through, False where it was left."""

    TITLE_TEXT = "New provider"
    BINDINGS: ClassVar = [
        Binding("ctrl+s", "next", "Next", show=False),
        Binding("ctrl+b", "before", "Back", show=False),
        Binding("y", "copy('commands')", "Copy the commands", show=False),
        Binding("Y", "copy('document')", "Copy the YAML", show=False),
    ]

    def __init__(self, link: Link, draft: Draft, taken: Collection[str]) -> None:
        super().__init__()
        self._link = link
        self._draft = draft
        self._taken = taken
        # A change is under way; a question can be left at any time.
        self._busy = False
        self._asked_once = False

    def contents(self) -> ComposeResult:
        yield Static("", id="progress")
        with ContentSwitcher(initial="step-0", id="steps"):
            for place, fields in enumerate(wizard.fields(self._draft)):
                yield Form(fields, name=f"step-{place}")
            yield Static("", id=f"step-{TEST}")
            yield Offers(f"step-{MODELS}")
            with VerticalScroll(id=f"step-{DONE}"):
                yield Static("", id="same")
        yield Static("", id="help")
        yield Static("", id="said")
        with Horizontal(classes="buttons"):
            yield Button("Back", id="before", compact=True)
            yield Button("Next", id="next", variant="primary", compact=True)

    def on_mount(self) -> None:
        self._go(self._draft.step if self._draft.saved else min(self._draft.step, KEY))

    def _form(self, step: int) -> Form:
        return self.query_one(f"#step-{step}", Form)

    def _say(self, text: str, tone: str = "") -> None:
        self.query_one("#said", Static).update(lines(text, tone))

    # --- Steps ---

    def _go(self, step: int) -> None:
        draft = self._draft
        draft.step = step
        self.workers.cancel_group(self, "step")
        self.query_one("#progress", Static).update(words(wizard.progress(step), "key"))
        self.query_one("#steps", ContentSwitcher).current = f"step-{step}"
        self.query_one("#help", Static).update("")
        self.query_one("#before", Button).display = TYPE < step < DONE
        self.query_one("#next", Button).label = _VERBS.get(step, "Next")
        self.query_one("#box").border_subtitle = words(_HINTS.get(step, _HINT))
        self._say("")
        if step <= KEY:
            self._enter_form(step)
        elif step == TEST:
            self.query_one("#next", Button).focus()
            self._meanwhile(self._test)
        elif step == MODELS:
            self.query_one(Offers).table.focus()
            self._meanwhile(self._discover)
        else:
            self.query_one("#next", Button).focus()
            self._show_same()

    def _enter_form(self, step: int) -> None:
        if step == ENDPOINT and not self._draft.saved:
            name, url = wizard.proposed(self._draft, self._taken)
            self._form(step).row("id").write(name)
            self._form(step).row("base_url").write(url)
        self._form(step).enter()
        if self._draft.saved and step == TYPE:
            self.query_one("#next", Button).focus()

    def on_form_entered(self, message: Form.Entered) -> None:
        self.query_one("#help", Static).update(lines(message.help, "dim"))

    def on_form_done(self) -> None:
        self.action_next()

    def on_offers_ticked(self) -> None:
        if self._draft.step == MODELS:
            self._say(self.query_one(Offers).told())

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "next":
            self.action_next()
        else:
            self.action_before()

    def action_before(self) -> None:
        if TYPE < self._draft.step < DONE and not self._busy:
            self._go(self._draft.step - 1)

    def action_next(self) -> None:
        """What this step is for, and on to the next."""
        step = self._draft.step
        if self._busy:
            return
        if step == DONE:
            self.dismiss(True)  # noqa: FBT003 - Textual's own parameter
        elif step == MODELS:
            self._meanwhile(self._register, changes=True)
        elif step == TEST:
            self._go(MODELS)
        elif (values := self._form(step).values()) is not None:
            self._took(step, values)

    def _took(self, step: int, values: dict[str, form.Value]) -> None:
        draft = self._draft
        if step == KEY:
            self._meanwhile(partial(self._save, str(values["api_key"])), changes=True)
            return
        if step == ENDPOINT:
            if not draft.saved and values["id"] in self._taken:
                self._form(step).complain({"id": "there is one of that id"})
                return
            if not values["base_url"] and not values["endpoints"]:
                self._form(step).complain({"base_url": "is needed, or endpoints"})
                return
            draft.id, draft.base_url = str(values["id"]), str(values["base_url"])
            draft.endpoints = cast("tuple[str, ...]", values["endpoints"])
        else:
            draft.type = str(values["type"])
        self._go(step + 1)

    # --- The server ---

    def _meanwhile(self, what: Callable[[], Awaitable[None]], *, changes: bool = False) -> None:
        self._busy, self._asked_once = changes, False

        async def doing() -> None:
            try:
                await what()
            except ClientError as error:
                self._failed(error)
            finally:
                if changes:
                    self._busy = False

        beside(self, doing, group="step")

    def _failed(self, error: ClientError) -> None:
        """Say it under the field that it is about, on its step; else below."""
        faults = error.fields if isinstance(error, Refused) else ()
        for step, fields in enumerate(wizard.fields(self._draft)):
            under, _ = form.placed(faults, fields)
            if under:
                self._go(step)
                self._form(step).complain(under)
                return
        if self._draft.step == TEST:
            self.query_one(f"#step-{TEST}", Static).update("")
        later = "\nesc, then u unlocks the vault; n goes on here." if _locked(error) else ""
        self._say(f"✗ {error}{later}", "bad")

    async def _save(self, key: str) -> None:
        draft = self._draft
        self._say(f"Saving {draft.id} …", "dim")
        done = await self._link(put_provider(wizard.provider(draft, key)))
        draft.saved, draft.note = True, done.note
        draft.keyed = draft.keyed or bool(key)
        self._form(KEY).row("api_key").write("")
        for name, step in (("type", TYPE), ("id", ENDPOINT)):
            self._form(step).row(name).disabled = True
        self._go(TEST)

    async def _test(self) -> None:
        told = self.query_one(f"#step-{TEST}", Static)
        told.update(lines(f"Asking {self._draft.id} for its models …", "dim"))
        self._draft.tested = answer = await self._link(test_provider(self._draft.id))
        text, tone = health.answered(answer)
        mark = "✓" if answer.ok else "✗"
        told.update(lines(f"{mark} {text}", tone))
        note = f"{self._draft.note}\n" if self._draft.note else ""
        self._say(note + ("" if answer.ok else "ctrl+b goes back and mends it."), "dim")

    async def _discover(self) -> None:
        self._say(f"Asking {self._draft.id} what it offers …", "dim")
        found = await self._link(discover_models(self._draft.id))
        self._draft.found = found.models
        self.query_one(Offers).offer(found.models)

    async def _register(self) -> None:
        chosen, added = self.query_one(Offers).chosen, self._draft.added
        rest = [name for name in chosen if name not in added]
        all_of_them = len(added) + len(rest)
        try:
            async for one in register(self._link, self._draft.id, rest):
                added.append(one)
                self._say(f"Registered {len(added)} of {all_of_them} …", "dim")
        except ClientError as error:
            told = f"{len(added)} were registered before that; ctrl+s goes on with the others."
            self._say(f"✗ {error}\n{told}", "bad")
            return
        self._go(DONE)

    # --- The end ---

    def _show_same(self) -> None:
        draft = self._draft
        models = ", ".join(draft.added[:6]) + (" …" if draft.added[6:] else "") or "no model"
        told = lines(f"✓ {draft.id} is there, with {models}.", "good")
        same = lines("\n\nThe same by\n", "dim") + lines(wizard.commands(draft))
        applied = lines("\n\nor by  tokenhubctl apply -f FILE  of\n", "dim")
        body = told + same + applied + lines(wizard.document(draft))
        self.query_one("#same", Static).update(body)

    def action_copy(self, what: str) -> None:
        if self._draft.step == DONE:
            text = getattr(wizard, what)(self._draft)
            cast("Copying", self.app).copy(text, f"the {what} of {self._draft.id}")

    def action_leave(self) -> None:
        """Go, and keep what is written; but for the key."""
        draft = self._draft
        if self._busy and not self._asked_once and draft.step == KEY:
            self._asked_once = True
            self._say("It is being saved. esc again does not wait for what comes of it.", "warn")
            return
        if draft.step == ENDPOINT and not draft.saved:
            written = self._form(ENDPOINT).peek()
            draft.id = str(written.get("id", draft.id))
            draft.base_url = str(written.get("base_url", draft.base_url))
            draft.endpoints = cast("tuple[str, ...]", written.get("endpoints", draft.endpoints))
        self.dismiss(draft.done)


def _locked(error: ClientError) -> bool:
    return isinstance(error, Refused) and error.code == "vault_locked"


_HINT = "enter Next · ctrl+b Back · esc Later"
_HINTS = {
    TYPE: "enter Next · esc Leave",
    KEY: "enter Save · F2 Show · ctrl+b Back · esc Later",
    MODELS: "space Tick · a All · / Narrow · ctrl+s Register · ctrl+b Back · esc Later",
    DONE: "y Copy commands · Y Copy YAML · enter Close",
}
_VERBS = {KEY: "Save", MODELS: "Register", DONE: "Close"}
