import os
import time
from collections.abc import Iterator

import pytest

from tests.unit.tui.test_feed import attempt
from tests.unit.tui.test_why import candidate, decision
from tokenhub_tui.state.cells import natural
from tokenhub_tui.state.decisions import COLUMNS, at, row, undecided
from tokenhub_tui.state.feed import Line

NAMES = [one.id for one in COLUMNS]


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    os.environ.pop("TZ", None)  # noqa: TID251 - of this process alone
    time.tzset()


def line(**fields: object) -> Line:
    usual = {"at": 3600.0, "model_id": "gpt", "provider_id": "one", "mode": "cheap", "key": "ci"}
    return Line(request_id="r", **{**usual, **fields})


def shown(one: Line, now: float = 3601.5) -> dict[str, str]:
    return dict(zip(NAMES, map(natural, row(one, now).cells), strict=True))


def test_a_request_that_ended_has_its_numbers_and_its_reason() -> None:
    made = decision(candidate("one/gpt", cost=0.2), candidate("one/big", cost=0.9))
    ended = line(
        state="ok", latency_ms=699.0, cost_usd=0.0062, input_tokens=10, output_tokens=5,
        decision=made, reason="routed-weight-5",
    )  # fmt: skip

    assert {
        "time": "01:00:00", "mark": "✓", "model": "gpt", "provider": "one", "mode": "cheap",
        "key": "ci", "ms": "699ms", "first": "", "tokens": "10/5", "cost": "$0.0062",
        "score": ".100", "why": "best of 2",
    } == shown(ended)  # fmt: skip


def test_a_request_that_nobody_was_asked_names_what_it_wanted() -> None:
    hinted = decision(hint="gpt")

    assert "…" == shown(line(model_id=""))["model"]
    assert "nobody" == shown(line(model_id="", state="failed"))["model"]
    assert "gpt" == shown(line(model_id="", state="failed", decision=hinted))["model"]


@pytest.mark.parametrize(
    ("given", "mark", "why"),
    [
        ({"state": "failed", "error_class": "upstream_throttled"}, "✗", "rate limited"),
        ({"state": "rescued", "attempts": [attempt("overloaded"), attempt()]}, "↻",
         "overloaded: one/gpt"),
        ({"state": "streaming"}, "⇢", "streams"),
        ({"state": "lost"}, "?", "end unknown, the server was started anew"),
        ({"plan": "vote", "steps": 2}, "◌", "2 steps…"),
        ({"state": "ok", "plan": "vote", "step": "vote-1", "reason": "hedged-dispatch"}, "✓",
         "vote-1: second call was faster"),
        ({"state": "ok", "reason": "a_new-reason"}, "✓", "a new reason"),
    ],
)  # fmt: skip
def test_the_mark_and_a_word_say_how_it_stands(
    given: dict[str, object], mark: str, why: str
) -> None:
    cells = shown(line(**given))

    assert (mark, why) == (cells["mark"], cells["why"])


def test_what_goes_on_counts_its_time_and_has_no_cost_yet() -> None:
    cells = shown(line())

    assert ("·", "1.5s…", "") == (cells["mark"], cells["ms"], cells["cost"])


def test_a_cost_that_nobody_knows_is_a_question_mark() -> None:
    assert "?" == shown(line(state="ok"))["cost"]
    assert "$0" == shown(line(state="ok", cost_usd=0.0))["cost"]


def test_why_there_are_no_candidates_is_said() -> None:
    assert "No route has been chosen yet." == undecided(line())
    assert "refused before" in undecided(line(state="failed"))
    assert "each of its steps" in undecided(line(plan="vote"))


def test_a_time_of_another_day_has_its_day() -> None:
    noon = 1_767_268_800.0  # 2026-01-01

    assert ("12:00:00", "12-31 12:00", "") == (
        at(noon, noon + 60), at(noon - 86_400, noon), at(0.0, noon)
    )  # fmt: skip
