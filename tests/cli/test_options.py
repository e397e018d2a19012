"""The options of every command: what is shown, of which rows, from which server."""

import json

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_admin import FakeAdmin


@pytest.fixture
def two_models(admin: FakeAdmin) -> None:
    admin.add_model("gpt-4o", provider_id="openai", weight=8, input_per_1k=0.0025)
    admin.add_model("haiku", provider_id="anthropic", weight=3, enabled=False)


@pytest.mark.usefixtures("two_models")
def test_fields_choose_columns_in_their_order(run: Run) -> None:
    shown = run("model", "list", "--fields", "weight,id").stdout

    assert ["WEIGHT  MODEL", "     8  gpt-4o", "     3  haiku"] == shown.splitlines()


@pytest.mark.usefixtures("two_models")
def test_fields_of_json_are_those_of_the_rows(run: Run) -> None:
    shown = run("--fields", "id,enabled", "model", "list", "-o", "json").stdout

    assert [
        {"id": "gpt-4o", "enabled": True},
        {"id": "haiku", "enabled": False},
    ] == json.loads(shown)


@pytest.mark.usefixtures("two_models")
@pytest.mark.parametrize(
    "line", [("model", "list", "--fields"), ("model", "--fields", "-o", "csv")]
)
def test_fields_alone_lists_them(run: Run, line: tuple[str, ...]) -> None:
    result = run(*line)

    assert {"id", "provider_id", "weight", "pricing_source"} <= set(result.stdout.splitlines())
    assert 0 == result.exit_code


@pytest.mark.usefixtures("two_models")
def test_an_unknown_field_is_a_usage_error_that_names_those_there_are(run: Run) -> None:
    result = run("model", "list", "--fields", "nmae")

    assert 2 == result.exit_code
    assert "there is no field 'nmae'" in result.stderr
    assert "provider_id" in result.stderr


@pytest.mark.usefixtures("two_models")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("openai", ["gpt-4o"]),
        ("enabled:no", ["haiku"]),
        ("weight>=3", ["gpt-4o", "haiku"]),
        ("input_per_1k<0.01", ["gpt-4o"]),
        ("!provider_id=openai", ["haiku"]),
    ],
)
def test_a_filter_names_the_fields_of_the_rows(run: Run, text: str, expected: list[str]) -> None:
    assert expected == run("model", "list", "--filter", text, "-o", "value").stdout.splitlines()


@pytest.mark.usefixtures("two_models")
def test_a_filter_that_is_none_is_told_with_a_mark(run: Run) -> None:
    result = run("model", "list", "--filter", "id:gpt wieght>3")

    assert 2 == result.exit_code
    assert "  id:gpt wieght>3\n         ^" in result.stderr.replace("│ ", "")


@pytest.mark.usefixtures("two_models")
def test_yaml_reads_as_the_json_does(run: Run) -> None:
    import yaml  # noqa: PLC0415 - as the command does

    told = run("model", "list", "-o", "json").stdout

    assert json.loads(told) == yaml.safe_load(run("model", "list", "-o", "yaml").stdout)


@pytest.mark.usefixtures("two_models")
def test_wide_has_all_columns(run: Run) -> None:
    assert "VERSION" in run("model", "list", "-o", "wide").stdout.splitlines()[0]


@pytest.mark.usefixtures("two_models")
def test_the_usual_form_can_be_set_and_is_checked(run: Run) -> None:
    assert "gpt-4o\nhaiku\n" == run("model", "list", TOKENHUB_OUTPUT="value").stdout
    assert "model/gpt-4o" in run("model", "list", "-o", "name", TOKENHUB_OUTPUT="value").stdout
    assert 2 == run("model", "list", TOKENHUB_OUTPUT="xml").exit_code


@pytest.mark.usefixtures("two_models")
def test_colour_is_for_terminals_unless_asked_for(run: Run) -> None:
    assert "\x1b[" not in run("model", "list").stdout
    assert "\x1b[1mMODEL" in run("model", "list", "--color", "always").stdout
    assert "\x1b[1mMODEL" in run("model", "list", CLICOLOR_FORCE="1").stdout
    assert "\x1b[" not in run("model", "list", CLICOLOR_FORCE="1", NO_COLOR="1").stdout


def test_times_are_written_as_asked(run: Run, admin: FakeAdmin) -> None:
    admin.add_key("k", created_at="2026-02-03T04:05:06Z")
    line = ("apikey", "list", "--fields", "created_at", "--no-headers")

    assert "2026-02-03T04:05:06Z\n" == run(*line, "--time", "iso").stdout
    assert "1770091506.000\n" == run(*line, "--time", "unix").stdout
    assert run(*line, "--time", "relative").stdout.endswith(" ago\n")


def test_curl_prints_the_request_and_sends_nothing(run: Run, admin: FakeAdmin) -> None:
    result = run("model", "edit", "m", "--weight", "9", "--if-match", "3", "--curl")

    assert [] == admin.sent
    assert (
        f"curl -sS -X PATCH {admin.url}/admin/v1/models/m"
        ' -H "Authorization: Bearer $TOKENHUB_ADMIN_TOKEN"'
        """ -H 'If-Match: "3"' -H 'Content-Type: application/json' -d '{"weight":9}'\n"""
    ) == result.stdout


def test_dry_run_asks_the_server_to_check(run: Run, admin: FakeAdmin) -> None:
    admin.add_model("m")

    result = run("model", "edit", "m", "--weight", "9", "--dry-run")

    assert ["true"] == admin.last.query["dry_run"]
    assert "model/m updated (dry run: nothing was changed)\n" == result.stdout


def test_verbose_tells_of_requests_on_stderr_without_secrets(run: Run) -> None:
    assert "" == run("model", "list", "-q").stderr
    assert " 200 " in run("model", "list", "-v").stderr
    told = run("-v", "-v", "model", "list").stderr
    assert "authorization: [redacted]" in told
    assert "t0ken" not in told


def test_reading_is_tried_again_as_often_as_asked(run: Run) -> None:
    nowhere = {"TOKENHUB_URL": "http://127.0.0.1:9"}

    assert 3 == run("model", "list", "--retries", "0", **nowhere).exit_code
