"""A group whose list is meant where nothing is named."""

import re

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_admin import FakeAdmin


@pytest.mark.parametrize(
    "line",
    [
        ("logs", "--limit", "3", "-o", "json"),
        ("logs", "list", "--limit=3", "-o", "json"),
        ("logs", "-o", "json", "--limit", "3"),
        ("logs", "-ojson", "list", "--limit", "3"),
        ("logs", "-q", "-o", "json", "list", "--limit", "3"),
        ("-o", "json", "logs", "--limit", "3"),
    ],
)
def test_the_list_takes_its_options_with_and_without_its_name(
    run: Run, admin: FakeAdmin, line: tuple[str, ...]
) -> None:
    result = run(*line)

    assert (0, True) == (result.exit_code, result.stdout.startswith('{"logs":[]'))
    assert {"limit": ["3"]} == admin.last.query


def test_the_value_of_an_option_names_no_command(run: Run, admin: FakeAdmin) -> None:
    run("logs", "--model", "get", "--provider", "list")

    assert ["get"] == admin.last.query["model_id"]


def test_the_help_of_the_group_has_the_options_of_its_list_and_the_commands(run: Run) -> None:
    told = run("logs", "--help").stdout

    assert "--error-class CLASS" in told
    assert re.search(r"  get +Explain one request", told)
    assert "--limit" not in run("logs", "get", "--help").stdout


@pytest.mark.parametrize("line", [("logs", "gett", "r1"), ("logs", "--no-such"), ("audit", "lst")])
def test_what_is_no_command_is_a_usage_error(run: Run, line: tuple[str, ...]) -> None:
    assert 2 == run(*line).exit_code
