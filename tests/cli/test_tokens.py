"""`tokenhubctl token ...`: what it sends, and what it says."""

from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_admin import FakeAdmin, problem

SECRET = "tha_" + "5" * 64
TOKENS = "/admin/v1/tokens"


def row(**fields: Any) -> dict[str, Any]:
    times = {"created_at": "2026-02-03T04:05:06Z", "expires_at": None, "last_used_at": None}
    usual = {"id": "tok_1", "name": "alice", "role": "operator", "version": 3}
    return usual | times | {"token_prefix": "tha_5555...5555", "rotated_until": None} | fields


def issued(**fields: Any) -> dict[str, Any]:
    usual = {"ok": True, "token": SECRET, "id": "tok_1", "name": "alice", "role": "operator"}
    return usual | {"expires_at": None, "rotated_until": None, "warning": "store it now"} | fields


@pytest.fixture
def tokens(admin: FakeAdmin) -> FakeAdmin:
    page = {"tokens": [row(), row(name="bob")], "total": 2, "limit": 1000, "offset": 0}
    admin.answers |= {
        ("GET", TOKENS): (200, page),
        ("GET", f"{TOKENS}/alice"): (200, row()),
        ("POST", TOKENS): (200, issued()),
        ("PATCH", f"{TOKENS}/alice"): (200, {"ok": True, "token": row(role="viewer")}),
        ("POST", f"{TOKENS}/alice/rotate"): (200, issued()),
        ("DELETE", f"{TOKENS}/alice"): (200, {"ok": True}),
    }
    return admin


@pytest.mark.parametrize("line", [("token",), ("tokens",), ("token", "list")])
def test_tokens_are_listed(run: Run, tokens: FakeAdmin, line: tuple[str, ...]) -> None:
    head, *rows = run(*line).stdout.splitlines()

    assert head.startswith("NAME")
    assert ["alice", "bob"] == [line.split()[0] for line in rows]


def test_one_is_shown(run: Run, tokens: FakeAdmin) -> None:
    assert "token/alice\n" == run("token", "get", "alice", "-o", "name").stdout


def test_a_new_one_is_shown_once(run: Run, tokens: FakeAdmin) -> None:
    line = ["token", "create", "--name", "alice", "--role", "operator", "--expires", "90d"]

    result = run(*line, "-o", "value")

    assert f"{SECRET}\n" == result.stdout
    assert "store it now" in result.stderr
    assert {"name": "alice", "role": "operator", "expires_in": "90d"} == tokens.last.body


def test_without_a_role_it_may_only_read(run: Run, tokens: FakeAdmin) -> None:
    run("token", "create", "--name", "alice")

    assert "viewer" == tokens.last.body["role"]


def test_only_the_given_fields_are_changed(run: Run, tokens: FakeAdmin) -> None:
    result = run("token", "edit", "alice", "--role", "viewer", "--if-match", "3")

    assert "token/alice updated\n" == result.stdout
    assert ({"role": "viewer"}, '"3"') == (tokens.last.body, tokens.last.if_match)


def test_an_expiry_can_be_taken_away(run: Run, tokens: FakeAdmin) -> None:
    run("token", "edit", "alice", "--expires", "")

    assert {"expires_in": ""} == tokens.last.body


@pytest.mark.parametrize(("overlap", "line"), [("1h", []), ("0", ["--overlap", "0"])])
def test_rotation_shows_the_new_one(
    run: Run, tokens: FakeAdmin, overlap: str, line: list[str]
) -> None:
    result = run("token", "rotate", "alice", *line, "-o", "value")

    assert f"{SECRET}\n" == result.stdout
    assert ({"overlap": overlap}, f"{TOKENS}/alice/rotate") == (
        tokens.last.body,
        tokens.last.path,
    )


def test_one_is_revoked(run: Run, tokens: FakeAdmin) -> None:
    assert "token/alice deleted\n" == run("token", "revoke", "alice", "-y").stdout
    assert ("DELETE", f"{TOKENS}/alice") == tokens.last[:2]


def test_whose_role_is_not_enough_is_told_so(run: Run, tokens: FakeAdmin) -> None:
    refusal = "this needs the role owner; bob has the role viewer"
    tokens.answers["GET", TOKENS] = problem(403, "insufficient_role", refusal)

    result = run("token", "list")

    assert 4 == result.exit_code
    assert refusal in result.stderr
    assert "--token-file" in result.stderr
