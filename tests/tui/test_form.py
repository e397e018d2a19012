"""A form in a box, driven by keys."""

from pathlib import Path

import msgspec
import pytest
from textual.widgets import Button

from tests.support.server import running
from tests.tui.console import at_once, before, seen, text, until
from tokenhub.client.errors import Conflict, Refused
from tokenhub_tui.dialogs.confirm import Confirm
from tokenhub_tui.dialogs.form import FormDialog
from tokenhub_tui.state.form import CHECKS, CHOICE, NUMBER, SECRET, SWITCH, Field, Value
from tokenhub_tui.widgets.secret import Secret

pytestmark = pytest.mark.anyio

FIELDS = (
    Field(id="id", label="Model", value="gpt", fixed=True),
    Field(id="weight", label="Weight", kind=NUMBER, whole=True, value=8, help="Up to 10."),
    Field(id="mode", label="Mode", kind=CHOICE, value="a", choices=(("a", "Able"), ("b", "[b]"))),
    Field(id="key", label="Key", kind=SECRET, empty="as it is"),
    Field(id="enabled", label="Enabled", kind=SWITCH, value=True),
    Field(id="scopes", label="Scopes", kind=CHECKS, choices=(("x", "x"), ("y", "y"))),
)


async def test_a_form_is_written_refused_and_saved_by_keys(tmp_path: Path) -> None:
    sent: list[dict[str, Value]] = []
    answers: list[Exception | None] = [
        msgspec.ValidationError("Expected `int` <= 10 - at `$.weight`"),
        Refused("it is wrong", status=422, fields=[("#/key", "is no key"), ("", "and odd")]),
        None,
    ]

    async def save(values: dict[str, Value], new: dict[str, Value]) -> str:
        del values
        sent.append(new)
        answer = answers.pop(0)
        if answer:
            raise answer
        return "done"

    async with running(tmp_path) as hub, before(hub) as (console, pilot):
        got: list[str | None] = []
        console.push_screen(FormDialog("Edit model gpt", FIELDS, save), got.append)
        await seen(console, pilot, "Edit model gpt", "Up to 10.", "as it is")
        await pilot.press("ctrl+s")
        await seen(console, pilot, "Nothing is changed.")
        await pilot.press("end", "9", "enter", "right", "enter", *"s3", "enter", "space")
        await pilot.press("enter", "enter", "space", "ctrl+s")
        first = await seen(console, pilot, "✗ Expected `int` <= 10", "Changed: weight 8 → 89")
        await pilot.press("ctrl+s")
        second = await seen(console, pilot, "✗ is no key", "and odd")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: got)

    assert ["done"] == got
    assert [
        {"weight": 89, "mode": "b", "key": "s3", "enabled": False, "scopes": ("y",)}
    ] * 3 == sent
    assert "mode Able → [b]" in first
    assert "key new" in second
    assert "s3" not in second


async def test_what_is_typed_right_after_enter_is_of_the_next_field(tmp_path: Path) -> None:
    sent: list[dict[str, Value]] = []

    async def save(_: dict[str, Value], new: dict[str, Value]) -> str:
        sent.append(new)
        return "done"

    texts = tuple(Field(id=name, label=name) for name in ("first", "second", "third"))
    async with running(tmp_path) as hub, before(hub) as (console, pilot):
        got: list[str | None] = []
        console.push_screen(FormDialog("Three", texts, save), got.append)
        await seen(console, pilot, "Three", "third")
        at_once(console, "a", "enter", "b", "tab", "c", "shift+tab", "d", "ctrl+s")
        await until(pilot, lambda: got)

    assert [{"first": "a", "second": "d", "third": "c"}] == sent


async def test_a_form_takes_a_small_terminal_whole(tmp_path: Path) -> None:
    async def save(_: dict[str, Value], __: dict[str, Value]) -> None: ...

    many = tuple(Field(id=f"f{n}", label=f"Field {n}", help=f"It is {n}.") for n in range(40))
    async with running(tmp_path) as hub, before(hub) as (console, pilot):
        console.push_screen(FormDialog("Many fields", many, save))
        first = await seen(console, pilot, "Field 0", "It is 0.", "Leave", "Save")
        await pilot.press("shift+tab", "shift+tab", "shift+tab")
        last = await seen(console, pilot, "Field 39", "It is 39.", "Leave", "Save")

    for shown in (first.splitlines(), last.splitlines()):
        assert "TokenHub" in shown[0]
        assert shown[1].startswith("╭─ Many fields ─")
        assert shown[23].endswith("ctrl+z Undo field · esc Leave ─╯")


async def test_a_dirty_form_asks_before_it_is_left(tmp_path: Path) -> None:
    async def save(_: dict[str, Value], __: dict[str, Value]) -> None: ...

    async with running(tmp_path) as hub, before(hub) as (console, pilot):
        got: list[None] = []
        console.push_screen(FormDialog("Edit model gpt", FIELDS, save), got.append)
        await seen(console, pilot, "Edit model gpt")
        await pilot.press("end", "9", "escape")
        asked = await seen(console, pilot, "What is written here is not saved.")
        await pilot.press("escape")
        await until(pilot, lambda: "not saved" not in text(console))
        await pilot.press("ctrl+z", "escape")
        await until(pilot, lambda: got)

    assert "weight 8 → 89" in asked


