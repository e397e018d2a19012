"""`tokenhubctl explain`: why a request went where it went, in words.

The fake gives the explanation to the letter, and decisions that come out differently, which the
real server has none of; tests/cli/commands/test_routing.py explains a real request.
"""

import json

import msgspec
import pytest
from msgspec.structs import replace

from tests.cli.conftest import Run
from tests.cli.fake_admin import FakeAdmin, problem
from tests.cli.test_logs import DECISION, DETAIL
from tokenhub.wire.explain import Explained, Explanation, Place, Reason, Setting
from tokenhub.wire.observe import RequestLog, Terms

ROW = RequestLog(
    **{name: getattr(DETAIL, name) for name in RequestLog.__struct_fields__},
)
TOLD = Explanation(
    summary="p/m was chosen out of 2: it had the best score. It answered.",
    asked="The caller asked for auto.",
    policy=[Setting(field="mode", value="normal", origin="the request")],
    candidates=[
        Place(
            rank=1,
            route="p/m",
            score=0.125,
            parts=Terms(cost=0.7, latency=0.0, failure=0.0, weight=0.5),
            why="score 0.1250",
        )
    ],
    skipped=[Reason(route="q/off", why="it, or its provider, is disabled")],
    happened=["1. p/m answered after 1000 ms.", "The caller was answered with status 200."],
    notes=["Estimated at 10 tokens in."],
)
FOUND = Explained(request=ROW, decision=DECISION, explanation=TOLD)
SHOWN = """\
r1, no time
p/m was chosen out of 2: it had the best score. It answered.

The caller asked for auto.

POLICY  VALUE   FROM
mode    normal  the request

Could have answered, best first
#  ROUTE  WHY
1  p/m    score 0.1250

Left out
ROUTE  WHY
q/off  it, or its provider, is disabled

What happened
1. p/m answered after 1000 ms.
The caller was answered with status 200.

Estimated at 10 tokens in.
"""
PATH = "/admin/v1/routing/explain/r1"


def given(admin: FakeAdmin, found: Explained) -> None:
    admin.answers["GET", PATH] = (200, msgspec.to_builtins(found))


@pytest.mark.parametrize("line", [["explain", "r1"], ["routing", "explain", "r1"]])
def test_a_request_is_explained(run: Run, admin: FakeAdmin, line: list[str]) -> None:
    given(admin, FOUND)

    result = run(*line)

    assert (0, SHOWN) == (result.exit_code, result.stdout)
    assert {} == admin.last.query


def test_a_verified_decision_ends_well(run: Run, admin: FakeAdmin) -> None:
    given(admin, replace(FOUND, verified=True, differences=[], reason="it is the same"))

    result = run("explain", "r1", "--verify")

    assert (0, {"verify": ["true"]}) == (result.exit_code, admin.last.query)
    assert result.stdout.endswith("\nVerified: yes: it is the same\n")


def test_a_decision_that_comes_out_differently_is_told_by_the_exit_code_too(
    run: Run, admin: FakeAdmin
) -> None:
    changed = ["propensity: stored 0.5, computed 1.0"]
    given(admin, replace(FOUND, verified=False, differences=changed, reason="it does not"))

    result = run("explain", "r1", "--verify")

    assert 8 == result.exit_code
    assert result.stdout.endswith("\nVerified: no: it does not\n" + changed[0] + "\n")


def test_what_nobody_can_tell_any_more_is_not_verified(run: Run, admin: FakeAdmin) -> None:
    gone = replace(FOUND, verified=None, differences=[], reason="the catalog is not kept")
    given(admin, gone)

    result = run("explain", "r1", "--verify", "-o", "csv")

    assert 8 == result.exit_code
    assert result.stdout.splitlines()[1].endswith(",unknown")


def test_a_request_without_a_decision_shows_what_there_is(run: Run, admin: FakeAdmin) -> None:
    bare = replace(TOLD, policy=[], candidates=[], skipped=[], notes=[])
    given(admin, replace(FOUND, decision=None, explanation=bare))

    shown = run("explain", "r1").stdout

    assert "Left out" not in shown
    assert "POLICY" not in shown


def test_json_is_the_answer_of_the_api(run: Run, admin: FakeAdmin) -> None:
    given(admin, FOUND)

    shown = json.loads(run("explain", "r1", "-o", "json").stdout)

    assert msgspec.to_builtins(FOUND) == shown


def test_an_unknown_request_leads_to_the_log(run: Run, admin: FakeAdmin) -> None:
    admin.answers["GET", PATH] = problem(404, "not_found", "no request r1")

    result = run("explain", "r1")

    assert 5 == result.exit_code
    assert 'try: "tokenhubctl logs list" shows what there is' in result.stderr
