"""Every action is a key, and stands in the help, in the palette and in the docs."""

from pathlib import Path

import pytest

from tokenhub.client.profile import Profile
from tokenhub_cli.tree import root
from tokenhub_tui import actions
from tokenhub_tui.actions import ACTIONS, APP, PLACES, Action
from tokenhub_tui.app import Console
from tokenhub_tui.offers import Offers
from tokenhub_tui.screens import PAGES
from tokenhub_tui.state import key_lines

KEYS_PAGE = Path(__file__).parents[2] / "docs/reference/keys.md"
HELPED = [*(place.name for place in PLACES), "request"]
KNOWN = {one.line for one in root().walk()}
HELPS = [actions.manual.about(name) for name in HELPED]
COMMANDS = {one.command for one in ACTIONS if one.command}
COMMANDS |= {line for told in HELPS if told is not None for line in told.commands}


@pytest.mark.parametrize("action", ACTIONS, ids=lambda one: one.id)
def test_an_action_is_in_the_docs_with_its_help(action: Action) -> None:
    (line,) = [
        line
        for line in KEYS_PAGE.read_text(encoding="utf-8").splitlines()
        if f"| `{action.id}` |" in line
    ]

    assert action.help.replace("|", "\\|") in line


@pytest.mark.parametrize("action", ACTIONS, ids=lambda one: one.id)
def test_an_action_says_what_it_does(action: Action) -> None:
    assert action.title
    assert action.help.endswith(".")


@pytest.mark.parametrize("name", PAGES)
def test_actions_of_a_screen_are_carried_out_by_it(name: str) -> None:
    page = PAGES[name]()

    missing = [
        one.id
        for one in actions.of(name)
        if not hasattr(page, f"action_{one.method.partition('(')[0]}")
    ]

    assert [] == missing
    assert name == page.NAME


def test_actions_of_everywhere_are_carried_out_by_the_app() -> None:
    missing = [
        one.id
        for one in actions.of(APP)
        if not hasattr(Console, f"action_{one.method.partition('(')[0]}")
    ]

    assert [] == missing


@pytest.mark.parametrize("name", HELPED)
def test_a_screen_has_its_help(name: str) -> None:
    told = actions.manual.about(name)

    assert told is not None
    assert told.shows.endswith(".")
    assert told.sources.endswith(".")
    assert told.commands


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_a_command_is_one_of_tokenhubctl(command: str) -> None:
    words = command.split()

    assert any(" ".join(words[:length]) in KNOWN for length in (2, 3))


@pytest.mark.parametrize("name", PAGES)
def test_every_action_is_in_the_panel_of_keys(name: str) -> None:
    here = actions.of(name)

    lines = key_lines.lines(here, actions.of(APP), lambda one: one.label, lambda _: "")

    told = {one.text for one in lines}
    places = {place.title for place in PLACES}
    assert {one.title for one in (*here, *actions.of(APP))} - places <= told


@pytest.mark.anyio
async def test_every_action_is_in_the_palette() -> None:
    # Nobody answers at the port for discarding: what is offered needs no server.
    console = Console(Profile(url="http://127.0.0.1:9", token="none"))
    async with console.run_test() as pilot:
        for name in PAGES:
            console.action_go(name)
            await pilot.pause()

            offered = {one.id for one in Offers(console).here()}

            wanted = {one.id for one in (*actions.of(name), *actions.of(APP))}
            wanted -= {f"{APP}.{place.name}" for place in PLACES}
            assert wanted | {f"go {place.name}" for place in PLACES} <= offered


@pytest.mark.anyio
@pytest.mark.parametrize("name", PAGES)
async def test_no_key_breaks_a_screen_that_waits_for_its_server(name: str) -> None:
    console = Console(Profile(url="http://127.0.0.1:9", token="none"), start=name)
    async with console.run_test() as pilot:
        for one in actions.of(name):
            await pilot.press(one.keys.partition(",")[0], "escape")

        assert name == console.current_mode