async def test_theirs_stands_beside_yours_after_a_conflict(tmp_path: Path) -> None:
    sent: list[dict[str, Value]] = []

    async def save(_: dict[str, Value], new: dict[str, Value]) -> str:
        sent.append(new)
        if len(sent) == 1:
            raise Conflict("it has changed", status=412)
        return "done"

    async def theirs() -> dict[str, Value]:
        return {"weight": 5, "enabled": False}

    async with running(tmp_path) as hub, before(hub) as (console, pilot):
        got: list[str | None] = []
        console.push_screen(FormDialog("Edit", FIELDS, save, theirs=theirs), got.append)
        await seen(console, pilot, "Weight")
        await pilot.press("end", "9", "ctrl+s")
        both = await seen(console, pilot, "theirs 5 · yours 89", "F5 Take theirs")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: got)

    assert "ctrl+s saves yours over theirs" in both
    # Their own change of another field stays, and is not sent as ours.
    assert [{"weight": 89}, {"weight": 89}] == sent


async def test_theirs_can_be_taken_and_the_form_left(tmp_path: Path) -> None:
    async def save(_: dict[str, Value], __: dict[str, Value]) -> str:
        raise Conflict("it has changed", status=412)

    async def theirs() -> dict[str, Value]:
        return {"weight": 5}

    async with running(tmp_path) as hub, before(hub) as (console, pilot):
        got: list[str | None] = []
        console.push_screen(FormDialog("Edit", FIELDS, save, theirs=theirs), got.append)
        await seen(console, pilot, "Weight")
        await pilot.press("end", "9", "ctrl+s")
        await seen(console, pilot, "theirs 5")
        await pilot.press("f5")
        taken = await seen(console, pilot, "Weight             5")
        await until(pilot, lambda: "theirs 5" not in text(console))
        await pilot.press("escape")
        await until(pilot, lambda: got)

    assert [None] == got
    assert "89" not in taken.partition("Weight")[2].splitlines()[0]


async def test_a_dialog_is_left_once_though_it_is_answered_twice(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, before(hub) as (console, pilot):
        got: list[bool | None] = []
        console.push_screen(Confirm("Delete it?", "Delete"), got.append)
        await seen(console, pilot, "Delete it?")
        yes = console.screen.query_one("#yes", Button)
        yes.press()
        yes.press()
        await until(pilot, lambda: got)
        await seen(console, pilot, "No request yet")

    assert [True] == got


async def test_a_form_that_nobody_wrote_in_is_left_without_a_question(tmp_path: Path) -> None:
    async def save(_: dict[str, Value], __: dict[str, Value]) -> None: ...

    fields = (Field(id="name", label="Name", required=True),)
    async with running(tmp_path) as hub, before(hub) as (console, pilot):
        got: list[None] = []
        console.push_screen(FormDialog("New key", fields, save, new=True), got.append)
        await seen(console, pilot, "New key")
        await pilot.press("escape")
        await until(pilot, lambda: got)


async def test_a_secret_is_neither_copied_nor_left_in_its_field(tmp_path: Path) -> None:
    async def save(values: dict[str, Value], new: dict[str, Value]) -> str:
        raise Conflict("it has changed", status=412)

    async with running(tmp_path) as hub, before(hub) as (console, pilot):
        gone: list[str | None] = []
        console.push_screen(FormDialog("Edit", FIELDS, save), gone.append)
        await seen(console, pilot, "Edit", "as it is")
        field = console.screen.query_one(Secret)
        field.focus()
        await pilot.press(*"sk-secret", "shift+home", "ctrl+c", "end", "x")
        await until(pilot, lambda: field.value == "sk-secretx")
        copied = console.clipboard
        console.set_keymap({"vault.reveal": "f8"})
        await pilot.press("f8")
        await until(pilot, lambda: not field.password)
        await pilot.press("escape")
        await seen(console, pilot, "Sure?")
        await pilot.press("tab", "enter")
        await until(pilot, lambda: gone)

    assert "" == copied
    assert "" == field.value


async def test_what_is_typed_while_a_form_opens_is_for_it(tmp_path: Path) -> None:
    saved: list[dict[str, Value]] = []

    async def save(values: dict[str, Value], _: dict[str, Value]) -> str:
        saved.append(values)
        return "saved"

    async with running(tmp_path) as hub, before(hub) as (console, pilot):
        await seen(console, pilot, "No request yet")
        console.push_screen(FormDialog("Name it", [Field(id="name", label="Name")], save))
        at_once(console, *"first", "ctrl+s")
        await until(pilot, lambda: saved)

    assert [{"name": "first"}] == saved
