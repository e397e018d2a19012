"""API keys, before a real server."""

from pathlib import Path

import pytest
from textual.widgets import Input

from tests.support.server import Hub, child, running
from tests.tui.console import Unsteady, before, seen, text, until

pytestmark = pytest.mark.anyio


async def key_of(hub: Hub, name: str, **fields: object) -> str:
    made = await hub.admin("POST", "apikeys", {"name": name, "scopes": ["chat"], **fields})
    key_id: str = made["id"]
    return key_id


async def keys(hub: Hub) -> dict[str, dict[str, object]]:
    return {one["name"]: one for one in (await hub.admin("GET", "apikeys"))["keys"]}


async def test_key_is_made_shown_once_rotated_switched_off_and_deleted(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, before(hub, start="keys") as (console, pilot):
        none = await seen(console, pilot, "No API key yet", "● live")
        await pilot.press("n")
        await seen(console, pilot, "New API key", "Name")
        await pilot.press("ctrl+s")
        await seen(console, pilot, "is needed")
        await pilot.press(*"ci-bot", "ctrl+s")
        once = await seen(console, pilot, "New key ci-bot", "I stored it")
        await pilot.press("escape")
        await seen(console, pilot, "cannot be shown again: y copies")
        await pilot.press("tab", "enter")
        await seen(console, pilot, "✓ on", "1 key", "it is rotated")
        await pilot.press("o")
        await seen(console, pilot, "Rotate key ci-bot", "24h")
        await pilot.press("ctrl+s")
        await seen(console, pilot, "Rotated key ci-bot", "The former one opens the key for")
        await pilot.press("y")
        await seen(console, pilot, "esc Close")
        copied = console.clipboard
        await pilot.press("escape")
        await seen(console, pilot, "from now")
        await pilot.press("x")
        await seen(console, pilot, "· off", "x lets it open again")
        await pilot.press("ctrl+z")
        await seen(console, pilot, "✓ on")
        both = (await keys(hub))["ci-bot"]
        await pilot.press("d")
        await seen(console, pilot, "Delete the key ci-bot", "never used")
        await pilot.press(*"other", "enter")
        await seen(console, pilot, "another word")
        console.screen.query_one(Input).value = "ci-bot"
        await pilot.press("enter")
        await seen(console, pilot, "No API key yet")
        gone = await keys(hub)

    assert "tokenhubctl apikey create" in none
    assert "tokenhub_" in once
    assert copied.startswith("tokenhub_")
    assert both["enabled"]
    assert {} == gone
    assert copied not in "".join(one.text for one in console.said)


async def test_key_is_edited_and_what_others_changed_meanwhile_is_not_lost(tmp_path: Path) -> None:
    async with running(tmp_path) as hub:
        key_id = await key_of(hub, "ci-bot", monthly_budget_usd=5)
        async with before(hub, (200, 60), start="keys") as (console, pilot):
            await seen(console, pilot, "✓ on", "$0/$5")
            await pilot.press("e")
            await seen(console, pilot, "Edit key ci-bot", "$ a month")
            await pilot.press("end", *"-two")
            changed = await seen(console, pilot, "Changed: name ci-bot → ci-bot-two")
            await hub.admin("PATCH", f"apikeys/{key_id}", {"name": "theirs", "concurrency": 4})
            await pilot.press("ctrl+s")
            stale = await seen(console, pilot, "theirs theirs · yours ci-bot-two")
            await pilot.press("ctrl+s")
            await until(pilot, lambda: console.said)
            await seen(console, pilot, "─ ci-bot-two ─")
            after = await keys(hub)

    assert "Changed key ci-bot-two" == console.said[-1].text
    assert "ctrl+s Save" in changed
    assert "Somebody else has changed it meanwhile" in stale
    assert 4 == after["ci-bot-two"]["concurrency"]
    assert 5.0 == after["ci-bot-two"]["monthly_budget_usd"]


async def test_keys_are_filtered_sorted_and_their_month_begun_anew(tmp_path: Path) -> None:
    async with running(tmp_path) as hub:
        await key_of(hub, "web", monthly_budget_usd=10)
        await key_of(hub, "batch", rotation_days=90, expires_in="3d")
        await key_of(hub, "old", scopes=["plan"])
        async with before(hub, start="keys", read_only=False) as (console, pilot):
            newest = await seen(console, pilot, "3 keys", "0/90d", "no limit")
            await pilot.press("s")
            named = await seen(console, pilot, "name▾")
            await pilot.press("S")
            turned = await seen(console, pilot, "name▴")
            await pilot.press("slash", *"scope:plan", "enter")
            plans = await seen(console, pilot, "1 of 3 keys", "filter: scope:plan")
            await pilot.press("escape")
            await until(pilot, lambda: "filter:" not in text(console))
            await pilot.press("g", "m")
            await seen(console, pilot, "Begin the month of web anew")
            await pilot.press("tab", "enter")
            await until(pilot, lambda: console.said)
            said = console.said[-1].text

    assert ["old", "batch", "web"] == order(newest)
    assert ["batch", "old", "web"] == order(named)
    assert ["web", "old", "batch"] == order(turned)
    assert ["old"] == order(plans)
    assert said.startswith("Began the month of web")


def order(shown: str) -> list[str]:
    """The names of the keys from above."""
    words = [line.strip("│▌ ").split(" ")[0] for line in shown.splitlines() if line.startswith("│")]
    return [one for one in words if one in {"old", "batch", "web"}]


async def test_console_that_only_reads_offers_no_change(tmp_path: Path) -> None:
    async with running(tmp_path) as hub:
        await key_of(hub, "web")
        async with before(hub, start="keys", read_only=True) as (console, pilot):
            await seen(console, pilot, "✓ on", "read-only")
            await pilot.press("n", "x", "d", "enter")
            await pilot.pause()
            shown = text(console)

    assert "✓ on" in shown
    assert "New API key" not in shown


async def test_name_of_a_key_is_no_markup(tmp_path: Path) -> None:
    async with running(tmp_path) as hub:
        await key_of(hub, "[/x] ci")
        async with before(hub, start="keys") as (console, pilot):
            await seen(console, pilot, "─ [/x] ci ─")
            await pilot.press("slash", *"[/x", "enter")
            await seen(console, pilot, "filter: [/x ─")
            await pilot.press("e")
            await seen(console, pilot, "─ Edit key [/x] ci ─")
            await pilot.press("escape", "o")
            await seen(console, pilot, "─ Rotate key [/x] ci ─")
            await pilot.press("ctrl+s")
            once = await seen(console, pilot, "I stored it")

    assert "─ Rotated key [/x] ci ─" in once


async def test_change_without_an_answer_may_have_been_done(tmp_path: Path) -> None:
    way = Unsteady()
    async with running(tmp_path) as hub:
        await key_of(hub, "web")
        async with before(hub, (120, 36), start="keys", transport=way) as (console, pilot):
            await seen(console, pilot, "✓ on")
            way.lost = True
            await pilot.press("x")
            await until(pilot, lambda: console.said)
            said = console.said[-1].text
            await pilot.press("n", *"twice", "ctrl+s")
            told = await seen(console, pilot, "it may have been", "look how it is before")
            there = await keys(hub)

    assert said.endswith("the line was cut; it may have been done all the same")
    assert "twice" in told
    assert {"web", "twice"} == set(there)


async def test_change_that_reached_nobody_was_not_done(tmp_path: Path) -> None:
    async with child(tmp_path) as hub:
        await key_of(hub, "web")
        async with before(hub, (120, 36), start="keys") as (console, pilot):
            await seen(console, pilot, "✓ on")
            await hub.kill()
            await pilot.press("e", "end", *"-2", "ctrl+s")
            told = await seen(console, pilot, "nothing was", "do it again later")

    assert "web-2" in told


async def test_key_that_is_being_made_is_shown_though_esc_was_pressed(tmp_path: Path) -> None:
    way = Unsteady()
    async with (
        running(tmp_path) as hub,
        before(hub, (120, 36), start="keys", transport=way) as (console, pilot),
    ):
        await seen(console, pilot, "No API key yet")
        way.goes.clear()
        await pilot.press("n", *"ci", "ctrl+s")
        await seen(console, pilot, "Saving …")
        await pilot.press("escape")
        await seen(console, pilot, "It is being saved. esc again")
        way.goes.set()
        once = await seen(console, pilot, "New key ci", "I stored it")

    assert "tokenhub_" in once


async def test_save_is_not_waited_for_after_the_second_esc(tmp_path: Path) -> None:
    way = Unsteady()
    async with (
        running(tmp_path) as hub,
        before(hub, (120, 36), start="keys", transport=way) as (console, pilot),
    ):
        await seen(console, pilot, "No API key yet")
        way.goes.clear()
        await pilot.press("n", *"ci", "ctrl+s")
        await seen(console, pilot, "Saving …")
        await pilot.press("escape", "escape")
        told = await seen(console, pilot, "not waited for any more")

    assert "ci" in told
