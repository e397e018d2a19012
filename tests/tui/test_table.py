"""The lists of the console, moved by keys and by the wheel."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from tests.tui.console import until
from tokenhub_tui.state.cells import Column, Row
from tokenhub_tui.widgets.table import Table

pytestmark = pytest.mark.anyio

ROWS = [Row(id=str(number), cells=(f"row {number}",)) for number in range(200)]


class Listing(App[None]):
    """A list, and nothing else."""

    def compose(self) -> ComposeResult:
        yield Table([Column(id="a", title="a", width=10)], name="rows")


@asynccontextmanager
async def listing() -> AsyncIterator[tuple[Table, Pilot[None]]]:
    app = Listing()
    async with app.run_test(size=(40, 12)) as pilot:
        table = app.query_one(Table)
        table.show(ROWS)
        table.focus()
        await pilot.pause()
        yield table, pilot


async def wheel(table: Table, pilot: Pilot[None], kind: type[events.MouseEvent]) -> None:
    """Turn it five steps, and wait until it rests."""
    before = table.scroll_target_y
    for _ in range(5):
        event = kind(table, 5, 5, 0, 0, 0, False, False, False)  # noqa: FBT003 - no keys are held
        table.post_message(event)
    await until(pilot, lambda: abs(table.scroll_offset.y - before) >= 10)


async def test_the_wheel_is_not_undone_by_what_comes() -> None:
    async with listing() as (table, pilot):
        await wheel(table, pilot, events.MouseScrollDown)
        turned = table.scroll_offset.y
        table.show(ROWS)
        same = table.scroll_offset.y
        table.show([Row(id="new", cells=("new",)), *ROWS])
        moved = table.scroll_offset.y
        table.show(ROWS[: turned + 3])
        fewer = table.scroll_offset.y
        await pilot.press("j")
        pressed = table.scroll_offset.y

    assert 0 < turned == same
    assert turned + 1 == moved
    assert 0 < fewer < turned
    assert 1 >= pressed


async def test_the_wheel_ends_following_for_good() -> None:
    async with listing() as (table, pilot):
        table.follow = True
        last = table.scroll_offset.y
        await wheel(table, pilot, events.MouseScrollUp)
        turned = table.scroll_offset.y
        table.show([*ROWS, Row(id="new", cells=("new",))])
        same = table.scroll_offset.y

    assert turned == same < last


async def test_a_cursor_that_is_seen_stays_in_sight() -> None:
    async with listing() as (table, pilot):
        await pilot.press("pagedown")
        here, place = table.row_id, table.scroll_offset.y
        table.show([*(Row(id=f"new {n}", cells=("new",)) for n in range(30)), *ROWS])
        moved = table.scroll_offset.y

    assert here == table.row_id
    assert place + 10 < moved
