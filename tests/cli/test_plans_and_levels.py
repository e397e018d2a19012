"""`tokenhubctl orchestration`, `workflow` and `log-level`."""

import json

import pytest

from tests.cli.live import Live


def planned(live: Live) -> str:
    """A plan that was carried out; its id."""
    live.provider("one", "gpt", "large")

    async def asked() -> str:
        bearer = {"authorization": f"Bearer {await live.hub.key('chat', 'plan')}"}
        body = {
            "messages": [{"role": "user", "content": "Hello"}],
            "orchestration": {"mode": "vote"},
        }
        answer = await live.hub.http.post("/v1/plan", json=body, headers=bearer)
        named: str = answer.json()["orchestration_id"]
        return named

    return live.do(asked())


def test_a_plan_is_listed_and_shown_with_its_steps(live: Live) -> None:
    plan = planned(live)

    listed = live.run("orchestration", "list").stdout.splitlines()
    shown = live.run("orchestration", "get", plan)

    assert "TIME" == listed[0].split()[0]
    assert listed[1].endswith(plan)
    assert f"Plan:      {plan}" == shown.stdout.splitlines()[0]
    assert "\nSteps\nROUTE" in shown.stdout
    assert f"orchestration/{plan}\n" == live.run("orchestrations", "-o", "name").stdout


def test_a_plan_as_json_is_the_answer_of_the_api(live: Live) -> None:
    plan = planned(live)

    shown = json.loads(live.run("orchestration", "get", plan, "-o", "json").stdout)

    assert (plan, "vote") == (shown["id"], shown["mode"])
    assert shown["step_count"] == len(shown["steps"])


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        (["orchestration", "get", "none"], 5, '"tokenhubctl orchestration list"'),
        (["orchestration", "list", "--status", "odd"], 1, "status must be one of"),
        (["workflow", "list", "--status", "odd"], 1, "invalid status filter"),
        (["log-level", "\udcff"], 2, "no UTF-8"),
        (["log-level", "\udcff", "--curl"], 2, "no UTF-8"),
        (["log-level", "loud"], 1, "level must be one of debug"),
    ],
)
def test_what_cannot_be_is_told(live: Live, line: list[str], code: int, said: str) -> None:
    result = live.run(*line)

    assert (code, "") == (result.exit_code, result.stdout)
    assert said in result.stderr


def test_without_temporal_there_are_no_workflows(live: Live) -> None:
    listed = live.run("workflow")

    assert 0 == listed.exit_code
    assert "note: Temporal is off, so that there are no workflows\n" == listed.stderr
    assert [] == json.loads(live.run("workflow", "list", "-o", "json").stdout)["workflows"]


@pytest.mark.parametrize("verb", ["get", "history"])
def test_a_workflow_that_is_not_there_is_not_found(live: Live, verb: str) -> None:
    result = live.run("workflow", verb, "w1", "-o", "json")

    assert (5, "") == (result.exit_code, result.stdout)
    assert "Temporal is off" in json.loads(result.stderr)["because"]


def test_the_level_of_the_log_is_changed_and_shown(live: Live) -> None:
    rehearsed = live.run("log-level", "debug", "--dry-run")
    kept = live.run("log-level").stdout
    changed = live.run("log-level", "error")

    assert "log-level/debug set (dry run: nothing was changed)\n" == rehearsed.stdout
    assert "debug\n" != kept
    assert "log-level/error set\n" == changed.stdout
    assert "error\n" == live.run("log-level").stdout
    assert {"level": "error"} == json.loads(live.run("log-level", "-o", "json").stdout)
