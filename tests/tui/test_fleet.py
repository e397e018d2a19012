"""The fleet, before a real server: providers, models, defaults and aliases, changed by keys."""

from pathlib import Path
from typing import cast

import httpx
import pytest

from tests.support.server import Hub, running
from tests.tui.console import Gate, Unsteady, at_once, before, seen, text, until
from tokenhub.client.calls.catalog import delete_provider
from tokenhub.client.errors import BadCall
from tokenhub.sim.app import Sim
from tokenhub.sim.profile import Constant, Model, Profile
from tokenhub_tui.screens.fleet import FleetPage
from tokenhub_tui.servers import Server

pytestmark = pytest.mark.anyio

PROFILE = Profile(
    name="simulated",
    dialect="openai",
    seed=7,
    models=(
        Model(id="gpt", context_tokens=4_000),
        Model(id="large", context_tokens=64_000),
        Model(id="org/small", context_tokens=8_000),
    ),
    answer_tokens=Constant(value=12),
)


# A provider that is asked nothing.
NOWHERE = "http://127.0.0.1:9"


async def weight(hub: Hub, name: str) -> int:
    found: int = (await hub.admin("GET", f"models/{name}"))["weight"]
    return found


async def test_a_weight_is_changed_in_place_by_one_change_and_taken_back(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await hub.provider("one", sim, models=["gpt", "large"], model={"weight": 5})
        async with before(hub, size=(200, 60), start="fleet") as (console, pilot):
            await seen(console, pilot, "Providers 1", "✓ healthy", "none")
            await pilot.press("enter")
            await seen(console, pilot, 'filter: provider="one"', "2 of 2", "large")
            at_once(console, "plus", "plus", "plus", "plus", "minus")
            pending = await seen(console, pilot, "→ 8")
            await until(pilot, lambda: any("from 5 to 8" in one.text for one in console.said))
            await until(pilot, lambda: "→ 8" not in text(console))
            sent = await weight(hub, "gpt")
            await pilot.press("ctrl+z")
            await until(pilot, lambda: any("back to 5" in one.text for one in console.said))
            back = await weight(hub, "gpt")
            changes = await hub.admin("GET", "audit?action=model.patch")

    assert (8, 5) == (sent, back)
    assert "→ 8" in pending
    # Five presses were one change, and the undo another.
    assert 2 == len(changes["logs"])


async def test_presses_while_a_weight_is_on_its_way_are_sent_after_it(tmp_path: Path) -> None:
    gate = Gate()
    gate.held = "PATCH "
    async with running(tmp_path) as hub:
        await hub.provider("one", NOWHERE, models=["gpt"], model={"weight": 3})
        async with before(hub, start="fleet", transport=gate) as (console, pilot):
            await seen(console, pilot, "Models 1")
            await pilot.press("tab", "plus")
            await until(pilot, lambda: changes(gate))
            await pilot.press("plus", "plus")
            gate.open.set()
            await until(pilot, lambda: any("from 4 to 6" in one.text for one in console.said))
            await until(pilot, lambda: "→ 6" not in text(console))
            up = await weight(hub, "gpt")
            gate.open.clear()
            await pilot.press("minus")
            await until(pilot, lambda: len(changes(gate)) == 3)
            await pilot.press("plus")
            gate.open.set()
            await until(pilot, lambda: any("from 5 to 6" in one.text for one in console.said))
            back = await weight(hub, "gpt")

    assert (6, 6) == (up, back)


@pytest.mark.parametrize("server", ["none", "another"])
async def test_a_weight_that_rests_is_sent_where_the_console_leaves(
    server: str, tmp_path: Path
) -> None:
    async with running(tmp_path) as hub:
        await hub.provider("one", NOWHERE, models=["gpt"], model={"weight": 3})
        async with before(hub, start="fleet") as (console, pilot):
            await seen(console, pilot, "Models 1")
            await pilot.press("tab", "plus", "plus")
            if server == "another":
                console.connect(Server(profile=console.server.profile, name="the other"))
                await until(pilot, lambda: any("the other now" in one.text for one in console.said))
        left = await weight(hub, "gpt")

    assert 5 == left


def changes(gate: Gate) -> list[str]:
    return [call for call in gate.asked if call.startswith("PATCH")]


async def test_a_model_is_switched_edited_and_deleted(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await hub.provider("one", sim, models=["gpt", "large"])
        await hub.admin("PUT", "aliases/fast", {"variants": [{"model_id": "large"}]})
        async with before(hub, start="fleet") as (console, pilot):
            await seen(console, pilot, "Models 2")
            await pilot.press("tab", "x")
            off = await seen(console, pilot, "○ off")
            await pilot.press("ctrl+z")
            await until(pilot, lambda: "○ off" not in text(console))
            await pilot.press("j", "e")
            await seen(console, pilot, "Edit model large", "an operator")
            await pilot.press("1", "1", "ctrl+s")
            wrong = await seen(console, pilot, "✗ not more than 10")
            # Somebody else is quicker.
            await hub.admin("PATCH", "models/large", {"weight": 2})
            await pilot.press("home", "shift+end", "9", "ctrl+s")
            theirs = await seen(console, pilot, "theirs 2 · yours 9")
            await pilot.press("ctrl+s")
            await until(pilot, lambda: "Edit model" not in text(console))
            edited = await weight(hub, "large")
            await hub.admin("DELETE", "aliases/fast")
            await pilot.press("r", "d")
            effect = await seen(console, pilot, "Delete model one/large?")
            await pilot.press("tab", "enter")
            await until(pilot, lambda: "Models 1" in text(console))

    assert "Models 2" in off
    assert "Edit model large" in wrong
    assert "ctrl+s saves yours over theirs" in theirs
    assert 9 == edited
    assert "Cancel" in effect


async def test_a_form_stands_beside_the_list_of_a_large_terminal(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await hub.provider("one", sim, models=["gpt", "large"])
        async with before(hub, size=(160, 40), start="fleet") as (console, pilot):
            await seen(console, pilot, "Models 2")
            await pilot.press("tab")
            await seen(console, pilot, "price", "large")
            await pilot.press("j", "e")
            await seen(console, pilot, "Edit model large")
            await pilot.press("9", "escape")
            await seen(console, pilot, "What is written here is not saved.")
            await pilot.press("escape")
            await until(pilot, lambda: "not saved" not in text(console))
            beside = text(console)
            await pilot.press("ctrl+z", "escape")
            await seen(console, pilot, "price", "large")

    row = next(line for line in beside.splitlines() if "▌large" in line)
    listed, _, form = row.partition("││")
    assert ["▌large", "one"] == listed[1:].split()[:2]
    assert "✓ healthy" in listed
    assert form.endswith("│")
    assert "Edit model large" in beside


async def test_a_provider_is_added_by_the_wizard_left_and_gone_on_with(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        async with before(hub, start="fleet") as (console, pilot):
            await seen(console, pilot, "No provider yet.", "n adds one")
            await pilot.press("n")
            await seen(console, pilot, "●○○○○  1 of 5 · Type")
            await pilot.press("enter")
            await seen(console, pilot, "●●○○○", "https://api.openai.com")
            await pilot.press(*"mine", "tab", *sim.url, "escape")
            await until(pilot, lambda: "New provider" not in text(console))
            await pilot.press("n")
            await seen(console, pilot, "●●○○○", "mine", sim.url)
            await pilot.press("ctrl+s")
            await seen(console, pilot, "●●●○○", "Its key")
            await pilot.press(*"sk-secret", "enter")
            tested = await seen(console, pilot, "✓ mine answered", "it offers 3 models")
            await pilot.press("enter")
            await seen(console, pilot, "●●●●●", "0 to register of 3", "org/small")
            await pilot.press("slash", *"gp", "enter", "space", "ctrl+s")
            done = await seen(console, pilot, "✓ mine is there, with gpt.")
            await pilot.press("enter")
            await seen(console, pilot, "Providers 1", "Models 1")
        models = await hub.admin("GET", "models")

    assert "sk-secret" not in tested
    assert f"--id mine --type openai --base-url {sim.url}" in " ".join(
        line.strip("│ ") for line in done.splitlines()
    )
    assert "api_key: {env: MINE_API_KEY}" in done
    assert ["gpt"] == [row["id"] for row in models["items"]]


async def test_a_provider_is_tested_discovered_and_deleted_by_its_name(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await hub.provider("one", sim, models=["gpt"])
        async with before(hub, size=(200, 60), start="fleet") as (console, pilot):
            wide = await seen(console, pilot, "Providers 1", "req/h", "p95", "src")
            await pilot.press("t")
            await until(pilot, lambda: any("one answered" in one.text for one in console.said))
            await pilot.press("D")
            await seen(console, pilot, "one offers 3 models", "2 · 1 registered before")
            await pilot.press("a", "ctrl+s")
            await seen(console, pilot, "Models 3")
            await pilot.press("d")
            effect = await seen(console, pilot, "3 models go with it: gpt, large, org/small.")
            await pilot.press(*"on", "enter")
            await seen(console, pilot, "That is another word.")
            await pilot.press("e", "enter")
            await seen(console, pilot, "No provider yet.")
        left = await hub.providers()

    assert "takes turns" not in wide
    assert 'Type "one" to go on' in effect
    assert [] == left


async def test_a_second_try_to_register_counts_its_own(tmp_path: Path) -> None:
    gate = Gate()

    def away(url: httpx.URL) -> bytes | None:
        """Nobody is there from the third model on."""
        made = [call for call in gate.asked if call.startswith("POST") and "models" in call]
        if gate.asked[-1:] == made[-1:] and "models" in url.path and made[2:]:
            raise httpx.ConnectError("Connection refused")
        return None

    gate.fake = away
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await hub.provider("one", sim)
        async with before(hub, start="fleet", transport=gate) as (console, pilot):
            await seen(console, pilot, "Providers 1")
            await pilot.press("D")
            await seen(console, pilot, "one offers 3 models")
            await pilot.press("a", "ctrl+s")
            await seen(console, pilot, "2 of 3 were registered before that.")
            await pilot.press("ctrl+s")
            await seen(console, pilot, "0 of 1 were registered before that.")


async def test_aliases_and_defaults_are_edited(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await hub.provider("one", sim, models=["gpt", "large"])
        async with before(hub, start="fleet") as (console, pilot):
            await seen(console, pilot, "Aliases 0")
            await pilot.press("shift+tab")
            await seen(console, pilot, "No alias yet.")
            await pilot.press("n")
            await seen(console, pilot, "New alias")
            await pilot.press(*"fast", "tab", *"gpt=9, gone=1", "ctrl+s")
            wrong = await seen(console, pilot, "there is no model 'gone'")
            await pilot.press("home", "shift+end", *"gpt=9, large", "ctrl+s")
            await seen(console, pilot, "Aliases 1", "gpt 90% · large 10%")
            await pilot.press("left", "e")
            await seen(console, pilot, "Edit the routing defaults")
            await pilot.press("left", "tab", *"0.5", "ctrl+s")
            await seen(console, pilot, "cheap", "$0.5000")
            await until(pilot, lambda: "Edit the routing" not in text(console))
            await pilot.press("slash", *"wait", "enter")
            one = await seen(console, pilot, "filter: wait", "1 of 3")
            await pilot.press("escape", "n", "d", "x")
            quiet = text(console)
        routing = await hub.admin("GET", "routing-config")

    # The server's fault stands under the field that it is about.
    assert wrong.index("Stands for") < wrong.index("there is no model") < wrong.index("Sticky")
    assert ("cheap", 0.5) == (routing["default_mode"], routing["default_max_budget_usd"])
    assert "longest wait" in one
    assert "Sure?" not in quiet


async def test_a_switched_alias_keeps_what_somebody_else_has_made_of_it(tmp_path: Path) -> None:
    async with running(tmp_path) as hub:
        await hub.provider("one", NOWHERE, models=["gpt", "large"])
        await hub.admin("PUT", "aliases/fast", {"variants": [{"model_id": "gpt"}]})
        async with before(hub, start="fleet") as (console, pilot):
            await seen(console, pilot, "Aliases 1")
            await pilot.press("left", "x")
            await until(pilot, lambda: any("Disabled alias" in one.text for one in console.said))
            await pilot.press("ctrl+z")
            await until(pilot, lambda: any("Enabled alias" in one.text for one in console.said))
            await pilot.press("x")
            await until(pilot, lambda: len(console.said) == 3)
            theirs = {"variants": [{"model_id": "large", "weight": 7}], "enabled": False}
            await hub.admin("PUT", "aliases/fast", theirs)
            await pilot.press("ctrl+z")
            await until(pilot, lambda: len(console.said) == 4)
        left = await hub.admin("GET", "aliases/fast")

    assert ["large"] == [one["model_id"] for one in left["variants"]]
    assert not left["enabled"]


async def test_nothing_is_changed_where_the_console_only_reads(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await hub.provider("one", sim, models=["gpt"])
        async with before(hub, start="fleet", read_only=True) as (console, pilot):
            await seen(console, pilot, "Providers 1", "read-only")
            await pilot.press("n", "e", "x", "d", "tab", "plus", "D", "enter")
            await seen(console, pilot, "$0.0010")
            shown = text(console)

            why = [console.page.off(name) for name in ("test", "open")] if console.page else []
            with pytest.raises(BadCall, match="only reads"):
                await console.link(delete_provider("one"))

    assert "→" not in shown.split("$0.0010")[0].split("weight")[-1]
    assert "Edit" not in shown.split("╰")[0]
    assert [
        "the console only reads here",
        "it edits the row, and the console only reads here",
    ] == why


async def test_a_weight_that_is_not_sent_yet_is_taken_back(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await hub.provider("one", sim, models=["gpt"], model={"weight": 5})
        async with before(hub, start="fleet") as (console, pilot):
            await seen(console, pilot, "Models 1")
            await pilot.press("x")
            await until(pilot, lambda: console.said)
            await pilot.press("tab", "plus", "ctrl+z")
            back = text(console)
            enabled = (await hub.admin("GET", "providers/one"))["enabled"]
            await pilot.press("ctrl+z")
            await until(pilot, lambda: len(console.said) > 1)
            changes = await hub.admin("GET", "audit?action=model.patch")

    assert "→ 6" not in back
    # What was done before it is taken back by the next one.
    assert not enabled
    assert "Enabled provider one" == console.said[-1].text.partition(" in ")[0]
    assert not changes["logs"]


class Crowded(Unsteady):
    """Lets in every second model, as a server does where too many come at once."""

    refuses = True

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST" and request.url.path.endswith("/models"):
            self.refuses = not self.refuses
            if not self.refuses:
                said = {"type": "", "title": "", "detail": "later", "error": "later"}
                problem = {**said, "status": 429, "code": "rate_limit_exceeded"}
                return httpx.Response(429, json=problem)
        return await super().handle_async_request(request)


async def test_more_models_than_are_let_in_at_once_are_registered(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await hub.provider("one", sim)
        async with before(hub, (120, 36), start="fleet", transport=Crowded()) as (console, pilot):
            await seen(console, pilot, "Providers 1")
            await pilot.press("D")
            await seen(console, pilot, "one offers 3 models")
            await pilot.press("a", "ctrl+s")
            await until(pilot, lambda: console.said)
            said = console.said[-1].text
            await seen(console, pilot, "Models 3")

    assert "Registered 3 models of one" == said


async def test_a_provider_that_does_not_answer_holds_nobody_in_the_wizard(tmp_path: Path) -> None:
    way = Unsteady()
    async with (
        running(tmp_path) as hub,
        Sim(PROFILE) as sim,
        before(hub, (120, 36), start="fleet", transport=way) as (console, pilot),
    ):
        await seen(console, pilot, "No provider yet")
        await pilot.press("n", "ctrl+s")
        await seen(console, pilot, "2 of 5")
        await pilot.press("ctrl+u", *"one", "down", "ctrl+u", *sim.url, "ctrl+s")
        await seen(console, pilot, "3 of 5")
        way.goes.clear()
        await pilot.press("ctrl+s", "escape")
        saving = await seen(console, pilot, "It is being saved. esc again")
        way.goes.set()
        await seen(console, pilot, "it offers 3 models")
        await pilot.press("escape")
        await seen(console, pilot, "Providers 1")
        way.goes.clear()
        await pilot.press("n")
        await seen(console, pilot, "Asking one for its models")
        await pilot.press("ctrl+b")
        back = await seen(console, pilot, "3 of 5")

    assert "3 of 5" in saving
    assert "Asking" not in back


async def test_a_key_that_is_pressed_twice_asks_once(tmp_path: Path) -> None:
    gate = Gate()
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await hub.provider("one", sim)
        async with before(hub, (120, 36), start="fleet", transport=gate) as (console, pilot):
            await seen(console, pilot, "Providers 1")
            page = cast("FleetPage", console.screen)
            page.action_delete()
            page.action_delete()
            await seen(console, pilot, "Delete provider one")
            await pilot.press("escape")
            await until(pilot, lambda: console.screen is page)
            page.action_discover()
            page.action_discover()
            await seen(console, pilot, "one offers 3 models")
            await pilot.press("escape")
            await until(pilot, lambda: console.screen is page)
            gate.held = "discover"
            page.action_discover()
            await pilot.press("5")
            await until(pilot, lambda: console.current_mode == "keys")
            gate.open.set()
            await until(pilot, lambda: console.said)
            said, dialogs = console.said[-1].text, len(console.screen_stack)

    assert "one offers 3 models; D shows them" == said
    assert 1 == dialogs


async def test_a_save_that_is_pressed_twice_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Once the form has gone, the same keys save a picture of the screen, where one is.
    monkeypatch.chdir(tmp_path)
    async with running(tmp_path) as hub, Sim(PROFILE) as sim:
        await hub.provider("one", sim, models=["gpt"])
        async with before(hub, (120, 36), start="fleet") as (console, pilot):
            await seen(console, pilot, "Models 1")
            await pilot.press("shift+tab")
            await seen(console, pilot, "No alias yet")
            await pilot.press("n", *"fast", "down", *"gpt", "ctrl+s", "ctrl+s", "ctrl+s")
            await seen(console, pilot, "Aliases 1", "fast")
            made = await hub.admin("GET", "audit?action=alias.*")

    assert 1 == len(made["logs"])


async def test_leaving_asks_where_a_new_provider_is_begun(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, before(hub, start="fleet") as (console, pilot):
        await seen(console, pilot, "Providers")
        await pilot.press("n")
        await seen(console, pilot, "New provider", "1 of 5")
        await pilot.press("ctrl+s")
        await seen(console, pilot, "2 of 5")
        await pilot.press("escape")
        await until(pilot, lambda: console.said)
        await pilot.press("1", "q")
        await seen(console, pilot, "Leave the console?", "A new provider is begun")
        await pilot.press("tab", "enter")
        await until(pilot, lambda: not console.is_running)
