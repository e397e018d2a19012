"""What works on every screen, before a real server: palette, help, keys, servers, themes."""

from pathlib import Path

import msgspec
import pytest
from textual.events import Key
from textual.widgets import Input

from tests.support.server import ADMIN_TOKEN, Hub, running
from tests.tui.console import before, seen, text, until
from tests.tui.test_live import ask
from tokenhub.client import contexts
from tokenhub.client.contexts import Context, Contexts
from tokenhub.client.errors import Refused
from tokenhub.sim.app import Sim
from tokenhub.sim.profile import Model
from tokenhub.sim.profile import Profile as Simulated
from tokenhub_tui import actions
from tokenhub_tui.app import Console
from tokenhub_tui.dialogs.form import FormDialog
from tokenhub_tui.dialogs.jump import Jump
from tokenhub_tui.dialogs.once import ShownOnce
from tokenhub_tui.kept import Kept
from tokenhub_tui.screens.fleet import FleetPage
from tokenhub_tui.screens.simulate import SimulatePage
from tokenhub_tui.start import Start
from tokenhub_tui.state.feed import Feed
from tokenhub_tui.state.form import Field
from tokenhub_tui.widgets.keybar import KeyBar
from tokenhub_tui.widgets.table import Table

pytestmark = pytest.mark.anyio

SIMULATED = Simulated(name="simulated", dialect="openai", models=(Model(id="gpt"),))


def mine(folder: Path, **known: Context) -> Kept:
    """The files of a user, with these contexts."""
    kept = Kept({}, folder)
    contexts.write(contexts.path({}, folder), Contexts(contexts=known))
    return kept


def text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8")


