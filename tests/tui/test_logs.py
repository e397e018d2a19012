"""The log and the audit trail, before a real server."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec
import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.support.server import Hub, running
from tests.tui.console import Gate, before, seen, text, until
from tests.tui.test_live import PROFILE, ask
from tokenhub.sim.app import Sim
from tokenhub.wire.audit import AuditEntry, AuditPage
from tokenhub_tui.app import Console
from tokenhub_tui.widgets.table import Table
from tokenhub_tui.widgets.tabline import TabLine

pytestmark = pytest.mark.anyio


async def write(console: Console, pilot: Pilot[None], words: str) -> None:
    """Write in the place of all that is in the field, and press enter."""
    field = console.focused
    assert isinstance(field, Input)
    field.value = words
    await pilot.press("enter")


async def sift(console: Console, pilot: Pilot[None], words: str) -> None:
    """Filter."""
    await pilot.press("slash")
    await write(console, pilot, words)


async def told(console: Console, pilot: Pilot[None], words: str) -> None:
    """Wait until the console has said so."""
    await until(pilot, lambda: any(words in one.text for one in console.said))


def table(console: Console, name: str = "requests") -> Table:
    return console.screen.query_one(f"#{name}", Table)


async def some(hub: Hub, sim: Sim) -> str:
    """A provider with two models, and a request to each; the key that asked."""
    await hub.provider("one", sim, models=["gpt", "large"])
    key = await hub.key()
    await ask(hub, key, "gpt")
    await ask(hub, key, "large")
    return key


async def test_log_is_filtered_by_the_server_and_opened(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await some(hub, sim)
        async with before(hub, start="logs") as (console, pilot):
            shown = await seen(console, pilot, "2 of 2", "requests", "gpt")
            await pilot.press("slash", *"mod", "tab", "l")
            await seen(console, pilot, "tab  large")
            await pilot.press("tab", "enter")
            filtered = await seen(console, pilot, "filter: model:large", "1 of 1")
            await sift(console, pilot, "zzz")
            unmatched = await seen(console, pilot, "Nothing matches")
            await pilot.press("escape")
            await seen(console, pilot, "2 of 2", "newest first")
            await pilot.press("enter")
            detail = await seen(console, pilot, "Attempts", "answered one/large")

    # Both came within the last minute or two: a bar of a minute would show nothing.
    assert re.search(r"a bar [12]s", shown)
    assert " gpt " not in filtered
    assert "esc clears the filter" in unmatched
    assert "lower score wins" in detail


async def test_log_is_paged_and_counts_what_is_new_elsewhere(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await hub.provider("one", sim, models=["gpt"])
        key = await hub.key()
        for _ in range(105):
            await ask(hub, key, "gpt")
        async with before(hub, start="logs") as (console, pilot):
            await seen(console, pilot, "100 of 105")
            await pilot.press("G")
            await seen(console, pilot, "105 of 105")
            here = table(console).row_id
            newest = await ask(hub, key, "gpt")
            await seen(console, pilot, "1 new: N shows them")
            stayed = table(console).row_id
            await pilot.press("N")
            await until(pilot, lambda: newest == table(console).row_id)
            await seen(console, pilot, "100 of 106")
            await until(pilot, lambda: "new" not in text(console).replace("newest", ""))
            again = await ask(hub, key, "gpt")
            await until(pilot, lambda: again == table(console).row_id)

    assert here == stayed


async def test_trail_has_its_own_filter_and_shows_what_changed(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await some(hub, sim)
        await hub.admin("PATCH", "models/gpt", {"weight": 9})
        async with before(hub, start="logs") as (console, pilot):
            await seen(console, pilot, "2 of 2")
            await pilot.press("tab")
            listed = await seen(console, pilot, "model.patch", "weight", "→ 9", "apikey.create")
            await sift(console, pilot, "action:model.* !resource:large")
            await until(pilot, lambda: "apikey.create" not in text(console))
            filtered = text(console)
            await pilot.press("enter")
            opened = await seen(console, pilot, "before", "after", "hash")
            await pilot.press("escape")
            await pilot.click(TabLine, offset=(3, 0))
            requests = await seen(console, pilot, "2 of 2", "newest first")

    assert "provider.upsert" in listed
    assert "one/large" not in filtered
    assert "~ weight" in opened
    assert " gpt " in requests


def trail(newest: int) -> Callable[[httpx.URL], bytes | None]:
    """Pages of an audit trail of so many entries."""

    def page(url: httpx.URL) -> bytes | None:
        if url.path != "/admin/v1/audit":
            return None
        first = int(url.params.get("before") or newest + 1) - 1
        rows = [
            AuditEntry(id=number, timestamp="2026-01-01T12:00:00Z", action="model.patch",
                       resource=f"model {number}", actor="admin", address="", outcome="ok", times=1,
                       detail="", request_id="", hash="")
            for number in range(first, max(0, first - 100), -1)
        ]  # fmt: skip
        following = str(rows[-1].id) if rows[-1].id > 1 else None
        found = AuditPage(logs=rows, total=newest, limit=100, offset=0, next=following)
        return msgspec.json.encode(found)

    return page


def pages(gate: Gate) -> list[str]:
    return [call for call in gate.asked if "/audit?" in call]


async def test_a_rare_filter_is_not_looked_for_anew_at_each_poll(tmp_path: Path) -> None:
    gate = Gate()
    gate.fake = trail(5000)
    async with running(tmp_path) as hub, before(hub, start="logs", transport=gate) as seat:
        console, pilot = seat
        await pilot.press("tab")
        await seen(console, pilot, "100 of 5,000")
        gate.asked.clear()
        await sift(console, pilot, "!actor:admin")
        await until(pilot, lambda: len(pages(gate)) >= 11)
        asked = [call for call in pages(gate) if "before=" in call]
        await until(pilot, lambda: len([c for c in pages(gate) if "before=" not in c]) >= 3)
        later = [call for call in pages(gate) if "before=" in call]

    assert asked[:9] == later[:9]
    assert len(later) <= 10


async def test_a_page_that_follows_what_is_here_no_more_is_left(tmp_path: Path) -> None:
    gate = Gate()
    gate.fake = trail(150)
    async with running(tmp_path) as hub, before(hub, start="logs", transport=gate) as seat:
        console, pilot = seat
        await pilot.press("tab")
        await seen(console, pilot, "100 of 150")
        gate.held = "before="
        await pilot.press("G", "k", "j", "k", "j")
        asked = [call for call in pages(gate) if "before=" in call]
        gate.fake = trail(157)
        await pilot.press("N")
        await seen(console, pilot, "100 of 157")
        gate.open.set()
        await pilot.press("G")
        await seen(console, pilot, "157 of 157")

    assert 1 == len(asked)


async def test_a_filter_that_cannot_be_asked_leaves_no_rows_of_another(tmp_path: Path) -> None:
    gate = Gate()
    gate.fake = trail(150)

    def away(url: httpx.URL) -> bytes | None:
        if url.path == "/admin/v1/audit":
            raise httpx.ConnectError("Connection refused")
        return None

    async with running(tmp_path) as hub, before(hub, start="logs", transport=gate) as seat:
        console, pilot = seat
        await pilot.press("tab")
        await seen(console, pilot, "100 of 150")
        gate.fake = away
        await sift(console, pilot, "action:gone")
        shown = await seen(console, pilot, "not answered", "filter: action:gone")
        gate.fake = trail(150)
        await pilot.press("r")
        await seen(console, pilot, "Nothing matches")

    assert "model.patch" not in shown


async def test_view_is_saved_used_and_deleted(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await some(hub, sim)
        async with before(hub, start="logs") as (console, pilot):
            await seen(console, pilot, "2 of 2")
            await pilot.press("v")
            none = await seen(console, pilot, "There is no view yet")
            await pilot.press("escape")
            await sift(console, pilot, "model:gpt")
            await seen(console, pilot, "1 of 1")
            await pilot.press("v", "s")
            await seen(console, pilot, "Save as a view")
            await write(console, pilot, "mine")
            await told(console, pilot, "Saved view mine")
            await pilot.press("escape")
            await seen(console, pilot, "2 of 2")
            await pilot.press("v")
            await seen(console, pilot, "mine", "model:gpt")
            await pilot.press("enter")
            used = await seen(console, pilot, "filter: model:gpt", "1 of 1")
            await pilot.press("v", "d")
            sure = await seen(console, pilot, "deleted for all operators")
            await pilot.press("tab", "enter")
            await told(console, pilot, "Deleted view mine")
        left = await hub.admin("GET", "views")

    assert "s saves this filter" in none
    assert " large " not in used
    assert "Requests stay" in sure
    assert [] == left["items"]


async def test_filter_is_exported_to_files(tmp_path: Path) -> None:
    sheet, trail = tmp_path / "gpt.csv", tmp_path / "trail.ndjson"
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await some(hub, sim)
        async with before(hub, size=(200, 60), start="logs") as (console, pilot):
            await seen(console, pilot, "2 of 2")
            await sift(console, pilot, "model:gpt")
            await seen(console, pilot, "1 of 1")
            await pilot.press("E")
            await seen(console, pilot, "Requests of  model:gpt: 1")
            await write(console, pilot, str(tmp_path / "gpt.txt"))
            refused = await seen(console, pilot, "must end with .csv or .ndjson")
            await write(console, pilot, str(tmp_path / f"{'x' * 300}.csv"))
            await seen(console, pilot, "nothing can be written there: File name too long")
            await write(console, pilot, "~nobody-of-this-name/gpt.csv")
            await seen(console, pilot, "there is no home ~nobody-of-this-name")
            await write(console, pilot, str(sheet))
            await told(console, pilot, "Exported 1 row to")
            await pilot.press("tab", "E")
            await seen(console, pilot, "The audit trail of all times")
            await write(console, pilot, str(trail))
            await told(console, pilot, f"rows to {trail}")

    assert "Export" in refused
    assert ["gpt"] == [row["model_id"] for row in csv.DictReader(sheet.read_text().splitlines())]
    actions = [msgspec.json.decode(line)["action"] for line in trail.read_text().splitlines()]
    assert "provider.upsert" in actions


async def test_export_tells_of_the_list_that_it_is_of(tmp_path: Path) -> None:
    gate = Gate()
    gate.fake, gate.held = trail(150), "limit=1000"
    async with running(tmp_path) as hub, before(hub, start="logs", transport=gate) as seat:
        console, pilot = seat
        await pilot.press("tab")
        await seen(console, pilot, "100 of 150")
        await pilot.press("E")
        await seen(console, pilot, "The audit trail of all times: 150")
        await write(console, pilot, str(tmp_path / "trail.ndjson"))
        await seen(console, pilot, "exporting 0 of 150")
        await pilot.press("tab")
        await seen(console, pilot, "No request yet", "exporting 0 of 150")
        await pilot.press("tab", "E")
        await told(console, pilot, "Stopped the export")
        await until(pilot, lambda: "exporting" not in text(console))

    left = sorted(one.name for one in tmp_path.iterdir())  # noqa: ASYNC240 - a moment
    assert not [name for name in left if "trail" in name or ".part" in name]


async def test_read_only_console_uses_views_and_saves_none(tmp_path: Path) -> None:
    async with (
        running(tmp_path) as hub,
        before(hub, start="logs", read_only=True) as (console, pilot),
    ):
        nothing = await seen(console, pilot, "No request yet")
        await pilot.press("v")
        none = await seen(console, pilot, "There is no view yet", "tokenhubctl view set")
        await pilot.press("escape")
        await hub.admin("PUT", "views/errors", {"filter": "status:error"})
        await pilot.press("v")
        shown = await seen(console, pilot, "errors", "status:error")
        await pilot.press("d", "s", "enter")
        await seen(console, pilot, "filter: status:error", "Nothing matches")

    assert "tokenhubctl chat" in nothing
    assert "s saves" not in none
    assert "s Save" not in shown
