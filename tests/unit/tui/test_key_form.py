"""What a form for an API key asks for, and what is sent of it."""

import msgspec
import pytest

from tests.unit.tui.a_key import NOW, but
from tokenhub.core import catalog
from tokenhub.core import keys as core
from tokenhub.wire.keys import ApiKeyPatch
from tokenhub_tui.state import form
from tokenhub_tui.state.key_form import MODES, SCOPES, create, new, of, patch, rotate, values


def test_choices_are_those_of_the_server() -> None:
    assert core.SCOPES == SCOPES
    assert catalog.MODES == MODES


def test_new_key_leaves_to_the_server_what_is_not_written() -> None:
    sent = create({**form.first(new()), "name": "ci", "monthly_budget_usd": 5.0})

    assert "ci" == sent.name
    assert ["chat", "plan"] == sent.scopes
    assert 5.0 == sent.monthly_budget_usd
    assert msgspec.UNSET is sent.mode
    assert "" == sent.expires_in


def test_fields_of_a_key_are_as_it_is_and_nothing_is_sent_of_them() -> None:
    key = but(concurrency=4, mode="cheap", expires_at="2026-02-03T12:00:01Z")
    fields = of(key, NOW)
    before = form.first(fields)

    assert {} == form.changed(fields, before, before)
    assert set(values(key)) == set(before)
    assert before == {**values(key), "enabled": True}
    assert "as it is: in 3d" == next(one.empty for one in fields if one.id == "expires_in")


def test_scopes_are_in_the_order_in_which_they_are_ticked() -> None:
    assert ("chat", "plan") == values(but(scopes=["plan", "chat"]))["scopes"]


def test_only_what_is_changed_is_sent_and_nothing_is_a_word() -> None:
    sent = patch({"mode": "", "max_budget_usd": None, "concurrency": None, "expires_in": "never"})

    assert ApiKeyPatch(mode=None, max_budget_usd=None, concurrency=0, expires_in="") == sent


def test_what_the_wire_does_not_take_is_told_under_its_field() -> None:
    with pytest.raises(msgspec.ValidationError) as found:
        patch({"name": None})

    assert [("/name", "is needed")] == form.faults(found.value)


@pytest.mark.parametrize(
    "name", ["monthly_budget_usd", "tokens_per_minute", "concurrency", "rotation_days"]
)
def test_limit_of_nothing_is_not_taken_for_no_limit(name: str) -> None:
    with pytest.raises(msgspec.ValidationError) as found:
        patch({name: 0})

    assert [(f"/{name}", "more than 0; empty is no limit")] == form.faults(found.value)


def test_never_is_written_in_any_case() -> None:
    assert "" == patch({"expires_in": "Never"}).expires_in


def test_no_overlap_is_none() -> None:
    assert "0" == rotate({"overlap": ""}).overlap
    assert "36h" == rotate({"overlap": "36h"}).overlap
