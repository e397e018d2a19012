"""Every form of a result, through the commands that print it."""

import csv
import io
import json

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_admin import FakeAdmin


@pytest.fixture
def models(admin: FakeAdmin) -> None:
    admin.add_model("org/big", weight=8, max_context_tokens=128000, input_per_1k=0.0025)
    admin.add_model("模型", provider_id="local", output_per_1k=0, enabled=False)


@pytest.mark.usefixtures("models")
def test_table_has_columns_two_spaces_apart_and_numbers_to_the_right(run: Run) -> None:
    shown = run("model", "list").stdout

    assert [
        "MODEL    PROVIDER  WEIGHT  CONTEXT  IN $/1K  OUT $/1K  PRICE FROM  ENABLED  VERSION",
        "org/big  p              8   128000  $0.0025   unknown  manual      yes            1",
        "模型     local          1        -  unknown      free  manual      no             1",
    ] == shown.splitlines()


@pytest.mark.usefixtures("models")
def test_json_is_the_answer_of_the_api(run: Run) -> None:
    shown = run("model", "list", "-o", "json").stdout

    found = json.loads(shown)
    assert (2, ["org/big", "模型"]) == (found["total"], [row["id"] for row in found["items"]])
    assert 1 == shown.count("\n")


@pytest.mark.usefixtures("models")
def test_jsonl_is_a_row_on_each_line(run: Run) -> None:
    lines = run("model", "list", "-o", "jsonl").stdout.splitlines()

    assert ["org/big", "模型"] == [json.loads(line)["id"] for line in lines]


@pytest.mark.usefixtures("models")
def test_name_and_value_are_for_other_commands(run: Run) -> None:
    assert "model/org/big\nmodel/模型\n" == run("model", "list", "-o", "name").stdout
    assert "org/big\n模型\n" == run("model", "list", "-o", "value").stdout


@pytest.mark.usefixtures("models")
def test_csv_has_bare_values_and_field_names(run: Run) -> None:
    shown = run("model", "list", "-o", "csv").stdout_bytes.decode()

    rows = list(csv.DictReader(io.StringIO(shown, newline="")))
    assert ("0.0025", "", "true", "128000") == (
        rows[0]["input_per_1k"],
        rows[0]["output_per_1k"],
        rows[0]["enabled"],
        rows[0]["max_context_tokens"],
    )
    assert shown.endswith("\r\n")


def test_none_prints_nothing(run: Run) -> None:
    result = run("model", "list", "-o", "none")

    assert (0, "", "") == (result.exit_code, result.stdout, result.stderr)


@pytest.mark.parametrize(
    "line",
    [
        ("-o", "value", "model", "list"),
        ("model", "-o", "value", "list"),
        ("model", "list", "-o", "value"),
        ("-o", "json", "model", "list", "--output", "value"),
        ("models", "-o", "value"),
    ],
)
@pytest.mark.usefixtures("models")
def test_form_stands_before_or_after_the_command_and_the_last_holds(
    run: Run, line: tuple[str, ...]
) -> None:
    assert "org/big\n模型\n" == run(*line).stdout


@pytest.mark.parametrize("form", ["table", "csv"])
@pytest.mark.usefixtures("models")
def test_headers_can_be_left_out(run: Run, form: str) -> None:
    shown = run("--no-headers", "model", "list", "-o", form).stdout

    assert shown.startswith("org/big")


def test_empty_list_is_a_success_with_a_header(run: Run) -> None:
    result = run("model", "list")

    assert 0 == result.exit_code
    assert result.stdout.startswith("MODEL  PROVIDER  WEIGHT")
    assert "" == run("model", "list", "--no-headers").stdout


def test_an_unknown_form_is_a_usage_error(run: Run, admin: FakeAdmin) -> None:
    assert 2 == run("model", "list", "-o", "xml").exit_code
    assert [] == admin.sent


@pytest.mark.parametrize("form", ["table", "wide", "name", "value", "csv", "json", "jsonl", "yaml"])
def test_no_form_lets_escape_sequences_through(run: Run, admin: FakeAdmin, form: str) -> None:
    admin.add_model("m\x1b[2J\x9b1m", provider_id="p\x1b]0;t\x07")

    shown = run("model", "list", "-o", form).stdout

    assert not {"\x1b", "\x9b", "\x07"} & set(shown)


def test_a_page_that_goes_on_is_told_on_stderr(run: Run, admin: FakeAdmin) -> None:
    admin.add_model("m")
    page = {"items": list(admin.rows["models"].values()), "total": 5, "limit": 1, "offset": 2}
    admin.answers["GET", "/admin/v1/models"] = (200, page)

    result = run("model", "list", "--limit", "1", "--offset", "2", "-o", "value")

    told = "note: rows 3 to 3 of 5; more with --offset 3\n"
    assert ("m\n", told) == (result.stdout, result.stderr)
    assert {"limit": ["1"], "offset": ["2"]} == admin.last.query


@pytest.mark.parametrize(
    ("form", "shown"),
    [
        ("table", "model/m updated\n"),
        ("name", "model/m\n"),
        ("value", "m\n"),
        ("none", ""),
    ],
)
def test_a_change_prints_one_line(run: Run, admin: FakeAdmin, form: str, shown: str) -> None:
    admin.add_model("m")

    assert shown == run("model", "edit", "m", "--weight", "2", "-o", form).stdout


def test_a_change_as_json_is_the_object(run: Run, admin: FakeAdmin) -> None:
    admin.add_model("m")

    changed = json.loads(run("model", "edit", "m", "--weight", "2", "-o", "json").stdout)
    row = json.loads(run("model", "edit", "m", "--weight", "3", "-o", "jsonl").stdout)

    assert (True, 2, 3) == (changed["ok"], changed["model"]["weight"], row["weight"])


@pytest.mark.parametrize(
    ("form", "shown"),
    [
        ("table", "model/m deleted\n"),
        ("name", "model/m\n"),
        ("value", "m\n"),
        ("json", '{"ok":true}\n'),
        ("jsonl", '{"ok":true}\n'),
        ("csv", "id\nm\n"),
    ],
)
def test_a_deletion_tells_what_is_gone(run: Run, admin: FakeAdmin, form: str, shown: str) -> None:
    admin.add_model("m")

    assert shown == run("model", "delete", "m", "-o", form).stdout