async def test_palette_finds_actions_screens_and_what_the_server_has(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(SIMULATED) as sim:
        await hub.provider("one", sim, models=["gpt"])
        async with before(hub, read_only=True) as (console, pilot):
            await seen(console, pilot, "No request yet", "read-only")
            await pilot.press("colon")
            first = await seen(console, pilot, "Follow", "here", "everywhere")
            await pilot.press(*"undo")
            off = await seen(console, pilot, "Undo (the console only reads here)", "Not now")
            await pilot.press("enter", "escape", "ctrl+p", *"gpt")
            found = await seen(console, pilot, "one/gpt", "model")
            await pilot.press("escape", "ctrl+p", *"pause", "enter")
            paused = await seen(console, pilot, "paused")

    assert "Stay on the newest request" in first
    assert "ctrl+z" in off
    assert "weight 1" in found
    row = next(line for line in found.splitlines() if "one/gpt" in line)
    # The key of its screen.
    assert ["one/gpt", "model", "4"] == row.strip("│ ▌").split()
    assert "Commands" not in paused


async def test_palette_opens_a_request_that_the_feed_does_not_have(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(SIMULATED) as sim:
        await hub.provider("one", sim, models=["gpt"])
        answer = await hub.http.post(
            "/v1/chat/completions",
            json={"model": "gpt", "messages": [{"role": "user", "content": "Hello"}]},
            headers={"authorization": f"Bearer {await hub.key('chat')}"},
        )
        request_id = answer.headers["x-request-id"]
        async with before(hub) as (console, pilot):
            await seen(console, pilot, "gpt")
            console.feed = Feed()
            await pilot.press("colon", *request_id)
            await seen(console, pilot, "All about this request.")
            await pilot.press("enter")
            shown = await seen(console, pilot, request_id, "Attempts", "one/gpt")

    assert "Commands" not in shown


async def test_a_click_on_the_bar_does_what_its_key_does(tmp_path: Path) -> None:
    """Be its argument a negative number."""
    previous = next(one for one in actions.of(actions.APP) if one.id == "app.previous")
    bar = KeyBar([msgspec.structs.replace(previous, bar=1)], lambda _: False, lambda one: one.label)

    async with running(tmp_path) as hub, before(hub) as (console, pilot):
        await seen(console, pilot, "No request yet")
        await console.screen.query_one(KeyBar).remove()
        await console.screen.mount(bar)
        await seen(console, pilot, "[ Previous screen")
        await pilot.click(KeyBar, offset=(6, 0))
        await until(pilot, lambda: console.current_mode == "more")


async def test_what_went_wrong_stays_below_the_first_line_until_it_is_closed(
    tmp_path: Path,
) -> None:
    async def save(_: object, __: object) -> None: ...

    asked = (Field(id="one", label="One"), Field(id="two", label="Two"))
    async with running(tmp_path) as hub, before(hub, toasts=True) as (console, pilot):
        await seen(console, pilot, "No request yet")
        console.complain(Refused("it is held", status=409, request_id="r-1"))
        shown = await seen(console, pilot, "it is held (request r-1) · esc closes this")
        console.push_screen(FormDialog("Both", asked, save))
        in_form = await seen(console, pilot, "Both", "One", "it is held")
        await pilot.press("escape")
        await until(pilot, lambda: "Both" not in text(console))
        await pilot.press("escape")
        await until(pilot, lambda: "it is held" not in text(console))

    assert "it is held" in shown.splitlines()[1]
    assert in_form.splitlines()[1].startswith("╭─ Both ─")
    assert "it is held" in in_form.splitlines()[1]
    assert in_form.splitlines()[2].startswith("│ One ")


async def test_help_tells_sources_commands_and_keys(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, before(hub, size=(200, 60)) as (console, pilot):
        await seen(console, pilot, "No request yet")
        await pilot.press("f1")
        helped = await seen(console, pilot, "Keys of this screen")
        await pilot.press("escape", "question_mark")
        panel = await seen(console, pilot, "Go to a screen", "Undo (nothing to undo)")
        await pilot.press("space")
        await seen(console, pilot, "paused")
        await pilot.press("question_mark")
        await until(pilot, lambda: "Go to a screen" not in text(console))

    assert "stream of events" in helped
    assert "tokenhubctl events" in helped
    assert "1…9 0" in panel


async def test_another_server_shows_nothing_of_the_one_before(tmp_path: Path) -> None:
    async with running(tmp_path / "a") as one, running(tmp_path / "b") as two:
        kept = mine(
            tmp_path,
            here=Context(url=one.url, token=ADMIN_TOKEN),
            there=Context(url=two.url, token=ADMIN_TOKEN, read_only=True, accent="red"),
            gone=Context(url="http://127.0.0.1:9", token="none"),
        )
        async with before(one, kept=kept) as (console, pilot):
            await seen(console, pilot, "No request yet", "● live")
            console.say("something of the first server")
            await pilot.press("c")
            listed = await seen(console, pilot, "✓ answers", "✗ no answer", "read-only")
            await pilot.press("down", "enter")
            shown = await seen(console, pilot, " there ", "● live", "read-only", "No request yet")

            assert console.link.profile.url == two.url
            assert ["This is there now"] == [one.text for one in console.said]

    assert "t Another token" in listed
    assert "first server" not in shown


async def test_refused_token_is_asked_for_and_kept(tmp_path: Path) -> None:
    async with running(tmp_path / "server") as hub:
        prod = Context(url=hub.url, token="old", accent="amber", read_only=True)
        kept = mine(tmp_path, prod=prod)
        async with before(hub, token="tha_wrong", kept=kept) as (console, pilot):
            await seen(console, pilot, "Admin token", "✗ token refused")
            await pilot.press(*"tha_bad", "enter")
            refused = await seen(console, pilot, "✗", "Sign in")
            for _ in range(7):
                await pilot.press("backspace")
            console.screen.query_one(Input).value = ADMIN_TOKEN
            await pilot.press("tab", "space")
            await pilot.click("#yes")
            shown = await seen(console, pilot, "● live", "No request yet", "read-only")

        assert "amber" == console.server.accent
        assert ADMIN_TOKEN == kept.contexts().named("prod").token
        assert "amber" == kept.contexts().named("prod").accent

    assert "tha_bad" not in refused
    assert " prod " in shown
    assert ADMIN_TOKEN not in shown


async def test_theme_is_shown_while_it_is_marked_and_remembered_once_chosen(tmp_path: Path) -> None:
    kept = mine(tmp_path)
    async with running(tmp_path / "server") as hub, before(hub, kept=kept) as (console, pilot):
        await seen(console, pilot, "No request yet")
        await pilot.press("ctrl+t", *"light")
        await until(pilot, lambda: "light" in console.theme)
        await pilot.press("escape")
        await until(pilot, lambda: console.theme == "tokenhub-dark")
        await pilot.press("ctrl+t", *"tokenhub-light", "enter")
        await until(pilot, lambda: kept.chosen().theme == "tokenhub-light")
        await until(pilot, lambda: console.page is not None)

        assert "tokenhub-light" == console.theme


async def test_keys_pressed_quickly_leave_a_dialog_once(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, before(hub, start="logs") as (console, pilot):
        await seen(console, pilot, "No request yet")
        console.open_request("req_of_nobody")
        await seen(console, pilot, "not found")
        await pilot.press("ctrl+o")
        for _ in range(3):
            console.screen.post_message(Key("z", "z"))
        await until(pilot, lambda: not isinstance(console.screen, Jump))
        shown = text(console)

    assert "not found" in shown


async def test_jump_goes_to_the_part_with_the_letter(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(SIMULATED) as sim:
        await hub.provider("one", sim, models=["gpt"])
        key = await hub.key()
        async with before(hub) as (console, pilot):
            await seen(console, pilot, "No request yet")
            body = {"model": "gpt", "messages": [{"role": "user", "content": "Hello"}]}
            headers = {"authorization": f"Bearer {key}"}
            await hub.http.post("/v1/chat/completions", json=body, headers=headers)
            await seen(console, pilot, "✓", "one/gpt")
            await pilot.press("ctrl+o")
            labelled = await seen(console, pilot, " a ", " s ")
            await pilot.press("s")
            await until(pilot, lambda: console.focused and console.focused.id == "candidates")

    assert labelled.count(" a ") == 1


async def test_keys_of_the_users_own_work_and_a_clash_is_told(tmp_path: Path) -> None:
    kept = mine(tmp_path)
    file = contexts.path({}, tmp_path).with_name("console.toml")
    file.write_text('[keys]\n"live.pause" = "p"\n"app.quit" = "r"\n', encoding="utf-8")
    kept.load()
    async with running(tmp_path / "server") as hub, before(hub, kept=kept) as (console, pilot):
        shown = await seen(console, pilot, "No request yet", "p Pause")
        await pilot.press("p")
        await seen(console, pilot, "paused")

        assert "r would be both app.quit and app.refresh" in console.said[0].text

    assert "q Quit" in shown


async def test_first_screen_begins_with_the_filter_that_was_asked_for(tmp_path: Path) -> None:
    async with running(tmp_path) as hub:
        start = Start(place="live", wanted="model:gpt", theme="high-contrast")
        async with before(hub, start=start) as (console, pilot):
            await seen(console, pilot, "filter: model:gpt")

            assert "high-contrast" == console.theme


async def test_a_key_that_does_nothing_now_says_why(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, before(hub, start="logs") as (console, pilot):
        await seen(console, pilot, "No request yet")
        await pilot.press("tab")
        await pilot.press("v", "v", "ctrl+z")

        assert ["Views: views are of the requests", "Undo: nothing to undo"] == [
            one.text for one in console.said
        ]


async def test_a_theme_that_is_none_is_told(tmp_path: Path) -> None:
    start = Start(theme="pink")
    async with running(tmp_path) as hub, before(hub, start=start) as (console, pilot):
        await until(pilot, lambda: console.said)

        assert "--theme: there is no pink; ctrl+t shows what there is" == console.said[0].text
        assert "tokenhub-dark" == console.theme


async def test_picture_of_the_screen_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(tmp_path / "server") as hub, before(hub) as (console, pilot):
        await seen(console, pilot, "No request yet")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: console.said)

        saved = console.said[0].text.removeprefix("Saved the screen as ")
        assert "TokenHub" in text_of(Path(saved))


async def test_filter_that_is_none_of_the_first_screen_is_told(tmp_path: Path) -> None:
    start = Start(wanted="ms>>")
    async with running(tmp_path) as hub, before(hub, start=start) as (console, pilot):
        await seen(console, pilot, "No request yet")

        assert console.said[0].text.startswith("--filter: ")


async def test_model_that_is_found_by_name_is_shown_in_its_list(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, Sim(SIMULATED) as sim:
        await hub.provider("one", sim, models=["gpt", "small"])
        async with before(hub, size=(120, 36)) as (console, pilot):
            await seen(console, pilot, "No request yet")
            await pilot.press("colon", *"model small")
            await seen(console, pilot, "one/small", "weight 1")
            await pilot.press("enter")
            await seen(console, pilot, "4 Fleet", "one/small")
            await until(pilot, lambda: console.page and console.page.query_one(Table).row_id)

            assert "one/small" == console.page.query_one(Table).row_id


async def test_digits_and_palette_lead_to_a_screen_that_a_request_stands_above(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as hub, Sim(SIMULATED) as sim:
        await hub.provider("one", sim, models=["gpt"])
        request_id = await ask(hub, await hub.key())
        async with before(hub, size=(120, 36), start="fleet") as (console, pilot):
            await seen(console, pilot, "1 model")
            console.open_request(request_id)
            await seen(console, pilot, "Attempts")
            await pilot.press("colon", *"model gpt")
            await seen(console, pilot, "one/gpt", "weight 1")
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(console.page, FleetPage))
            await pilot.press("3")
            await until(pilot, lambda: isinstance(console.page, SimulatePage))
            console.open_request(request_id)
            await seen(console, pilot, "Attempts")
            await pilot.press("3")
            await until(pilot, lambda: isinstance(console.page, SimulatePage))
            console.open_request(request_id)
            await seen(console, pilot, "Attempts")
            await pilot.press("s")
            await until(pilot, lambda: isinstance(console.page, SimulatePage))
            await until(pilot, lambda: console.prefill is None)


async def test_what_is_of_before_a_long_loss_is_pale(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, before(hub) as (console, pilot):
        await seen(console, pilot, "No request yet", "● live")
        lost_at = console.clock.now() - 130
        console.link.standing = (
            console.link.standing.gap(0)
            .lost("gone", 1.0, lost_at)
            .lost("gone", 1.0, console.clock.now())
        )
        console.draw_bars()
        await seen(console, pilot, "○ offline 02:1", "some missed")

        assert console.screen.has_class("-old")


async def test_token_is_not_asked_for_over_a_key_that_is_shown_once(tmp_path: Path) -> None:
    async with running(tmp_path) as hub, before(hub) as (console, pilot):
        await seen(console, pilot, "● live")
        console.push_screen(ShownOnce("New key ci", "tokenhub_secret", "It is shown once."))
        await seen(console, pilot, "I stored it")
        console.workers.cancel_group(console, "events")
        console.link.standing = console.link.standing.refused("it was revoked", 0)
        console._tick()
        await pilot.pause()
        over = text(console)
        await pilot.press("tab", "enter")
        await seen(console, pilot, "Admin token", "it was revoked")

    assert "tokenhub_secret" in over
    assert "Admin token" not in over


async def test_what_ends_the_console_is_told_without_secrets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def breaks() -> None:
        password = "esroh-tcerroc"[::-1]
        raise RuntimeError(len(password))

    async def ends(hub: Hub) -> None:
        async with before(hub) as (console, pilot):
            consoles.append(console)
            console.call_later(breaks)
            await until(pilot, lambda: console.return_code is not None)

    consoles: list[Console] = []
    async with running(tmp_path) as hub:
        with pytest.raises(RuntimeError, match="13"):
            await ends(hub)
    consoles[0]._print_error_renderables()
    told = capsys.readouterr().err

    assert "RuntimeError: 13" in told
    assert "correct-horse" not in told


async def test_a_token_that_may_only_read_is_offered_no_change(tmp_path: Path) -> None:
    async with running(tmp_path) as hub:
        issued = await hub.admin("POST", "tokens", {"name": "eve", "role": "viewer"})
        async with before(hub, token=issued["token"], start="fleet") as (console, pilot):
            await until(pilot, lambda: console.read_only)
            await seen(console, pilot, "No provider yet", "read-only")
            await pilot.press("n")
            await until(pilot, lambda: console.said[1:])
            said = [one.text for one in console.said]

    assert [
        "The token may only read: its role is viewer.",
        "New: the console only reads here",
    ] == said
