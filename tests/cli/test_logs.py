"""`tokenhubctl logs get`: one request, and why it went where it went."""

import json
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from tests.cli.conftest import Run
from tests.cli.fake_admin import FakeAdmin, problem
from tokenhub.wire.observe import (
    AttemptLog,
    Candidate,
    Decision,
    Policy,
    RequestDetail,
    Sample,
    Skipped,
    Terms,
)

SETTLED = AttemptLog(
    attempt=2,
    provider_id="p",
    model_id="m",
    state="settled",
    status_code=200,
    error_class="",
    latency_ms=1000.0,
    input_tokens=10,
    output_tokens=5,
    cost_usd=0.0015,
    estimated=False,
)
VOIDED = replace(
    SETTLED,
    attempt=1,
    model_id="big",
    state="voided",
    status_code=503,
    error_class="overloaded",
    latency_ms=200.0,
    input_tokens=0,
    output_tokens=0,
    cost_usd=0.0,
)
DECISION = Decision(
    catalog_version=7,
    seed=12345,
    hint="auto",
    substitute="any",
    policy=Policy(
        mode="normal",
        max_budget_usd=0.05,
        max_latency_ms=120000.0,
        min_weight=2,
        origin={"mode": "body", "max_budget_usd": "default", "max_latency_ms": "default"},
    ),
    weights=Terms(cost=0.7, latency=0.1, failure=0.15, weight=0.05),
    input_tokens=10,
    output_tokens=512,
    reason="routed-weight-5",
    propensity=0.5,
    candidates=[
        Candidate(
            route="p/m",
            score=0.125,
            terms=Terms(cost=1.0, latency=0.5, failure=0.0, weight=1.0),
            cost_usd=0.0015,
            latency_ms=250.0,
            failure_rate=0.1,
            weight=5,
        ),
        Candidate(
            route="p/new",
            score=0.125,
            terms=Terms(cost=1.0, latency=1.0, failure=0.0, weight=0.0),
            cost_usd=None,
            latency_ms=None,
            failure_rate=0.0,
            weight=2,
        ),
    ],
    skipped=[
        Skipped(route="p/dear", reason="budget_exceeded", value=0.3, limit=0.05),
        Skipped(route="p/small", reason="context_overflow", value=9000, limit=8192),
        Skipped(route="p/weak", reason="weight_below_minimum", value=1, limit=2),
        Skipped(route="q/off", reason="disabled", value=None, limit=None),
        Skipped(route="q/keyless", reason="no_credential", value=None, limit=None),
        Skipped(route="q/odd", reason="a_later_reason", value=3, limit=2),
    ],
)
DRAWN = replace(DECISION.candidates[0], sample=Sample(alpha=3.0, beta=1.0, draw=0.9))
DETAIL = RequestDetail(
    request_id="r1",
    timestamp="no time",
    model_id="m",
    provider_id="p",
    mode="normal",
    requested_model="auto",
    reason="failover",
    estimated_cost_usd=0.0015,
    latency_ms=1234.5,
    overhead_ms=3.2,
    status_code=200,
    error_class="",
    api_key_id="k1",
    input_tokens=10,
    output_tokens=5,
    total_tokens=15,
    stream=False,
    estimated=False,
    attempts=[VOIDED, SETTLED],
    decision=DECISION,
)
EXPLAINED = """\
Request:   r1
Time:      no time
Asked:     auto, by k1
Answered:  p/m, status 200, failover
Took:      1.2s, 3ms of it here
Tokens:    10 in, 5 out
Cost:      $0.0015

Tried
#  ROUTE  STATE    STATUS  ERROR       LATENCY  TOKENS     COST
1  p/big  voided      503  overloaded    200ms       0     free
2  p/m    settled     200  -              1.0s      15  $0.0015

Considered, best first
ROUTE   SCORE     COST  LATENCY  FAILURES  WEIGHT
p/m    0.1250  $0.0015    250ms     10.0%       5
p/new  0.1250  unknown  unknown      0.0%       2
Score: 0.7 cost + 0.1 latency + 0.15 failures - 0.05 weight, each as a part of the largest
Draw:  the best scores are equal; the seed 12345 decided, with a chance of 50 %

Left out
ROUTE      WHY
p/dear     it would cost $0.3000, and the budget is $0.0500
p/small    it needs 9000 tokens of context, and has 8192
p/weak     its weight is 1, and at least 2 was asked for
q/off      it is disabled
q/keyless  its provider's key is missing
q/odd      a_later_reason (3, limit 2)

Policy: mode normal (body), budget $0.0500, latency 120.0s, weight at least 2
Catalog: version 7
"""


def given(admin: FakeAdmin, detail: RequestDetail) -> None:
    admin.answers["GET", "/admin/v1/requests/r1"] = (200, msgspec.to_builtins(detail))


def test_a_request_is_explained_in_words(run: Run, admin: FakeAdmin) -> None:
    given(admin, DETAIL)

    assert EXPLAINED == run("logs", "get", "r1").stdout


