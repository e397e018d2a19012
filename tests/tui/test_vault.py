"""The vault's dialogs, before a real server."""

from pathlib import Path

import httpx
import pytest
from textual.widgets import Input

from tests.support.server import running
from tests.tui.console import Unsteady, before, seen, text, until

pytestmark = pytest.mark.anyio

PASSWORD = "correct_horse_battery"


async def test_vault_is_set_up_locked_and_unlocked_by_keys_alone(tmp_path: Path) -> None:
    async with (
        running(tmp_path, VAULT_ENABLED="true", VAULT_IDLE_LOCK_SECS="90000") as hub,
        before(hub) as (console, pilot),
    ):
        await seen(console, pilot, "no vault")
        await pilot.press("u")
        await seen(console, pilot, "Set up the vault", "Nobody can recover")
        await pilot.press(*"short", "enter")
        weak = await seen(console, pilot, "too short")
        await pilot.press(*"short", "enter")
        await seen(console, pilot, "It is too short")
        await pilot.press("ctrl+u", *PASSWORD, "enter")
        unlike = await seen(console, pilot, "not the same")
        await pilot.press("ctrl+u", *PASSWORD)
        hidden = text(console)
        await pilot.press("f2")
        shown = await seen(console, pilot, "correct_horse_battery")
        await pilot.press("enter")
        once = await seen(console, pilot, "Recovery key", "recovery-", "I stored it")
        await pilot.press("escape")
        refused = await seen(console, pilot, "cannot be shown again")
        await pilot.press("y")
        await seen(console, pilot, "esc Close")
        copied = console.clipboard
        await pilot.press("escape")
        await seen(console, pilot, "vault 24h")
        kept_of_it = console.clipboard
        await pilot.press("u")
        menu = await seen(console, pilot, "l  Lock", "Delete recovery key")
        await pilot.press("l")
        await seen(console, pilot, "No provider has its key in it")
        await pilot.press("tab", "enter")
        await seen(console, pilot, "vault locked")
        await pilot.press("u")
        await seen(console, pilot, "Unlock vault")
        await pilot.press(*"nonsense", "enter")
        await seen(console, pilot, "That does not open it")
        kept = console.screen.query_one(Input).value
        await pilot.press("ctrl+u", *PASSWORD, "enter")
        await seen(console, pilot, "vault 24h")

    assert "" == kept_of_it
    assert "too short: 8 characters at least" in weak
    assert "not the same" in unlike
    assert "correct" not in hidden
    assert "correct_horse_battery" in shown
    assert copied in once.replace("\n", "")
    assert copied.startswith("recovery-")
    assert "I stored it" in refused
    assert "Locks itself after 25h00m without use" in menu
    assert "nonsense" == kept
    assert PASSWORD not in "".join(one.text for one in console.said)


async def test_password_is_changed_and_the_old_one_opens_no_more(tmp_path: Path) -> None:
    async with (
        running(tmp_path, VAULT_ENABLED="true", VAULT_PASSWORD="first-password-of-all") as hub,
        before(hub, (200, 60)) as (console, pilot),
    ):
        await seen(console, pilot, "vault open")
        await pilot.press("u")
        await seen(console, pilot, "Change password")
        await pilot.press("p")
        await seen(console, pilot, "a recovery key goes on working")
        await pilot.press(
            *"nonsense", "enter", *"second-password", "enter", *"second-password", "enter"
        )
        await seen(console, pilot, "That does not open it")
        await pilot.press("ctrl+u", *"first-password-of-all", "enter")
        await until(
            pilot, lambda: "Changed the vault's password" in [one.text for one in console.said]
        )
        await hub.admin("POST", "vault/lock")
        await seen(console, pilot, "vault locked")
        done = await hub.admin("POST", "vault/unlock", {"admin_password": "second-password"})

    assert done["ok"]


async def test_console_that_only_reads_leaves_the_vault_alone(tmp_path: Path) -> None:
    async with (
        running(tmp_path, VAULT_ENABLED="true") as hub,
        before(hub, read_only=True) as (console, pilot),
    ):
        await seen(console, pilot, "no vault", "No request yet")
        await pilot.press("u")
        await pilot.pause()
        shown = text(console)

    assert "Set up the vault" not in shown


async def test_password_that_is_being_changed_is_waited_for(tmp_path: Path) -> None:
    way = Unsteady()
    async with (
        running(tmp_path, VAULT_ENABLED="true", VAULT_PASSWORD="first-password-of-all") as hub,
        before(hub, (120, 36), transport=way) as (console, pilot),
    ):
        await seen(console, pilot, "vault open")
        await pilot.press("u")
        await seen(console, pilot, "Change password")
        await pilot.press("p")
        await seen(console, pilot, "a recovery key goes on working")
        way.goes.clear()
        await pilot.press(*"first-password-of-all", "enter", *"second-password", "enter")
        await pilot.press(*"second-password", "enter", "escape")
        await seen(console, pilot, "The server is at it. esc again")
        way.goes.set()
        await until(pilot, lambda: console.said)

    assert "Changed the vault's password" == console.said[-1].text


class NoRecovery(Unsteady):
    """Makes no recovery key."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/recovery"):
            raise httpx.ReadError("the line was cut")
        return await super().handle_async_request(request)


async def test_recovery_key_that_was_not_made_is_told(tmp_path: Path) -> None:
    async with (
        running(tmp_path, VAULT_ENABLED="true") as hub,
        before(hub, (120, 36), transport=NoRecovery()) as (console, pilot),
    ):
        await seen(console, pilot, "no vault")
        await pilot.press("u")
        await seen(console, pilot, "Set up the vault")
        await pilot.press(*PASSWORD, "enter", *PASSWORD, "enter")
        await until(pilot, lambda: len(console.said) > 1)
        said = [one.text for one in console.said]

    assert "Set the vault up; it is open" == said[0]
    assert said[1].startswith("It has no recovery key yet: no answer from")
    assert said[1].endswith("u, then k makes one.")
