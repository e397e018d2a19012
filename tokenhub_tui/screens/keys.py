"""API keys: who may ask, for how much, and since when."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from tokenhub.client.calls import keys as calls
from tokenhub.filters import Fields, Filter, parse
from tokenhub.wire.keys import ApiKey, ApiKeyDone, ApiKeyIssued, ApiKeyPatch
from tokenhub_tui.dialogs.confirm import Confirm, TypedConfirm
from tokenhub_tui.dialogs.form import FormDialog
from tokenhub_tui.dialogs.once import ShownOnce
from tokenhub_tui.every import every
from tokenhub_tui.screens.base import Page, bindings
from tokenhub_tui.state import key_form, keys
from tokenhub_tui.state.form import Value
from tokenhub_tui.widgets.empty import Empty
from tokenhub_tui.widgets.table import Table
from tokenhub_tui.widgets.words import words

R = TypeVar("R")
# The server gives no more at once.
PAGE = 1000


class KeysPage(Page[list[ApiKey]]):
    """The keys above; what the one under the cursor may do, and what opens it, below."""

    NAME = "keys"
    EVERY_S = 10.0
    FILTERS = True
    BINDINGS: ClassVar = bindings(NAME)
    CSS_PATH: ClassVar = ["../styles/keys.tcss"]

    def __init__(self) -> None:
        super().__init__()
        self._keys: dict[str, ApiKey] = {}
        self._filter = Filter()
        self._order = next(iter(keys.ORDERS))
        self._turned = False
        self._go_to = ""

    def contents(self) -> ComposeResult:
        with Vertical(id="keys-box", classes="box") as box:
            box.border_title = "API keys"
            yield Table(keys.COLUMNS, name="keys")
            yield Empty(id="keys-empty")
        with Vertical(id="key-box", classes="box"):
            yield Static(id="key-facts")
            yield Table(keys.CREDENTIALS, name="credentials", cursor=False)

    @property
    def table(self) -> Table:
        """The table of keys."""
        return self.query_one("#keys", Table)

    @property
    def key(self) -> ApiKey | None:
        """The one under the cursor."""
        return self._keys.get(self.table.row_id)

    def on_mount(self) -> None:
        self.table.focus()

    async def load(self) -> list[ApiKey]:
        """All of them."""
        listed = partial(calls.list_keys, limit=PAGE, offset=0)
        return await every(self.console.link, listed, lambda page: page.keys)

    def show(self, data: list[ApiKey]) -> None:
        self._keys = {key.id: key for key in data}
        self._draw()
        if self._go_to and self.table.go(self._go_to):
            self._go_to = ""

    def ticked(self) -> None:
        """Ages and ends of the one under the cursor; those of all come with each poll."""
        if self.loaded:
            self._draw_one(self.console.clock.now())

    @property
    def filter_fields(self) -> Fields:
        return keys.FIELDS

    async def known_values(self) -> Mapping[str, Sequence[str]]:
        return keys.known(list(self._keys.values()), self.console.clock.now())

    def filtered(self) -> None:
        self._filter = parse(self.wanted, fields=keys.FIELDS)
        self._draw()

    def _draw(self) -> None:
        now = self.console.clock.now()
        rows = keys.rows(
            list(self._keys.values()),
            now=now,
            order=self._order,
            turned=self._turned,
            wanted=self._filter.matches,
        )
        self.table.show(rows)
        self.table.sorted_by(self._order, down=not self._turned)
        empty = self.query_one("#keys-empty", Empty)
        empty.display, self.table.display = not rows, bool(rows)
        if not self._keys:
            empty.nothing("No API key yet.", "n makes one, or  tokenhubctl apikey create --name ci")
        elif not rows:
            empty.no_match(self.wanted)
        box = self.query_one("#keys-box")
        box.border_title = words(f"API keys · filter: {self.wanted}" if self.wanted else "API keys")
        box.border_subtitle = keys.counted(len(rows), len(self._keys))
        self._draw_one(now)

    def _draw_one(self, now: float) -> None:
        key, box = self.key, self.query_one("#key-box")
        box.display = key is not None
        if key is None:
            return
        box.border_title = words(key.name)
        told = [words(text, tone) for text, tone in keys.facts(key, now)]
        self.query_one("#key-facts", Static).update(Content("\n").join(told))
        self.query_one("#credentials", Table).show(keys.credentials(key, now))

    def on_table_moved(self, message: Table.Moved) -> None:
        if message.table is self.table:
            self._draw_one(self.console.clock.now())
            self.redraw_keys()

    def on_table_opened(self, message: Table.Opened) -> None:
        if not self.off("edit") and message.table is self.table:
            self.action_edit()

    def on_table_sorted(self, message: Table.Sorted) -> None:
        if message.table is self.table and message.column_id in keys.ORDERS:
            self._turned = message.column_id == self._order and not self._turned
            self._order = message.column_id
            self._draw()

    # --- Actions ---

    def why_not(self, method: str) -> str:
        if method in {"new", "filter", "sort", "turn"}:
            return ""
        if self.key is None:
            return "there is no key"
        if method == "paid" and not self.key.monthly_budget_usd:
            return "it has no monthly budget"
        return ""

    def action_sort(self) -> None:
        names = list(keys.ORDERS)
        self._order = names[(names.index(self._order) + 1) % len(names)]
        self._turned = False
        self._draw()

    def action_turn(self) -> None:
        self._turned = not self._turned
        self._draw()

    def action_copy(self) -> None:
        if self.key is not None:
            self.console.copy(self.key.id, f"the id of {self.key.name}")

    def action_new(self) -> None:
        async def save(written: dict[str, Value], _: dict[str, Value]) -> ApiKeyIssued:
            return await self.console.link(calls.create_key(key_form.create(written)))

        def made(issued: ApiKeyIssued) -> None:
            self._go_to = issued.id
            self._show(issued, f"New key {issued.name}", _KEEP)

        form = FormDialog("New API key", key_form.new(), save, new=True, verb="Make")
        self._ask(form, made)

    def action_edit(self) -> None:
        key = self.key
        if key is None:
            return
        version = [key.version]

        async def save(_: dict[str, Value], changed: dict[str, Value]) -> ApiKeyDone:
            call = calls.update_key(key.id, key_form.patch(changed), if_match=version[0])
            return await self.console.link(call)

        async def theirs() -> dict[str, Value]:
            now = await self.console.link(calls.get_key(key.id))
            version[0] = now.version
            return key_form.values(now)

        fields = key_form.of(key, self.console.clock.now())
        form = FormDialog(f"Edit key {key.name}", fields, save, theirs=theirs)
        self._ask(form, lambda done: self._done(f"Changed key {done.key.name}"))

    def action_rotate(self) -> None:
        key = self.key
        if key is None:
            return

        async def save(written: dict[str, Value], _: dict[str, Value]) -> ApiKeyIssued:
            return await self.console.link(calls.rotate_key(key.id, key_form.rotate(written)))

        def rotated(issued: ApiKeyIssued) -> None:
            after = keys.after_rotation(issued, self.console.clock.now())
            self._show(issued, f"Rotated key {issued.name}", f"{after} {_KEEP}")

        title = f"Rotate key {key.name}"
        self._ask(FormDialog(title, key_form.OVERLAP, save, new=True, verb="Rotate"), rotated)

    def action_switch(self) -> None:
        key = self.key
        if key is None:
            return
        how, back = ("Disabled", "Enabled") if key.enabled else ("Enabled", "Disabled")
        undo = calls.update_key(key.id, ApiKeyPatch(enabled=key.enabled))
        self.change(
            calls.update_key(key.id, ApiKeyPatch(enabled=not key.enabled)),
            f"{how} key {key.name}",
            then=lambda _: self.console.can_undo(f"{back} key {key.name} again", undo),
        )

    def action_delete(self) -> None:
        key = self.key
        if key is None:
            return
        effect = keys.effect_of_delete(key, self.console.clock.now())
        self._ask(
            TypedConfirm(effect, key.name),
            lambda yes: self._sure(
                yes, lambda: self.change(calls.delete_key(key.id), f"Deleted key {key.name}")
            ),
        )

    def action_paid(self) -> None:
        key = self.key
        if key is None:
            return
        self._ask(
            Confirm(keys.effect_of_paid(key), "Begin anew"),
            lambda yes: self._sure(
                yes, lambda: self.change(calls.pay_key(key.id), f"Began the month of {key.name}")
            ),
        )

    # --- Dialogs ---

    def _ask(self, dialog: Screen[R], then: Callable[[R], None]) -> None:
        """Show a dialog; `then` gets what it came to, where it was not left."""

        def over(answer: R | None) -> None:
            if answer is not None:
                then(answer)

        self.app.push_screen(dialog, over)

    def _sure(self, yes: bool, change: Callable[[], None]) -> None:  # noqa: FBT001 - an answer
        if yes:
            change()

    def _show(self, issued: ApiKeyIssued, done: str, note: str) -> None:
        self._done(done)
        self.app.push_screen(ShownOnce(done, issued.key, note))

    def _done(self, text: str) -> None:
        self.console.say(text)
        self.again()


_KEEP = "It is kept as a hash alone, and cannot be shown again."
