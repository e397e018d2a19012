"""Lists of the real server: empty ones, long ones, and words in them that mean no good."""

import json

import pytest
from msgspec.structs import replace

from tests.cli.live import PROFILE, Live
from tokenhub.sim.profile import Model

LISTS = [
    ("provider", "list"),
    ("model", "list"),
    ("apikey", "list"),
    ("engine", "models"),
    ("ledger", "list"),
    ("logs",),
    ("backup", "list"),
]
# What an answer holds besides its rows.
ABOUT = {"total", "limit", "offset", "next", "cursor", "total_exact", "sum"}
BAD = "bad\x1b[2J\x1b]0;title\x07\x9b31m\u202e\r\nmodel"


@pytest.mark.parametrize("line", LISTS, ids=" ".join)
def test_an_empty_list_is_a_success_in_every_form(live: Live, line: tuple[str, ...]) -> None:
    told = {form: live.run(*line, "-o", form) for form in ("table", "csv", "json", "jsonl", "name")}

    assert {0} == {result.exit_code for result in told.values()}
    assert 1 == told["table"].stdout.count("\n") == told["csv"].stdout.count("\n")
    assert ("", "") == (told["jsonl"].stdout, told["name"].stdout)
    answer = json.loads(told["json"].stdout)
    assert 0 == answer["total"]
    assert not any(rows for name, rows in answer.items() if name not in ABOUT)


def test_a_long_list_is_told_whole_or_page_by_page(live: Live) -> None:
    """The server's page is 1,000 rows."""
    live.provider("p")
    names = [f"key {number:03}" for number in range(120)]
    for name in names:
        live.admin("POST", "apikeys", {"name": name, "scopes": ["chat"]})

    whole = live.run("apikey", "list", "--fields", "name", "-o", "jsonl")
    pages = [
        live.run("apikey", "list", "--limit", "50", "--offset", str(offset), "-o", "value")
        for offset in (0, 50, 100)
    ]

    assert names == sorted(json.loads(line)["name"] for line in whole.stdout.splitlines())
    assert [50, 50, 20] == [len(page.stdout.splitlines()) for page in pages]
    assert 120 == len({line for page in pages for line in page.stdout.splitlines()})
    assert ["rows 1 to 50 of 120; more with --offset 50", "rows 51 to 100 of 120; more with"] == [
        pages[0].stderr.removeprefix("note: ").strip(),
        pages[1].stderr.removeprefix("note: ").strip()[:32],
    ]
    assert "" == pages[2].stderr


def test_a_limit_that_the_server_does_not_take_is_told_with_the_largest(live: Live) -> None:
    result = live.run("apikey", "list", "--limit", "100000")

    assert (1, "") == (result.exit_code, result.stdout)
    assert "limit must be a whole number from 1 to 1000" in result.stderr


@pytest.mark.parametrize("form", ["table", "wide", "name", "value", "csv", "json", "jsonl", "yaml"])
def test_a_name_from_a_stranger_steers_no_terminal(live: Live, form: str) -> None:
    """A provider says what its models are called; nobody has looked at that before."""
    live.provider("p")
    live.sim.profile = replace(PROFILE, models=(Model(id=BAD, context_tokens=10),))

    result = live.run("provider", "discover", "p", "-o", form)

    assert 0 == result.exit_code, result.stderr
    assert "bad" in result.stdout
    assert not set("\x1b\x9b\x07\u202e") & set(result.stdout)


@pytest.mark.parametrize(
    "line",
    [
        ("model", "get", BAD),
        ("apikey", "create", "--name", BAD),
        ("vault", "secrets", "get", BAD),
        ("logs", "get", BAD),
    ],
)
@pytest.mark.parametrize("form", ["table", "json"])
def test_an_error_with_such_a_name_steers_none_either(
    live: Live, line: tuple[str, ...], form: str
) -> None:
    result = live.run(*line, "-o", form)

    assert "" == result.stdout
    assert result.exit_code
    assert not set("\x1b\x9b\x07\u202e") & set(result.stderr)
