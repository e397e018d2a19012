"""`tokenhubctl simulate`: what the router would choose, by one policy or several."""

import json
from pathlib import Path

import pytest

from tests.cli.live import Live


@pytest.fixture
def live(live: Live) -> Live:
    """A server with models of three prices."""
    live.provider("one", "gpt")
    for model, price, weight in (("org/small", 0.0001, 2), ("large", 0.01, 9)):
        prices = {"input_per_1k": price, "output_per_1k": price, "weight": weight}
        live.admin("POST", "models", {"id": model, "provider_id": "one", **prices})
    return live


def test_the_line_of_the_public_description_tells_who_would_answer(live: Live) -> None:
    result = live.run("simulate", '{"mode":"cheap","token_count":500}')

    first, _, head, *rows = result.stdout.splitlines()
    assert 0 == result.exit_code
    assert first.startswith("one/org/small, $0.0001: ")
    assert ["ROUTE", "SCORE", "COST", "LATENCY", "FAILURES", "WEIGHT"] == head.split()
    assert ["one/org/small", "one/gpt", "one/large"] == [row.split()[0] for row in rows[:3]]
    assert "Policy: cheap" == rows[-1]


def test_flags_say_the_same_as_json(live: Live) -> None:
    by_json = live.run("simulate", '{"mode":"cheap","token_count":700}', "-o", "json").stdout

    by_flags = live.run("simulate", "--mode", "cheap", "--tokens", "700", "-o", "json").stdout

    assert json.loads(by_json) == json.loads(by_flags)
    assert {"decision", "eligible", "total", "error", "results", "catalog_version", "seed"} == set(
        json.loads(by_json)
    )


def test_policies_stand_side_by_side(live: Live) -> None:
    result = live.run("simulate", "--mode", "cheap", "--mode", "high_confidence", "--tokens", "900")

    lines = {line.split()[0]: line for line in result.stdout.splitlines()}
    assert result.stdout.splitlines()[0].split() == ["A", "cheap", "B", "high_confidence"]
    assert ["1", "one/org/small", "$0.0001", "one/large", "$0.0141"] == lines["1"].split()
    assert lines["against"].endswith("cost x100")


def test_a_policy_comes_as_json_as_a_file_and_as_a_list_of_them(live: Live, tmp_path: Path) -> None:
    one = tmp_path / "one.yaml"
    one.write_text("mode: cheap\nmax_budget_usd: 0.001\n")
    several = tmp_path / "several.json"
    several.write_text('[{"mode":"normal"},{"mode":"planning"}]')
    files = ("--policy", str(one), "--policy", f"@{several}")

    result = live.run("simulate", *files, "--policy", '{"mode":"cheap"}', "-o", "jsonl")

    shown = [json.loads(line)["policy"]["mode"] for line in result.stdout.splitlines()]
    assert ["cheap", "normal", "planning", "cheap"] == shown


def test_bounds_hold_for_every_policy_that_has_none_of_its_own(live: Live) -> None:
    own = '{"mode":"cheap","max_budget_usd":0.5}'

    result = live.run(
        "simulate", "--mode", "normal", "--policy", own, "--budget", "0.002", "-o", "json"
    )

    policies = [one["policy"]["max_budget_usd"] for one in json.loads(result.stdout)["results"]]
    assert [0.002, 0.5] == policies


def test_who_was_left_out_is_told_with_the_reason(live: Live) -> None:
    result = live.run("simulate", "--budget", "0.001")

    assert "one/large  it would cost" in result.stdout


def test_explain_tells_all_of_a_choice(live: Live) -> None:
    result = live.run("simulate", "--mode", "cheap", "--mode", "normal", "--explain")

    assert 2 == result.stdout.count("Considered, best first")
    assert "\nScore: 0.7 cost" in result.stdout


def test_nobody_is_an_answer_too(live: Live) -> None:
    result = live.run("simulate", "--budget", "0.0000001")

    assert 0 == result.exit_code
    assert result.stdout.startswith("Nobody could answer: ")


def test_scripts_get_a_row_for_each_policy(live: Live) -> None:
    line = ("simulate", "--mode", "cheap", "--mode", "high_confidence")

    assert "org/small\nlarge\n" == live.run(*line, "-o", "value").stdout
    assert "policy/cheap\npolicy/high_confidence\n" == live.run(*line, "-o", "name").stdout
    assert live.run(*line, "-o", "csv").stdout.startswith("mode,model_id,provider_id,estimated")


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        (['{"mode":"cheap"}', "--mode", "normal"], 2, "mode is given twice"),
        (["--mode", "bogus"], 1, "mode must be one of cheap"),
        (["--policy", '{"mde":"cheap"}'], 2, "unknown field `mde`"),
        (["--policy", "no/such.yaml"], 2, "cannot read no/such.yaml"),
        (["--policy", "[1]"], 2, "a policy is an object"),
        (['{"tokens":5}'], 2, "unknown field `tokens`"),
        (["--key", "nobody"], 5, 'try: "tokenhubctl apikey list"'),
    ],
)
def test_what_cannot_be_asked_is_told(live: Live, line: list[str], code: int, said: str) -> None:
    result = live.run("simulate", *line)

    assert (code, "") == (result.exit_code, result.stdout)
    assert said in result.stderr


def test_a_dry_run_is_what_it_is_anyway(live: Live) -> None:
    assert 0 == live.run("simulate", "--mode", "cheap", "--dry-run").exit_code


def test_nothing_is_logged_by_it(live: Live) -> None:
    live.run("simulate", "--mode", "cheap")

    assert "" == live.run("logs", "-o", "name").stdout