def test_a_request_that_nobody_was_called_for(run: Run, admin: FakeAdmin) -> None:
    refused = replace(
        DETAIL,
        model_id="",
        provider_id="",
        status_code=429,
        error_class="rate_limit_exceeded",
        attempts=[],
        decision=None,
    )
    given(admin, refused)

    shown = run("logs", "get", "r1").stdout

    assert "Answered:  nobody, status 429, rate_limit_exceeded\n" in shown
    assert "Tried\nnobody\n" in shown
    assert "There is no decision on record for it.\n" in shown


def test_a_request_that_failed_was_not_answered_by_who_was_asked_last(
    run: Run, admin: FakeAdmin
) -> None:
    voided = [replace(one, state="voided") for one in DETAIL.attempts]
    failed = replace(DETAIL, status_code=502, error_class="upstream_lost", attempts=voided)
    given(admin, failed)

    assert "Answered:  nobody, status 502, upstream_lost\n" in run("logs", "get", "r1").stdout


def test_a_choice_without_a_tie_or_anybody_left_out_says_nothing_of_them(
    run: Run, admin: FakeAdmin
) -> None:
    given(admin, replace(DETAIL, decision=replace(DECISION, propensity=1.0, skipped=[])))

    shown = run("logs", "get", "r1").stdout

    assert "Draw:" not in shown
    assert "Left out" not in shown


def test_a_request_that_nobody_could_answer_shows_the_reasons_alone(
    run: Run, admin: FakeAdmin
) -> None:
    nobody = replace(DECISION, candidates=[], propensity=0.0, error="no_provider_available")
    given(admin, replace(DETAIL, attempts=[], decision=nobody))

    shown = run("logs", "get", "r1").stdout

    assert "\nNobody could answer: no_provider_available\n\nLeft out\n" in shown
    assert "Draw:" not in shown


@pytest.mark.parametrize("origin", ["header", "body", "directive", "key"])
def test_what_is_no_default_is_marked_with_its_origin(
    run: Run, admin: FakeAdmin, origin: str
) -> None:
    weights = Terms(cost=0.5, latency=0.0, failure=0.0, weight=0.5)
    origins = {"mode": "default", "max_budget_usd": origin, "weights": origin}
    policy = replace(DECISION.policy, weights=weights, origin=origins)
    given(admin, replace(DETAIL, decision=replace(DECISION, policy=policy)))

    shown = run("logs", "get", "r1").stdout

    assert (
        f"Policy: mode normal, budget $0.0500 ({origin}), latency 120.0s, weight at least 2, "
        f"weights of its own ({origin})\n"
    ) in shown


def test_an_alias_is_shown_with_what_it_stood_for(run: Run, admin: FakeAdmin) -> None:
    given(admin, replace(DETAIL, decision=replace(DECISION, alias="fast", hint="gpt")))

    assert "Alias: fast stood for gpt\n" in run("logs", "get", "r1").stdout


def test_a_step_names_the_plan_that_it_is_of(run: Run, admin: FakeAdmin) -> None:
    given(admin, replace(DETAIL, parent_id="req_plan"))

    assert "Request:   r1\nStep of:   req_plan\n" in run("logs", "get", "r1").stdout


def test_each_field_of_the_policy_that_is_no_default_names_its_origin(
    run: Run, admin: FakeAdmin
) -> None:
    origin = {"mode": "key", "max_budget_usd": "directive", "weights": "header"}
    policy = replace(DECISION.policy, origin=origin, weights=DECISION.weights)
    given(admin, replace(DETAIL, decision=replace(DECISION, policy=policy)))

    shown = run("logs", "get", "r1").stdout

    assert "mode normal (key), budget $0.0500 (directive), latency 120.0s, weight" in shown
    assert ", weights of its own (header)\n" in shown


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"explored": 1, "temperature": 0.3}, "number 2 by score is tried now and then"),
        ({"candidates": [DECISION.candidates[0]]}, "others than the best are tried now and then"),
        ({"candidates": [DRAWN]}, "what each may be worth is drawn in this mode"),
    ],
)
def test_a_draw_is_told_with_its_cause_and_its_chance(
    run: Run, admin: FakeAdmin, change: dict[str, Any], told: str
) -> None:
    given(admin, replace(DETAIL, decision=replace(DECISION, propensity=0.0344, **change)))

    shown = run("logs", "get", "r1").stdout

    assert f"\nDraw:  {told}" in shown
    assert "; the seed 12345 decided, with a chance of 3.44 %\n" in shown


@pytest.mark.parametrize(
    ("reason", "value", "told"),
    [
        ("health_down", 28654, "it has failed too often, and opens in 28.7s"),
        ("cooling_down", 999, "it has throttled us, and opens in 999ms"),
        ("credential_out", 1, "it refused our key, or its account is empty, and opens in 1ms"),
        ("not_allowed", None, "the API key may not use it"),
    ],
)
def test_who_is_let_alone_is_told_with_the_time_until_it_opens(
    run: Run, admin: FakeAdmin, reason: str, value: int | None, told: str
) -> None:
    skip = Skipped(route="p/m2", reason=reason, value=value, limit=None)
    given(admin, replace(DETAIL, decision=replace(DECISION, skipped=[skip])))

    assert f"p/m2   {told}\n" in run("logs", "get", "r1").stdout


