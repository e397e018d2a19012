"""`--all`: the pages of a list, asked for one after the other and told as one."""

import json

import pytest

from tests.cli.live import Live


@pytest.fixture
def keys(live: Live) -> set[str]:
    """The ids of five keys."""
    rows = [
        live.admin("POST", "apikeys", {"name": f"key {n}", "scopes": ["chat"]}) for n in range(5)
    ]
    return {row["id"] for row in rows}


def test_all_pages_are_told_as_one(live: Live, keys: set[str]) -> None:
    ids = live.run("apikey", "list", "--limit", "2", "--all", "-o", "value")
    told = json.loads(live.run("--all", "apikey", "list", "--limit", "2", "-o", "json").stdout)

    assert (0, "") == (ids.exit_code, ids.stderr)
    assert sorted(keys) == sorted(ids.stdout.splitlines())
    assert (5, 5, 0) == (len(told["keys"]), told["total"], told["offset"])


def test_it_goes_on_from_the_offset(live: Live, keys: set[str]) -> None:
    line = ("apikey", "list", "--limit", "1", "-o", "value")
    first = live.run(*line).stdout.splitlines()

    rest = live.run(*line, "--offset", "1", "--all").stdout.splitlines()

    assert sorted(keys) == sorted(first + rest)


def test_a_list_with_a_cursor_goes_on_by_it(live: Live) -> None:
    """So that rows which come meanwhile are not told twice."""
    live.provider()
    for weight in range(1, 8):
        live.admin("PATCH", "models/gpt", {"weight": weight})

    line = ("audit", "list", "--action", "model.patch", "--limit", "3", "--all")
    result = live.run(*line, "-o", "jsonl")

    ids = [json.loads(row)["id"] for row in result.stdout.splitlines()]
    assert 7 == len(set(ids)) == len(ids)
    assert sorted(ids, reverse=True) == ids
    assert "" == result.stderr


def test_each_page_is_one_request(live: Live, keys: set[str]) -> None:
    told = live.run("apikey", "list", "--limit", "2", "--all", "-v", "-o", "none").stderr

    assert [f"{live.hub.url}/admin/v1/apikeys?limit=2", "limit=1000&offset=2"] == [
        told.splitlines()[0].split()[1],
        told.splitlines()[1].split()[1].partition("?")[2],
    ]
    assert 2 == len(told.splitlines())


def test_what_is_no_list_is_as_ever(live: Live) -> None:
    live.provider()

    shown = live.run("model", "get", "gpt", "--all", "-o", "value")
    changed = live.run("model", "edit", "gpt", "--weight", "2", "--all")
    curl = live.run("model", "list", "--all", "--curl")

    assert ("gpt\n", "model/gpt updated\n") == (shown.stdout, changed.stdout)
    assert curl.stdout.startswith("curl -sS -X GET ")
