"""`tokenhubctl model` at the real server: its tables and JSON, and what it does there."""

import json

import pytest

from tests.cli.live import Live

ADD = (
    "model", "add", "--id", "org/small", "--provider", "one", "--weight", "3",
    "--context", "4000", "--input-per-1k", "0.001", "--output-per-1k", "0.002",
)  # fmt: skip


@pytest.fixture
def one(live: Live) -> Live:
    live.do(live.hub.provider("one", live.sim))
    added = live.run(*ADD)
    assert (0, "model/org/small saved\n") == (added.exit_code, added.stdout)
    return live


def test_one_is_a_row_and_all_that_the_server_knows_of_it(one: Live) -> None:
    head, row = one.run("model", "list").stdout.splitlines()
    listed = json.loads(one.run("model", "list", "-o", "json").stdout)
    shown = json.loads(one.run("model", "get", "org/small", "-o", "json").stdout)

    assert ["MODEL", "PROVIDER", "WEIGHT", "CONTEXT", "IN", "$/1K"] == head.split()[:6]
    assert ["org/small", "one", "3", "4000", "$0.0010", "$0.0020", "manual", "yes"] == (
        row.split()[:8]
    )
    assert [shown] == listed["items"]
    assert one.admin("GET", "models/org/small") == shown


def test_edit_changes_what_is_given_only(one: Live) -> None:
    before = one.admin("GET", "models/org/small")

    told = one.run("model", "edit", "org/small", '{"weight":9}', "--output-per-1k", "0.004").stdout

    after = one.admin("GET", "models/org/small")
    assert "model/org/small updated\n" == told
    assert before | {"weight": 9, "output_per_1k": 0.004, "version": after["version"]} == after
    assert after["version"] > before["version"]


def test_a_dry_run_leaves_it_as_it_is(one: Live) -> None:
    before = one.admin("GET", "models/org/small")

    result = one.run("model", "edit", "org/small", "--weight", "9", "--dry-run")

    assert (0, "model/org/small updated (dry run: nothing was changed)\n") == (
        result.exit_code,
        result.stdout,
    )
    assert before == one.admin("GET", "models/org/small")


def test_several_are_switched_up_to_the_one_that_is_not_there(one: Live) -> None:
    one.run("model", "add", "--id", "gpt", "--provider", "one")
    one.run("model", "add", "--id", "large", "--provider", "one")

    result = one.run("model", "disable", "gpt", "gone", "large")

    assert (5, "model/gpt disabled\n") == (result.exit_code, result.stdout)
    enabled = {row["id"]: row["enabled"] for row in one.admin("GET", "models")["items"]}
    assert {"gpt": False, "large": True, "org/small": True} == enabled


def test_prices_are_told_with_where_they_are_from(one: Live) -> None:
    shown = one.run("model", "price", "show", "org/small")
    synced = one.run("model", "price", "sync", "--dry-run")

    assert ["Model:   one/org/small", "Source:  manual"] == shown.stdout.splitlines()[:2]
    assert "  input           $0.001" in shown.stdout.splitlines()
    assert 0 == synced.exit_code
    assert "kept" in synced.stdout
    assert "0 would change, 0 the same, 1 kept" in synced.stdout + synced.stderr


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (("--id", "m", "--provider", "gone"), "gone"),
        (("--id", "m", "--provider", "one", "--weight", "11"), "weight"),
        (("--id", "m", "--provider", "one", "--input-per-1k", "-1"), "input_per_1k"),
        (("--id", "m", "--provider", "one", "--context", "-1"), "max_context_tokens"),
    ],
)
def test_what_the_server_does_not_take_is_told_with_its_field(
    one: Live, line: tuple[str, ...], told: str
) -> None:
    result = one.run("model", "add", *line)

    assert "" == result.stdout
    assert result.exit_code in {1, 5}
    assert told in result.stderr
    assert 1 == one.admin("GET", "models")["total"]
