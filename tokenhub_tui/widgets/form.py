"""A form made from fields: a line for each, with what is wrong with it below.

`values()` reads them all, or says under each field what is wrong. Keys are Textual's own: tab and
enter go on, space ticks, the arrows choose.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, cast

from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, ItemGrid, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Input, Select, Static

from tokenhub_tui.state import form
from tokenhub_tui.state.form import Field, Value, Values, Wrong
from tokenhub_tui.widgets.secret import Secret
from tokenhub_tui.widgets.words import COLOURS, words


class Tick(Static, can_focus=True):
    """`[x]` or `[ ]`, with a label. The mark is text: colour alone tells nothing."""

    BINDINGS: ClassVar = [Binding("space", "tick", "Tick", show=False)]

    value = reactive(default=False)

    class Changed(Message):
        """It was ticked, or is no longer."""

    def __init__(self, label: str, *, name: str, value: bool, disabled: bool = False) -> None:
        super().__init__(name=name, disabled=disabled)
        self._label = label
        self.set_reactive(Tick.value, value)

    def render(self) -> Content:
        mark = Content.styled("[x]", COLOURS["good"]) if self.value else Content("[ ]")
        return mark + " " + words(self._label)

    def watch_value(self) -> None:
        self.post_message(self.Changed())

    def action_tick(self) -> None:
        self.value = not self.value

    def on_click(self) -> None:
        self.action_tick()


class Choice(Select[str], inherit_bindings=False):
    """One of several. The arrows left and right step through them, space opens the list."""

    BINDINGS: ClassVar = [
        Binding("space", "show_overlay", "Open", show=False),
        Binding("left", "step(-1)", "Before", show=False),
        Binding("right", "step(1)", "Next", show=False),
    ]

    def __init__(self, field: Field) -> None:
        super().__init__(
            [(words(label), key) for key, label in field.choices],
            value=str(field.value),
            allow_blank=False,
            compact=True,
            disabled=field.fixed,
        )
        self._keys = [key for key, _ in field.choices]

    def action_step(self, by: int) -> None:
        at = self._keys.index(cast("str", self.value)) + by
        self.value = self._keys[at % len(self._keys)]


class Row(Vertical):
    """A field: its label, where it is written, and below what is wrong with it."""

    def __init__(self, field: Field) -> None:
        super().__init__(classes="field", id=f"field-{field.id}")
        self.field = field

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Static(words(self.field.label, "dim" if self.field.fixed else ""), classes="name")
            yield self._control()
        wrong = Static("", classes="wrong")
        wrong.display = False
        yield wrong

    def _control(self) -> Widget:
        field, value = self.field, self.field.value
        if field.kind == form.SWITCH:
            return Tick("", name=field.id, value=bool(value), disabled=field.fixed)
        if field.kind == form.CHOICE:
            return Choice(field)
        if field.kind == form.CHECKS:
            ticked = value if isinstance(value, tuple) else ()
            longest = max((len(label) for _, label in field.choices), default=0)
            return ItemGrid(
                *(
                    Tick(label, name=key, value=key in ticked, disabled=field.fixed)
                    for key, label in field.choices
                ),
                min_column_width=longest + 6,
            )
        if field.kind == form.SECRET:
            return Secret(placeholder=field.empty, disabled=field.fixed)
        return Input(
            form.written(value), placeholder=field.empty, compact=True, disabled=field.fixed
        )

    def read(self) -> Value:
        """What is written. Raises Wrong."""
        kind = self.field.kind
        if kind == form.SWITCH:
            return self.query_one(Tick).value
        if kind == form.CHOICE:
            return str(self.query_one(Choice).value)
        if kind == form.CHECKS:
            ticked = tuple(str(one.name) for one in self.query(Tick) if one.value)
            if self.field.required and not ticked:
                raise Wrong("at least one is needed")
            return ticked
        return form.read(self.field, self.query_one(Input).value)

    @property
    def text(self) -> str:
        """What stands in its line; of a field that has none, nothing."""
        return next((one.value for one in self.query(Input)), "")

    def write(self, value: Value) -> None:
        """Put a value in."""
        kind = self.field.kind
        if kind == form.SWITCH:
            self.query_one(Tick).value = bool(value)
        elif kind == form.CHOICE:
            self.query_one(Choice).value = str(value)
        elif kind == form.CHECKS:
            for one in self.query(Tick):
                one.value = isinstance(value, tuple) and one.name in value
        else:
            self.query_one(Input).value = form.written(value)

    def say(self, text: str, tone: str = "bad") -> None:
        """Say something under the field; nothing where it is empty."""
        said = self.query_one(".wrong", Static)
        said.display = bool(text)
        mark = {"bad": "✗ ", "warn": "! "}.get(tone, "")
        said.update(words(f"{mark}{text}", tone))


class Form(VerticalScroll, can_focus=False):
    """The fields under each other. `before` is what stood in them at first."""

    BINDINGS: ClassVar = [
        # The app does this itself, before it looks where the next key goes: one that is typed right
        # after it would else go to the field that is left.
        Binding("enter", "next", "Next field", show=False, priority=True),
        Binding("down", "app.focus_next", "Next field", show=False),
        Binding("up", "app.focus_previous", "Field before", show=False),
        Binding("f2", "reveal", "Show or hide what is secret", show=False, id="vault.reveal"),
        Binding("ctrl+z", "restore", "This field as it was", show=False),
    ]

    class Changed(Message):
        """Something else is written."""

    class Done(Message):
        """Enter was pressed in the last field."""

    class Entered(Message):
        """The focus is in another field; `help` tells what it is for."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.help = text

    def __init__(self, fields: Sequence[Field], name: str | None = None) -> None:
        super().__init__(id=name)
        self.fields = tuple(fields)
        self.before: dict[str, Value] = form.first(fields)

    def compose(self) -> ComposeResult:
        for field in self.fields:
            yield Row(field)

    def row(self, name: str) -> Row:
        """The row of a field."""
        return self.query_one(f"#field-{name}", Row)

    def values(self) -> dict[str, Value] | None:
        """All of them; None where one is wrong, which then stands under it and has the focus."""
        found, wrong = self._read()
        self.complain(wrong)
        return None if wrong else found

    def peek(self) -> dict[str, Value]:
        """Those that can be read now; nothing is said about the others."""
        return self._read()[0]

    def _read(self) -> tuple[dict[str, Value], dict[str, str]]:
        found: dict[str, Value] = {}
        wrong: dict[str, str] = {}
        for field in self.fields:
            try:
                found[field.id] = self.row(field.id).read()
            except Wrong as error:
                wrong[field.id] = str(error)
        return found, wrong

    @property
    def dirty(self) -> bool:
        """Whether anything is another than before, be it readable or not."""
        found, wrong = self._read()
        unread = any(self.row(name).text != form.written(self.before[name]) for name in wrong)
        return unread or bool(form.changed(self.fields, self.before, found))

    def complain(self, wrong: Mapping[str, str]) -> None:
        """Say under each field what is wrong with it, and go to the first."""
        for field in self.fields:
            self.row(field.id).say(wrong.get(field.id, ""))
        for field in self.fields:
            if field.id in wrong:
                self._enter(self.row(field.id))
                return

    def begin_anew(self, before: Values, now: Values) -> None:
        """Count changes from other values, and write these."""
        self.before = dict(before)
        for field in self.fields:
            if field.id in now:
                self.row(field.id).write(now[field.id])

    def enter(self) -> None:
        """Go to the first field that can be written."""
        for field in self.fields:
            if not field.fixed:
                self._enter(self.row(field.id))
                return

    def _enter(self, row: Row) -> None:
        for widget in row.query("*"):
            if widget.focusable:
                # At once: `focus` would wait, and the next letters be lost.
                self.screen.set_focus(widget)
                return

    def on_descendant_focus(self) -> None:
        row = self._here()
        self.post_message(self.Entered(row.field.help if row else ""))

    def _here(self) -> Row | None:
        focused = self.screen.focused
        if focused is None:
            return None
        return next((one for one in focused.ancestors_with_self if isinstance(one, Row)), None)

    def action_reveal(self) -> None:
        for field in self.query(Secret):
            field.toggle()

    def action_restore(self) -> None:
        row = self._here()
        if row is not None:
            row.write(self.before[row.field.id])

    def on_input_changed(self, event: Input.Changed) -> None:
        self._altered(event)

    def on_select_changed(self, event: Select.Changed) -> None:
        self._altered(event)

    def on_tick_changed(self, event: Tick.Changed) -> None:
        self._altered(event)

    def action_next(self) -> None:
        """On to the next field; after the last, whoever holds the form decides."""
        focused, row = self.screen.focused, self._here()
        if not isinstance(focused, Input | Tick | Choice):
            # An open list takes enter for itself.
            raise SkipAction
        if row is not None and row.field.id == self.fields[-1].id:
            # What was typed before stands in the field by then.
            focused.call_later(self.post_message, self.Done())
        self.screen.focus_next()

    def _altered(self, event: Message) -> None:
        event.stop()
        sender = event.control
        for one in sender.ancestors_with_self if sender is not None else ():
            if isinstance(one, Row):
                one.say("")
        self.post_message(self.Changed())
