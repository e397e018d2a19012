"""One request as rows, and in the forms in which it is copied."""

import msgspec

from tokenhub.wire.keys import ApiKey
from tokenhub.wire.observe import AttemptLog, Decision, Policy, RequestDetail, Terms
from tokenhub_tui.state.cells import natural
from tokenhub_tui.state.copying import FORMS, MOST_BYTES, fits, written
from tokenhub_tui.state.request import (
    Detail,
    Scale,
    attempt_rows,
    begun,
    budget,
    facts,
    money_rows,
    policy_rows,
    simulation,
    title,
    waterfall,
)

WEIGHTS = Terms(cost=0.25, latency=0.25, failure=0.25, weight=0.25)
POLICY = Policy(
    mode="cheap",
    max_budget_usd=None,
    max_latency_ms=0,
    min_weight=2,
    origin={"mode": "directive", "min_weight": "key"},
)
DECISION = Decision(
    catalog_version=1, seed=2**60, hint="gpt", substitute="", fallbacks=["large"], policy=POLICY,
    weights=WEIGHTS, input_tokens=410, output_tokens=120, reason="", propensity=1.0,
    candidates=[], skipped=[], output_limit=64,
)  # fmt: skip


def attempt(number: int, latency_ms: float, **fields: object) -> AttemptLog:
    given: dict[str, object] = {
        "attempt": number, "provider_id": "one", "model_id": "gpt", "state": "settled",
        "status_code": 200, "error_class": "", "latency_ms": latency_ms, "input_tokens": 9,
        "output_tokens": 4, "cost_usd": 0.0011, "estimated": False,
    }  # fmt: skip
    return AttemptLog(**(given | fields))


def request(*attempts: AttemptLog, **fields: object) -> RequestDetail:
    given: dict[str, object] = {
        "request_id": "req_1", "timestamp": "2026-01-31T10:00:00.000Z", "model_id": "gpt",
        "provider_id": "one", "mode": "cheap", "requested_model": "gpt", "reason": "",
        "estimated_cost_usd": 0.0011, "latency_ms": 1000.0, "overhead_ms": 2.0,
        "status_code": 200, "error_class": "", "api_key_id": "key_1", "input_tokens": 402,
        "output_tokens": 128, "total_tokens": 530, "stream": False, "estimated": False,
        "attempts": list(attempts), "decision": DECISION,
    }  # fmt: skip
    return RequestDetail(**(given | fields))


def test_title_tells_how_it_ended() -> None:
    rescued = request(attempt(1, 100, status_code=429, error_class="throttled"), attempt(2, 800))

    assert "✓ 200 · 1.0s · $0.0011" == title(request(attempt(1, 900)))
    assert "↻ 200 after 1 fail-over · 1.0s · $0.0011" == title(rescued)
    assert title(request(error_class="timeout", status_code=504, provider_id="")).startswith(
        "✗ 504"
    )


def test_attempts_stand_one_after_the_other() -> None:
    one = request(attempt(1, 250, status_code=429, error_class="throttled"), attempt(2, 750))

    rows = [[natural(cell) for cell in row.cells] for row in attempt_rows(one, 8, first_ms=500)]

    assert ["1", "one/gpt", "429", "▓▓", "250ms", "", "rate limited"] == rows[0]
    assert ["2", "one/gpt", "200", "··░░▓▓▓▓", "750ms", "500ms", ""] == rows[1]


def test_attempts_at_once_end_by_the_end_of_the_request() -> None:
    assert [0.0, 100.0] == begun(request(attempt(1, 900), attempt(2, 900)))


def test_bar_is_never_nothing() -> None:
    assert "·······▓" == waterfall(1000.0, 0.0, 0.0, Scale(whole_ms=1000.0, cells=8))


def test_policy_tells_where_each_field_is_from() -> None:
    told = {row.id: [natural(cell) for cell in row.cells] for row in policy_rows(POLICY)}

    assert ["mode", "cheap", "directive"] == told["mode"]
    assert ["budget", "no limit", "default"] == told["max_budget_usd"]
    assert ["min weight", "2", "key"] == told["min_weight"]


def test_money_says_what_may_be_billed() -> None:
    rows = money_rows(request(attempt(1, 5, state="unknown", cost_usd=None), attempt(2, 5)))

    assert ["unknown", "may be billed"] == [natural(rows[0].cells[2]), natural(rows[0].cells[-1])]
    assert "$0.0011" == natural(rows[1].cells[-2])


def test_budget_is_that_of_the_key() -> None:
    key = ApiKey(
        id="key_1", name="ci", key_prefix="", scopes=[], created_at="", expires_at=None,
        enabled=True, rate_limit_rps=0, directives=True, version=1,
        monthly_budget_usd=10.0, current_spend_usd=2.5,
    )  # fmt: skip

    assert "key ci has spent $2.5000 of $10.0000 this month (25%)" == budget(
        Detail(request=request(), key=key)
    )
    assert "key key_1" == budget(Detail(request=request()))


def test_facts_hold_what_was_expected_beside_what_came() -> None:
    told = {
        name: text for name, text, _ in facts(request(attempt(1, 5), parent_id="plan_1"), 301.0)
    }

    assert "402 in, 128 out; expected 410 in, 120 out" == told["tokens"]
    assert "plan_1" == told["step of"]
    assert told["took"].endswith("first token after 301ms")


def test_simulation_asks_the_same() -> None:
    asked = simulation(request())

    assert ("cheap", 2, 410, 64, "gpt", ["large"], "key_1") == (
        asked.mode, asked.min_weight, asked.token_count, asked.max_tokens, asked.model_hint,
        asked.models, asked.api_key_id,
    )  # fmt: skip
    assert (0, "any", None) == (asked.seed, asked.substitute, asked.max_latency_ms)


def test_forms_name_the_request_and_hold_no_token() -> None:
    texts = {form: written(form, request(), "http://localhost:8080") for form in FORMS}

    assert all("req_1" in text for text in texts.values())
    assert "$TOKENHUB_ADMIN_TOKEN" in texts["curl"]
    assert "tokenhubctl logs get req_1" == texts["tokenhubctl"]
    assert request() == msgspec.json.decode(texts["json"], type=RequestDetail)
    compile(texts["python"], "copied", "exec")


def test_terminal_takes_so_much_and_no_more() -> None:
    assert fits("a" * MOST_BYTES)
    assert not fits("ä" * MOST_BYTES)
