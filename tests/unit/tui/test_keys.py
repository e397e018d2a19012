"""API keys as rows."""

import time

import msgspec
import pytest

from tests.unit.tui.a_key import KEY, NOW, but
from tokenhub.filters import parse
from tokenhub.wire.keys import ApiKey, ApiKeyIssued
from tokenhub_tui.state.cells import natural
from tokenhub_tui.state.keys import (
    COLUMNS,
    FIELDS,
    after_rotation,
    counted,
    credentials,
    effect_of_delete,
    effect_of_paid,
    facts,
    known,
    row,
    rows,
    standing,
)


def cell(key: ApiKey, column: str) -> str:
    """What stands in a column."""
    return natural(row(key, NOW).cells[[one.id for one in COLUMNS].index(column)])


@pytest.mark.parametrize(
    ("key", "word"),
    [
        (KEY, "on"),
        (but(enabled=False, rotation="overdue"), "off"),
        (but(expires_at="2026-01-31T11:00:00Z"), "expired"),
        (but(rotation="overdue"), "overdue"),
        (but(monthly_budget_usd=5.0, current_spend_usd=5.0), "spent"),
        (but(rotation="due"), "rotate"),
    ],
)
def test_one_word_says_what_keeps_it_from_opening_anything(key: ApiKey, word: str) -> None:
    assert word == standing(key, NOW).word


@pytest.mark.parametrize(
    ("spent", "bar", "told"),
    [
        (0.0, "░░░░░░░░", "$0/$5"),
        (0.001, "█░░░░░░░", "<1¢/$5"),
        (2.5, "████░░░░", "$2.50/$5"),
        (4.999, "███████░", "$5.00/$5"),
        (5.0, "████████", "$5/$5"),
        (1234.0, "████████", "$1.2k/$5"),
    ],
)
def test_budget_is_a_bar_that_shows_the_first_cent_and_the_last(
    spent: float, bar: str, told: str
) -> None:
    key = but(monthly_budget_usd=5.0, current_spend_usd=spent)

    assert bar == cell(key, "budget")
    assert told == cell(key, "spent")


def test_rotation_is_age_and_limit_and_marked_where_it_is_due() -> None:
    assert "-" == cell(KEY, "rotation")
    assert "10/90d" == cell(but(rotation_days=90, rotation="fresh"), "rotation")
    assert "10/12d !" == cell(but(rotation_days=12, rotation="due"), "rotation")
    assert "30/12d !" == cell(but(rotation_days=12, rotation="overdue", credentials=[]), "rotation")


def test_what_does_not_fit_is_counted() -> None:
    assert "chat,plan" == cell(but(scopes=["chat", "plan"]), "scopes")
    assert "chat +2" == cell(but(scopes=["chat", "plan", "embeddings"]), "scopes")
    assert "embedd +1" == cell(but(scopes=["embeddings", "*"]), "scopes")
    assert "none" == cell(but(scopes=[]), "scopes")


def test_ends_and_limits_have_words() -> None:
    assert ["never", "3d", "over"] == [
        cell(but(expires_at=at), "expires")
        for at in (None, "2026-02-03T12:00:01Z", "2026-01-31T11:59:59Z")
    ]
    assert ["default", "any", "20"] == [cell(but(rate_limit_rps=rps), "rps") for rps in (0, -1, 20)]
    assert ["any", "9999", "100k"] == [
        cell(but(tokens_per_minute=tpm), "tpm") for tpm in (0, 9_999, 100_000)
    ]


def test_filter_and_order_say_which_and_where() -> None:
    keys = [
        but(id="a", name="web", monthly_budget_usd=10.0, current_spend_usd=9.0),
        but(id="b", name="Batch", last_used_at=None, created_at="2026-01-30T12:00:00Z"),
        but(id="c", name="ci", scopes=["plan"], expires_at="2026-02-01T12:00:00Z"),
    ]

    def ids(order: str, text: str = "", *, turned: bool = False) -> list[str]:
        wanted = parse(text, fields=FIELDS).matches
        return [one.id for one in rows(keys, now=NOW, order=order, turned=turned, wanted=wanted)]

    assert ["b", "a", "c"] == ids("created")
    assert ["b", "c", "a"] == ids("name")
    assert ["a", "c", "b"] == ids("name", turned=True)
    assert "a" == ids("budget")[0]
    assert "b" == ids("used")[-1]
    assert "c" == ids("expires")[0]
    assert ["a"] == ids("created", "spent>1")
    assert ["c"] == ids("created", "scope:plan")
    assert ["b"] == ids("created", "bat")
    assert ["chat", "plan"] == known(keys, NOW)["scope"]


def test_facts_say_what_it_may_and_what_limits_it() -> None:
    key = but(
        enabled=False,
        rate_limit_rps=20,
        tokens_per_minute=100_000,
        concurrency=8,
        monthly_budget_usd=5.0,
        current_spend_usd=1.25,
        mode="cheap",
        max_latency_ms=900,
        allowed_models=["gpt-*"],
    )

    said = [text for text, _ in facts(key, NOW)]

    assert [
        "· It is off: x lets it open again.",
        "May chat · gpt-* · all providers",
        "Limits: 20/s · 100,000 tokens/min · 8 at once · $1.25 of $5 this month",
        "Routing: mode cheap, within 900ms · @@tokenhub obeyed",
        "key_1 made 2026-01-01",
    ] == said


def test_credentials_say_until_when_each_opens() -> None:
    told = [[natural(one) for one in line.cells] for line in credentials(KEY, NOW)]

    assert [
        ["new", "2026-01-21", "-", "it is rotated"],
        ["old", "2026-01-01", "1h00m", "2h00m from now"],
    ] == told


def test_changes_say_what_they_come_to() -> None:
    issued = ApiKeyIssued(
        key="k", id="key_1", prefix="k", name="ci-bot", scopes=[], former_until=None
    )
    later = msgspec.structs.replace(issued, former_until="2026-02-01T12:00:00Z")

    assert "last used 1m ago" in effect_of_delete(KEY, NOW)
    assert "never used" in effect_of_delete(but(last_used_at=None), NOW)
    assert "may spend $5 until" in effect_of_paid(but(monthly_budget_usd=5.0))
    assert "opens nothing any more" in after_rotation(issued, NOW)
    assert "for 24h00m yet" in after_rotation(later, NOW)
    assert ["1 key", "2 of 3 keys"] == [counted(1, 1), counted(2, 3)]


def test_days_are_those_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    late = but(created_at="2026-01-01T20:00:00Z")
    told = facts(late, NOW)
    monkeypatch.undo()
    time.tzset()

    assert "made 2026-01-02" in str(told)
