"""`tokenhubctl apikey` at the real server: its tables and JSON, and what the keys open."""

import json

import pytest

from tests.cli.live import Live


def created(live: Live, *line: str) -> dict[str, str]:
    """A new key, as JSON tells of it."""
    result = live.run("apikey", "create", *line, "-o", "json")
    assert (0, "note: store this key now") == (result.exit_code, result.stderr[:24])
    told: dict[str, str] = json.loads(result.stdout)
    return told


def status(live: Live, key: str) -> int:
    """What one request with the key is answered."""
    body = {"model": "gpt", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4}
    bearer = {"authorization": f"Bearer {key}"}
    answer = live.do(live.hub.http.post("/v1/chat/completions", json=body, headers=bearer))
    code: int = answer.status_code
    return code


def test_a_new_key_is_shown_this_once_and_opens_what_it_may(live: Live) -> None:
    live.provider()

    alone = live.run("apikey", "create", "--name", "an app", "--scope", "chat", "-o", "value")

    key = alone.stdout.strip()
    assert alone.stdout == f"{key}\n"
    assert 200 == status(live, key)
    head, row = live.run("apikey", "list").stdout.splitlines()
    assert ["ID", "NAME", "PREFIX", "SCOPES"] == head.split()[:4]
    assert ["an", "app"] == row.split()[1:3]
    assert key not in live.run("apikey", "list", "-o", "json").stdout


def test_a_key_has_what_the_flags_say(live: Live) -> None:
    line = (
        "--name", "a", "--scope", "chat", "--expires", "30d", "--rps", "5", "--tpm", "9000",
        "--concurrency", "3", "--rotate-days", "90", "--no-directives", "--allow-model", "gpt-*",
        "--allow-provider", "one", "--mode", "cheap", "--budget", "0.5", "--monthly-budget", "25",
        "--latency", "900", "--min-weight", "2",
    )  # fmt: skip
    key = created(live, *line)["id"]

    shown = json.loads(live.run("apikey", "get", key, "-o", "json").stdout)

    said = {
        "name": "a",
        "scopes": ["chat"],
        "rate_limit_rps": 5,
        "tokens_per_minute": 9000,
        "concurrency": 3,
        "rotation_days": 90,
        "directives": False,
        "allowed_models": ["gpt-*"],
        "allowed_providers": ["one"],
        "mode": "cheap",
        "max_budget_usd": 0.5,
        "monthly_budget_usd": 25.0,
        "max_latency_ms": 900,
        "min_weight": 2,
    }
    assert said == {name: shown[name] for name in said}
    assert shown["expires_at"]
    assert live.admin("GET", f"apikeys/{key}") == shown


def test_edit_gives_and_takes(live: Live) -> None:
    key = created(live, "--name", "a", "--expires", "30d", "--tpm", "9000")["id"]

    line = ("--scope", "", "--expires", "", "--tpm", "0", "--name", "b")
    told = live.run("apikey", "edit", key, *line).stdout

    row = live.admin("GET", f"apikeys/{key}")
    assert f"apikey/{key} updated\n" == told
    assert ("b", [], None, 0) == (
        row["name"],
        row["scopes"],
        row["expires_at"],
        row["tokens_per_minute"],
    )


def test_a_rotated_key_opens_with_the_new_one_and_the_former_for_a_while(live: Live) -> None:
    live.provider()
    first = created(live, "--name", "a")

    second = live.run("apikey", "rotate", first["id"], "-o", "value")
    both = [status(live, key) for key in (first["key"], second.stdout.strip())]
    third = live.run("apikey", "rotate", first["id"], "--overlap", "0", "-o", "value")

    assert [200, 200] == both
    assert "note: the former one opens the key until " in second.stderr
    assert "note: the former one opens the key no more\n" in third.stderr
    keys = (first["key"], second.stdout.strip(), third.stdout.strip())
    assert [401, 401, 200] == [status(live, key) for key in keys]


def test_a_disabled_key_opens_nothing_until_it_is_enabled(live: Live) -> None:
    live.provider()
    key = created(live, "--name", "a")

    off = live.run("apikey", "disable", key["id"]).stdout
    refused = status(live, key["key"])
    on = live.run("apikey", "enable", key["id"]).stdout

    assert (f"apikey/{key['id']} disabled\n", f"apikey/{key['id']} enabled\n") == (off, on)
    assert refused in {401, 403}
    assert 200 == status(live, key["key"])


def test_what_a_key_has_spent_is_told_and_can_be_let_go(live: Live) -> None:
    live.provider()
    key = created(live, "--name", "a", "--monthly-budget", "1")
    status(live, key["key"])

    def spent() -> float:
        row = live.run("apikey", "get", key["id"], "--fields", "current_spend_usd", "-o", "json")
        return float(json.loads(row.stdout)[0]["current_spend_usd"])

    before = spent()
    told = live.run("apikey", "paid", key["id"]).stdout

    assert before > 0
    assert f"apikey/{key['id']} paid\n" == told
    assert 0.0 == spent()


def test_a_deleted_key_opens_nothing(live: Live) -> None:
    live.provider()
    key = created(live, "--name", "a")

    assert f"apikey/{key['id']} deleted\n" == live.run("apikey", "delete", key["id"]).stdout
    assert 401 == status(live, key["key"])


@pytest.mark.parametrize(
    "line",
    [
        ("--name", ""),
        ("--name", "a", "--scope", "everything"),
        ("--name", "a", "--expires", "soon"),
        ("--name", "a", "--monthly-budget", "-1"),
        ("--name", "a", "--mode", "dear"),
    ],
)
def test_what_the_server_does_not_take_makes_no_key(live: Live, line: tuple[str, ...]) -> None:
    result = live.run("apikey", "create", *line)

    assert (1, "") == (result.exit_code, result.stdout)
    assert "(HTTP 400, request req_" in result.stderr
    assert [] == live.admin("GET", "apikeys")["keys"]
