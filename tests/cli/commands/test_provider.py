"""`tokenhubctl provider` at the real server: its tables and JSON, and what it does there."""

import json

import pytest

from tests.cli.live import Live
from tokenhub.sim.fault import Fault


@pytest.fixture
def one(live: Live) -> Live:
    line = ("--id", "one", "--type", "vllm", "--base-url", live.sim.url, "--api-key-stdin")
    added = live.run("provider", "add", *line, stdin="sk-1\n")
    assert (0, "provider/one saved\n") == (added.exit_code, added.stdout)
    assert "note: the key is held in memory only" in added.stderr
    return live


def test_one_is_a_row_and_all_that_the_server_knows_of_it(one: Live) -> None:
    head, row = one.run("provider", "list").stdout.splitlines()
    listed = json.loads(one.run("provider", "list", "-o", "json").stdout)
    shown = json.loads(one.run("provider", "get", "one", "-o", "json").stdout)

    assert ["ID", "TYPE", "BASE", "URL", "ENDPOINTS", "KEY", "ENABLED"] == head.split()[:7]
    assert ["one", "vllm", one.sim.url, "1", "present", "yes", "api", "1"] == row.split()
    assert [shown] == listed["items"]
    assert one.admin("GET", "providers/one") == shown
    assert "sk-1" not in str(listed)


def test_edit_changes_what_is_given_and_keeps_the_key(one: Live) -> None:
    changed = json.loads(
        one.run("provider", "edit", "one", "--type", "openai", "-o", "json").stdout
    )

    assert ("openai", one.sim.url, 2) == tuple(
        changed["provider"][name] for name in ("type", "base_url", "version")
    )
    assert 0 == one.run("provider", "test", "one").exit_code
    assert "sk-1" == one.sim.requests[-1].key()


def test_a_provider_that_is_disabled_is_not_asked(one: Live) -> None:
    one.run("model", "add", "--id", "gpt", "--provider", "one")

    told = one.run("provider", "disable", "one").stdout
    one.ask()

    assert "provider/one disabled\n" == told
    assert [] == one.sim.requests
    assert "provider/one enabled\n" == one.run("provider", "enable", "one").stdout
    one.ask()
    assert 1 == len(one.sim.requests)


def test_what_it_offers_is_a_table_that_marks_what_is_registered(one: Live) -> None:
    one.run("model", "add", "--id", "gpt", "--provider", "one")

    head, *rows = one.run("provider", "discover", "one").stdout.splitlines()
    told = json.loads(one.run("provider", "discover", "one", "-o", "json").stdout)

    assert ["MODEL", "OWNER", "CONTEXT"] == head.split()[:3]
    assert {("gpt", "yes"), ("org/small", "no"), ("large", "no")} == {
        (row.split()[0], row.split()[-1]) for row in rows
    }
    assert {"gpt": True, "org/small": False, "large": False} == {
        model["id"]: model["registered"] for model in told["models"]
    }


def test_a_test_tells_whether_it_answers_and_why_not(one: Live) -> None:
    well = one.run("provider", "test", "one")
    one.sim.next(Fault.status(401), path="/v1/models")
    ill = one.run("provider", "test", "one", "-o", "json")

    assert 0 == well.exit_code
    assert well.stdout.startswith("provider/one answered in ")
    assert well.stdout.endswith("ms and offers 3 models\n")
    told = json.loads(ill.stdout)
    assert (8, False, "credential") == (ill.exit_code, told["ok"], told["error"])


def test_it_goes_with_its_models(one: Live) -> None:
    one.run("model", "add", "--id", "gpt", "--provider", "one")

    assert "provider/one deleted\n" == one.run("provider", "delete", "one").stdout
    assert 0 == one.admin("GET", "models")["total"]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"id": "p", "base_url": "ftp://h"}, "base_url"),
        ({"id": "p", "type": "other", "base_url": "https://h"}, "type"),
        ({"id": "a/b", "base_url": "https://h"}, "id"),
    ],
)
def test_what_the_server_does_not_take_is_told_with_its_field(
    live: Live, fields: dict[str, str], told: str
) -> None:
    result = live.run("provider", "add", json.dumps(fields))

    assert (1, "") == (result.exit_code, result.stdout)
    assert told in result.stderr
    assert 0 == live.admin("GET", "providers")["total"]