def test_a_policy_without_a_budget(run: Run, admin: FakeAdmin) -> None:
    policy = replace(DECISION.policy, max_budget_usd=None, min_weight=0)
    given(admin, replace(DETAIL, decision=replace(DECISION, policy=policy)))

    assert "budget no limit, latency 120.0s\n" in run("logs", "get", "r1").stdout


def test_what_a_model_is_called_cannot_steer_the_terminal(run: Run, admin: FakeAdmin) -> None:
    given(admin, replace(DETAIL, requested_model="\x1b]0;evil\x07auto"))

    assert "Asked:     auto, by k1\n" in run("logs", "get", "r1").stdout


def test_json_is_the_answer_of_the_api(run: Run, admin: FakeAdmin) -> None:
    given(admin, DETAIL)

    shown = json.loads(run("logs", "get", "r1", "-o", "json").stdout)

    assert msgspec.to_builtins(DETAIL) == shown


def test_an_unknown_request_leads_to_the_list(run: Run, admin: FakeAdmin) -> None:
    admin.answers["GET", "/admin/v1/requests/r9"] = problem(404, "not_found", "no request r9")

    result = run("logs", "get", "r9")

    assert 5 == result.exit_code
    assert '"tokenhubctl logs list" shows what there is' in result.stderr


def test_logs_list_is_what_logs_alone_is(run: Run, admin: FakeAdmin) -> None:
    run("logs", "list", "--limit", "3", "--key", "k1")

    assert ("/admin/v1/logs", {"limit": ["3"], "api_key_id": ["k1"]}) == (
        admin.last.path,
        admin.last.query,
    )


def test_tokens_are_told_by_their_class_where_the_provider_told_them(
    run: Run, admin: FakeAdmin
) -> None:
    attempt = replace(SETTLED, cached_tokens=6, cache_write_tokens=2, reasoning_tokens=3)
    found = msgspec.to_builtins(replace(DETAIL, attempts=[attempt]))
    admin.answers["GET", f"/admin/v1/requests/{DETAIL.request_id}"] = 200, found

    shown = run("logs", "get", DETAIL.request_id).stdout.splitlines()

    told = "Tokens:    10 in (6 of them cached, 2 written to a cache), 5 out (3 of them reasoning)"
    assert told in shown


def test_the_steps_of_a_plan_are_listed_by_its_id(run: Run, admin: FakeAdmin) -> None:
    told = "'r9' is a plan; the log lists its steps with ?parent_id=r9"
    admin.answers["GET", "/admin/v1/requests/r9"] = problem(404, "not_found", told)

    refused = run("logs", "get", "r9")
    run("logs", "--plan=r9")

    assert "the log lists its steps with --plan=r9 (HTTP 404" in refused.stderr
    assert {"limit": ["50"], "parent_id": ["r9"]} == admin.last.query


def test_a_filter_goes_to_the_server_as_it_is(run: Run, admin: FakeAdmin) -> None:
    run("logs", "--filter", "model:gpt !mode:cheap since:2h", "--cursor", "aX")

    sent = {"filter": ["model:gpt !mode:cheap since:2h"], "cursor": ["aX"], "limit": ["50"]}
    assert sent == admin.last.query


def test_what_is_no_filter_is_shown_with_a_mark_and_never_sent(run: Run, admin: FakeAdmin) -> None:
    result = run("logs", "list", "--filter", "ms>2 modle:x")

    assert 2 == result.exit_code
    assert "there is no field 'modle'" in result.stderr
    assert [] == admin.sent


def test_a_list_that_goes_on_says_with_what(run: Run, admin: FakeAdmin) -> None:
    page = {"logs": [], "total": 7, "total_exact": False, "limit": 50, "offset": 0}
    admin.answers["GET", "/admin/v1/logs"] = 200, {**page, "next": "req_1", "cursor": "aX"}

    result = run("logs", "--filter", "ms>2")

    assert "note: 0 of at least 7; more with --cursor aX\n" == result.stderr


def test_a_saved_view_is_its_filter_and_its_columns(run: Run, admin: FakeAdmin) -> None:
    view = {"name": "slow", "filter": "ms>2000", "columns": ["model_id", "status_code"]}
    admin.answers["GET", "/admin/v1/views/slow"] = 200, {**view, "version": 1}

    usual = run("logs", "--view", "slow", "--filter", "status:error")
    own = run("logs", "--view", "slow", "--fields", "mode")

    assert ["status:error ms>2000", "ms>2000"] == [
        sent.query["filter"][0] for sent in admin.sent if "filter" in sent.query
    ]
    assert ["MODEL  STATUS\n", "MODE\n"] == [usual.stdout, own.stdout]


def test_a_view_that_is_not_there_is_not_found(run: Run, admin: FakeAdmin) -> None:
    admin.answers["GET", "/admin/v1/views/none"] = problem(404, "not_found", "no view none")

    assert 5 == run("logs", "--view", "none").exit_code
