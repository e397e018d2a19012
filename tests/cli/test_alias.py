"""`tokenhubctl alias`: names that stand for a split of models."""

import json
from pathlib import Path

import pytest

from tests.cli.live import Live


@pytest.fixture
def live(live: Live) -> Live:
    live.provider("one", "gpt", "org/small")
    return live


def test_an_alias_is_made_shown_and_taken_away(live: Live) -> None:
    made = live.run("alias", "set", "fast", "--variant", "gpt=9", "--variant", "org/small")

    listed = live.run("aliases")

    assert (0, "alias/fast saved\n") == (made.exit_code, made.stdout)
    assert ["fast", "gpt=9,org/small=1", "request", "yes"] == listed.stdout.split()[6:10]
    assert "alias/fast deleted\n" == live.run("alias", "delete", "fast").stdout
    assert 5 == live.run("alias", "get", "fast").exit_code


def test_json_is_the_answer_of_the_api(live: Live) -> None:
    variants = '{"variants":[{"model_id":"gpt","weight":2}]}'

    made = live.run("alias", "set", "a/b", variants, "--sticky-by", "api_key", "-o", "json")

    shown = json.loads(made.stdout)
    assert [{"model_id": "gpt", "weight": 2}] == shown["variants"]
    assert shown == json.loads(live.run("alias", "get", "a/b", "-o", "json").stdout)
    assert "alias/a/b\n" == live.run("alias", "list", "-o", "name").stdout


def test_fields_may_come_from_a_yaml_file(live: Live, tmp_path: Path) -> None:
    file = tmp_path / "fast.yaml"
    file.write_text("variants:\n  - model_id: gpt\n    weight: 3\nenabled: false\n")

    live.run("alias", "set", "fast", f"@{file}")

    assert live.run("alias", "list", "-o", "csv").stdout.endswith("fast,gpt=3,request,false,4\n")


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        (["set", "fast", "--variant", "gpt=much"], 2, "'much' is no whole number"),
        (["set", "fast", "--variant", "unknown"], 1, "there is no model 'unknown'"),
        (["set", "fast"], 2, "there is variants"),
        (["delete", "fast"], 5, 'try: "tokenhubctl alias list"'),
    ],
)
def test_what_cannot_be_is_told(live: Live, line: list[str], code: int, said: str) -> None:
    result = live.run("alias", *line)

    assert (code, "") == (result.exit_code, result.stdout)
    assert said in result.stderr


def test_a_stale_change_is_a_conflict(live: Live) -> None:
    live.run("alias", "set", "fast", "--variant", "gpt")

    assert 6 == live.run("alias", "delete", "fast", "--if-match", "99").exit_code
    line = ("alias", "set", "fast", "--variant", "gpt=2", "--if-match", "99")
    assert 6 == live.run(*line).exit_code


def test_a_broken_yaml_file_is_a_usage_error(live: Live, tmp_path: Path) -> None:
    file = tmp_path / "fast.yml"
    file.write_text("variants: [")

    result = live.run("alias", "set", "fast", f"@{file}")

    assert 2 == result.exit_code
    assert "this is no YAML: while parsing" in result.stderr
