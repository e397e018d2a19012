"""`tokenhubctl vault` at the real server: what opens it, and what is in it."""

import json
from pathlib import Path

import pytest

from tests.cli.live import Live

PASSWORD = "correct horse battery"
STDIN = ("--password-stdin",)


@pytest.fixture
def vault(live: Live) -> Live:
    """Set up, and open."""
    result = live.run("vault", "init", *STDIN, stdin=f"{PASSWORD}\n")
    assert (0, "vault set up and unlocked\n") == (result.exit_code, result.stdout)
    return live


def state(live: Live) -> str:
    told: str = live.admin("GET", "vault/status")["state"]
    return told


def test_status_is_told_in_lines_and_by_the_exit_code(live: Live) -> None:
    never = live.run("vault", "status")
    live.admin("POST", "vault/init", {"admin_password": PASSWORD})
    opened = live.run("vault", "status")
    as_json = json.loads(live.run("vault", "status", "-o", "json").stdout)
    live.admin("POST", "vault/lock")
    locked = live.run("vault", "status", "-o", "value")

    assert (8, "State:                not initialized") == (
        never.exit_code,
        never.stdout.splitlines()[0],
    )
    assert (0, "State:                unlocked") == (
        opened.exit_code,
        opened.stdout.splitlines()[0],
    )
    assert ("unlocked", ["password"]) == (as_json["state"], as_json["slots"])
    assert (8, "locked\n") == (locked.exit_code, locked.stdout)
    assert 'note: "tokenhubctl vault unlock" opens it' in locked.stderr


def test_unlock_sets_up_what_never_was_and_says_so(live: Live) -> None:
    result = live.run("vault", "unlock", *STDIN, stdin=PASSWORD)

    assert (0, "vault set up and unlocked\n") == (result.exit_code, result.stdout)
    assert "was never set up" in result.stderr
    assert "unlocked" == state(live)


def test_it_is_locked_and_unlocked_by_stdin_and_by_file(vault: Live, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{PASSWORD}\n")

    locked = [vault.run("vault", "lock").stdout for _ in range(2)]
    by_stdin = vault.run("vault", "unlock", *STDIN, stdin=f"{PASSWORD}\n")
    vault.run("vault", "lock")
    by_file = vault.run("vault", "unlock", "--password-file", str(tmp_path / "password"))

    assert ["vault locked\n", "vault was locked already\n"] == locked
    assert ["vault unlocked\n"] * 2 == [by_stdin.stdout, by_file.stdout]
    assert "unlocked" == state(vault)


def test_a_wrong_password_ends_with_4_and_is_not_a_wrong_token(vault: Live) -> None:
    vault.run("vault", "lock")

    result = vault.run("vault", "unlock", *STDIN, stdin="a wrong battery")

    assert (4, "") == (result.exit_code, result.stdout)
    assert "try: the right password, or the recovery key" in result.stderr
    assert "TOKENHUB_ADMIN_TOKEN" not in result.stderr
    assert "locked" == state(vault)


def test_a_vault_is_set_up_once(vault: Live) -> None:
    result = vault.run("vault", "init", *STDIN, stdin="another one of those")

    assert 6 == result.exit_code
    assert 'try: "tokenhubctl vault unlock"' in result.stderr


def test_a_password_that_is_too_short_is_refused(live: Live) -> None:
    result = live.run("vault", "init", *STDIN, stdin="short")

    assert (1, "not_initialized") == (result.exit_code, state(live))
    assert "at least 8 characters" in result.stderr


def test_the_password_is_changed(vault: Live) -> None:
    line = ("vault", "rotate", "--password-stdin")

    result = vault.run(*line, stdin=f"{PASSWORD}\nanother horse battery\n")

    assert (0, "vault password changed\n") == (result.exit_code, result.stdout)
    vault.run("vault", "lock")
    tries = [
        vault.run("vault", "unlock", *STDIN, stdin=it) for it in (PASSWORD, "another horse battery")
    ]
    assert [4, 0] == [it.exit_code for it in tries]


def test_the_recovery_key_opens_it_until_it_is_taken_away(vault: Live) -> None:
    made = vault.run("vault", "recovery", *STDIN, "-o", "value", stdin=PASSWORD)
    key = made.stdout
    vault.run("vault", "lock")
    opened = vault.run("vault", "unlock", *STDIN, stdin=key).exit_code

    gone = vault.run("vault", "recovery", "--delete").stdout

    vault.run("vault", "lock")
    assert key.startswith("recovery-")
    assert "print it" in made.stderr
    assert (0, "vault recovery key deleted\n") == (opened, gone)
    assert 4 == vault.run("vault", "unlock", *STDIN, stdin=key).exit_code


def test_secrets_are_kept_listed_printed_sealed_anew_and_forgotten(vault: Live) -> None:
    kept = vault.run("vault", "secrets", "set", "a/b", stdin="two\nlines\n")
    vault.run("vault", "secrets", "set", "c", stdin="3")

    listed = vault.run("vault", "secrets", "-o", "value").stdout
    got = vault.run("vault", "secret", "get", "a/b").stdout
    as_json = json.loads(vault.run("vault", "secrets", "get", "c", "-o", "json").stdout)
    sealed = vault.run("vault", "rotate-key").stdout
    deleted = vault.run("vault", "secrets", "delete", "c").stdout

    assert (0, "secret/a/b kept\n") == (kept.exit_code, kept.stdout)
    assert ("a/b\nc\n", "two\nlines\n") == (listed, got)
    assert {"key": "c", "value": "3"} == as_json
    assert "vault data key rotated: 2 secrets sealed anew\n" == sealed
    assert "secret/c deleted\n" == deleted
    missing = vault.run("vault", "secrets", "get", "c")
    assert (5, "") == (missing.exit_code, missing.stdout)
    assert 'try: "tokenhubctl vault secrets list" shows what there is' in missing.stderr


def test_changes_are_told_as_json_where_that_is_asked_for(vault: Live) -> None:
    locked = vault.run("vault", "lock", "-o", "json")
    opened = vault.run("vault", "unlock", *STDIN, "-o", "json", stdin=PASSWORD)
    sealed = vault.run("vault", "rotate-key", "-o", "json")
    quiet = vault.run("vault", "lock", "-o", "none")

    assert {"ok": True} == json.loads(locked.stdout)
    assert {"ok": True} == json.loads(opened.stdout)
    assert {"ok": True, "secrets": 0} == json.loads(sealed.stdout)
    assert "" == quiet.stdout
