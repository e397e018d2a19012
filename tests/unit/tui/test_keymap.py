"""Keys of a user's own."""

import pytest
from textual.binding import Binding
from textual.keys import _character_to_key

from tokenhub_tui import actions
from tokenhub_tui.state.keymap import named, taken


def test_keys_are_taken_by_the_names_of_actions() -> None:
    wanted = {"live.pause": "p", "app.vault": "ctrl+u,Z"}

    assert (wanted, []) == taken(actions.ACTIONS, wanted)


def test_a_name_of_nothing_is_told() -> None:
    assert ({}, ["[keys] names no action: live.dance"]) == taken(
        actions.ACTIONS, {"live.dance": "p"}
    )


@pytest.mark.parametrize("key", ["?", "question_mark"])
def test_a_clash_is_told_with_both_names_and_changes_nothing(key: str) -> None:
    found, (wrong,) = taken(actions.ACTIONS, {"live.pause": key})

    assert {} == found
    assert "live.pause" in wrong
    assert "app.keys-panel" in wrong


def test_two_that_change_places_do_not_clash() -> None:
    wanted = {"live.pause": "f", "live.follow": "space"}

    assert (wanted, []) == taken(actions.ACTIONS, wanted)


def test_a_key_that_its_owner_keeps_is_not_given_away() -> None:
    found, wrong = taken(actions.ACTIONS, {"live.pause": "f", "live.follow": "q"})

    assert {} == found
    assert ["live.follow", "live.pause"] == [one.split(" and ")[0].split()[-1] for one in wrong]


@pytest.mark.parametrize("key", ["j", "G", "enter"])
def test_keys_of_lists_stay_with_them(key: str) -> None:
    found, (wrong,) = taken(actions.ACTIONS, {"live.pause": key})

    assert {} == found
    assert "lists" in wrong
    assert ({"live.open": "enter,o"}, []) == taken(actions.ACTIONS, {"live.open": "enter,o"})


@pytest.mark.parametrize("key", ["?", "/", "-", "a", "_", "@", "["])
def test_characters_are_named_as_textual_names_them(key: str) -> None:
    assert _character_to_key(key) == named(key)
    assert f"ctrl+{_character_to_key(key)}" == named(f"ctrl+{key}")


def test_every_id_is_one_of_a_binding() -> None:
    ids = [Binding(one.keys, one.method, id=one.id).id for one in actions.ACTIONS]

    assert len(ids) == len(set(ids))
