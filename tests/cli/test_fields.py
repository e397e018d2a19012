"""What was given on the line becomes one value: JSON, files, stdin and flags."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_admin import FakeAdmin

MODEL = {"id": "m", "provider_id": "p", "weight": 3}


def sent_model(admin: FakeAdmin) -> dict[str, object]:
    assert "POST" == admin.last.method
    return {name: admin.last.body[name] for name in MODEL}


def test_flags_alone(run: Run, admin: FakeAdmin) -> None:
    run("model", "add", "--id", "m", "--provider", "p", "--weight", "3")

    assert MODEL == sent_model(admin)


def test_json_from_stdin(run: Run, admin: FakeAdmin) -> None:
    run("model", "add", "-", stdin=json.dumps(MODEL))

    assert MODEL == sent_model(admin)


def test_json_from_a_file(run: Run, admin: FakeAdmin, tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(json.dumps(MODEL))

    run("model", "add", f"@{tmp_path}/model.json")

    assert MODEL == sent_model(admin)


def test_flags_add_to_json(run: Run, admin: FakeAdmin) -> None:
    run("model", "add", '{"id":"m","weight":3}', "--provider", "p", "--weight", "3")

    assert MODEL == sent_model(admin)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (('{"id":"m","weight":3}', "--weight", "4"), "weight is given twice"),
        (("{",), "this is no JSON object"),
        (("[1]",), "this is no JSON object"),
        (("[" * 2000,), "this is no JSON object"),
        (('"\udcff"',), "this is no JSON object"),
        (("@/nonexistent/file",), "cannot read /nonexistent/file: No such file"),
        (('{"id":"m","provider_id":"p","weight":"3"}',), "Expected `int | null`, got `str`"),
        (('{"id":"m","provider_id":"p","wieght":3}',), "unknown field `wieght`; there is id,"),
        (('{"id":"m"}',), "missing required field `provider_id`"),
        ((), "nothing is given; there is id, provider_id"),
    ],
)
def test_wrong_fields_are_usage_errors_and_nothing_is_sent(
    run: Run, admin: FakeAdmin, line: tuple[str, ...], told: str
) -> None:
    result = run("model", "add", *line)

    assert (2, []) == (result.exit_code, admin.sent)
    assert told.replace(" | null", "") in " ".join(result.stderr.split())


def test_an_edit_of_nothing_is_a_usage_error(run: Run, admin: FakeAdmin) -> None:
    result = run("model", "edit", "m")

    assert (2, []) == (result.exit_code, admin.sent)
    assert "nothing is given; there is weight" in result.stderr


def test_null_takes_a_price_away(run: Run, admin: FakeAdmin) -> None:
    admin.add_model("m")

    run("model", "edit", "m", '{"input_per_1k":null}')

    assert {"input_per_1k": None} == admin.last.body


def test_secret_from_stdin_is_one_line_of_it(run: Run, admin: FakeAdmin) -> None:
    run("provider", "add", "--id", "p", "--api-key-stdin", stdin="sk-1 \nmore")

    assert "sk-1" == admin.last.body["api_key"]


@pytest.mark.parametrize(
    ("line", "stdin", "told"),
    [
        (("--api-key-stdin",), "\n", "there is no api-key; stdin is empty"),
        (("--api-key-stdin", "--api-key", "x"), "y", "give one of --api-key, --api-key-stdin"),
    ],
)
def test_secret_that_is_none_or_two_is_a_usage_error(
    run: Run, admin: FakeAdmin, line: tuple[str, ...], stdin: str, told: str
) -> None:
    result = run("provider", "edit", "p", *line, stdin=stdin)

    assert (2, []) == (result.exit_code, admin.sent)
    assert told in " ".join(result.stderr.split())


def test_no_hint_without_a_terminal(run: Run) -> None:
    result = run("provider", "add", "--id", "p", "--api-key", "sk-1")

    assert "hint" not in result.stderr
    assert "sk-1" not in result.output


@pytest.mark.parametrize("verb", ["add", "edit"])
@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_a_price_that_is_no_number_is_a_usage_error(
    run: Run, admin: FakeAdmin, verb: str, value: str
) -> None:
    start = ("edit", "m") if verb == "edit" else ("add", "--id", "m", "--provider", "p")

    result = run("model", *start, f"--input-per-1k={value}")

    assert (2, []) == (result.exit_code, admin.sent)
    assert "input_per_1k must be a finite number" in result.stderr


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999"])
def test_a_price_that_is_no_number_is_refused_in_json_too(
    run: Run, admin: FakeAdmin, value: str
) -> None:
    result = run("model", "add", f'{{"id":"m","provider_id":"p","input_per_1k":{value}}}')

    assert (2, []) == (result.exit_code, admin.sent)
