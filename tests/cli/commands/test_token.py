"""`tokenhubctl token` at the real server: its tables and JSON, and what the tokens open."""

import json

import pytest

from tests.cli.live import Live


def made(live: Live, name: str, role: str = "viewer") -> str:
    """A new token, as scripts take it."""
    line = ("token", "create", "--name", name, "--role", role, "-o", "value")
    result = live.run(*line)
    assert (0, "note: store this token now") == (result.exit_code, result.stderr[:26])
    return result.stdout.removesuffix("\n")


def opens(live: Live, token: str) -> int:
    """What a read with this token ends with."""
    return live.run("model", "list", TOKENHUB_ADMIN_TOKEN=token).exit_code


def test_a_new_one_is_listed_and_opens(live: Live) -> None:
    token = made(live, "grafana")

    head, *rows = live.run("token", "list").stdout.splitlines()
    told = json.loads(live.run("token", "list", "-o", "json").stdout)
    shown = json.loads(live.run("token", "get", "grafana", "-o", "json").stdout)

    assert head.startswith("NAME")
    assert [["admin", "owner"], ["grafana", "viewer"]] == [row.split()[:2] for row in rows]
    assert shown == next(row for row in told["tokens"] if row["name"] == "grafana")
    assert token not in str(told)
    assert 0 == opens(live, token)


def test_without_a_role_it_may_only_read(live: Live) -> None:
    live.run("token", "create", "--name", "a")

    assert "viewer" == live.admin("GET", "tokens/a")["role"]


def test_an_expiry_is_given_and_taken_away(live: Live) -> None:
    live.run("token", "create", "--name", "a", "--expires", "90d")
    before = live.admin("GET", "tokens/a")["expires_at"]

    live.run("token", "edit", "a", "--expires", "")

    assert before
    assert live.admin("GET", "tokens/a")["expires_at"] is None


@pytest.mark.parametrize("line", [("token",), ("tokens",), ("token", "list")])
def test_a_noun_alone_lists(live: Live, line: tuple[str, ...]) -> None:
    assert "token/admin\n" == live.run(*line, "-o", "name").stdout


def test_a_changed_role_holds_for_the_next_request(live: Live) -> None:
    live.provider()
    token = made(live, "alice")
    line = ("model", "edit", "gpt", "--weight", "2")
    before = live.run(*line, TOKENHUB_ADMIN_TOKEN=token).exit_code

    told = live.run("token", "edit", "alice", "--role", "operator").stdout

    assert "token/alice updated\n" == told
    assert (4, 0) == (before, live.run(*line, TOKENHUB_ADMIN_TOKEN=token).exit_code)


def test_a_rotated_one_opens_with_the_new_one_and_the_old_for_a_while(live: Live) -> None:
    first = made(live, "alice")

    second = live.run("token", "rotate", "alice", "-o", "value").stdout.strip()
    both = [opens(live, first), opens(live, second)]
    third = live.run("token", "rotate", "alice", "--overlap", "0", "-o", "value").stdout.strip()

    assert [0, 0] == both
    assert [4, 4, 0] == [opens(live, token) for token in (first, second, third)]


def test_a_revoked_one_opens_nothing(live: Live) -> None:
    token = made(live, "alice")

    assert "token/alice deleted\n" == live.run("token", "revoke", "alice").stdout
    assert 4 == opens(live, token)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (("--name", "v", "--role", "king"), 1),
        (("--name", ""), 1),
        (("--name", "v", "--expires", "soon"), 1),
        (("--name", "taken"), 6),
    ],
)
def test_what_the_server_does_not_take_makes_none(
    live: Live, line: tuple[str, ...], code: int
) -> None:
    made(live, "taken")

    result = live.run("token", "create", *line)

    assert (code, "") == (result.exit_code, result.stdout)
    assert 2 == live.admin("GET", "tokens")["total"]
