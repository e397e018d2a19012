"""`tokenhubctl vault`: what it sends, what it says, and where a password may come from."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_admin import FakeAdmin, problem

PASSWORD = "pass-of-the-tests"
VAULT = "/admin/v1/vault"
STATUS = {
    "state": "unlocked",
    "slots": ["password"],
    "secrets": 2,
    "provider_keys": 1,
    "data_key": 1,
    "rotated_at": "2026-02-03T04:05:06Z",
    "idle_lock_s": 1800.0,
    "max_unlock_s": 0.0,
    "locks_in_s": 1620.0,
    "failures": 0,
    "retry_after_s": 0.0,
}


@pytest.fixture
def vault(admin: FakeAdmin) -> FakeAdmin:
    """A server whose vault is set up, and says yes to everything."""
    admin.answers["GET", f"{VAULT}/status"] = (200, STATUS)
    for path in ("init", "unlock", "rotate"):
        admin.answers["POST", f"{VAULT}/{path}"] = (200, {"ok": True})
    return admin


def fresh(vault: FakeAdmin) -> None:
    """Say that it was never set up."""
    vault.answers["GET", f"{VAULT}/status"] = (200, {**STATUS, "state": "not_initialized"})


def test_unlock_takes_the_password_from_stdin(run: Run, vault: FakeAdmin) -> None:
    result = run("vault", "unlock", "--password-stdin", stdin=f"{PASSWORD}\n")

    assert (0, "vault unlocked\n") == (result.exit_code, result.stdout)
    assert f"{VAULT}/unlock" == vault.last.path
    assert {"admin_password": PASSWORD} == vault.last.body


def test_unlock_takes_the_password_from_a_file(run: Run, vault: FakeAdmin, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text('with "quotes" and ü\n', encoding="utf-8")

    assert 0 == run("vault", "unlock", "--password-file", str(file)).exit_code
    assert {"admin_password": 'with "quotes" and ü'} == vault.last.body


def test_unlock_sets_a_vault_up_that_never_was_and_says_so(run: Run, vault: FakeAdmin) -> None:
    fresh(vault)
    vault.answers["POST", f"{VAULT}/init"] = (200, {"ok": True, "warning": "too short"})

    result = run("vault", "unlock", "--password-stdin", stdin=PASSWORD)

    assert (0, "vault set up and unlocked\n") == (result.exit_code, result.stdout)
    assert f"{VAULT}/init" == vault.last.path
    assert "was never set up" in result.stderr
    assert "too short" in result.stderr


def test_a_password_may_be_an_argument_as_in_the_original(run: Run, vault: FakeAdmin) -> None:
    result = run("vault", "unlock", PASSWORD)
    sent = vault.last.body
    rotated = run("vault", "rotate", PASSWORD, "the new one")

    assert (0, "vault unlocked\n", "") == (result.exit_code, result.stdout, result.stderr)
    assert {"admin_password": PASSWORD} == sent
    assert 0 == rotated.exit_code
    assert {"old_password": PASSWORD, "new_password": "the new one"} == vault.last.body


def test_a_password_comes_from_one_place(run: Run, vault: FakeAdmin) -> None:
    result = run("vault", "unlock", PASSWORD, "--password-stdin", stdin=PASSWORD)

    assert 2 == result.exit_code
    assert PASSWORD not in result.stderr
    assert "POST" not in {sent.method for sent in vault.sent}


def test_the_environment_has_the_password_but_never_the_new_one(run: Run, vault: FakeAdmin) -> None:
    unlocked = run("vault", "unlock", TOKENHUB_VAULT_PASSWORD=PASSWORD)
    sent = vault.last.body
    rotated = run("vault", "rotate", TOKENHUB_VAULT_PASSWORD=PASSWORD)

    assert 0 == unlocked.exit_code
    assert {"admin_password": PASSWORD} == sent
    assert 2 == rotated.exit_code


@pytest.mark.parametrize("stdin", ["", "\n", "   \n"])
def test_an_empty_password_is_a_usage_error(run: Run, vault: FakeAdmin, stdin: str) -> None:
    result = run("vault", "unlock", "--password-stdin", stdin=stdin)

    assert 2 == result.exit_code
    assert "unset" in result.stderr


def test_nobody_is_asked_where_nobody_is(run: Run, vault: FakeAdmin) -> None:
    assert 2 == run("vault", "unlock").exit_code


def test_a_wrong_password_is_told_as_one_and_not_as_a_wrong_token(
    run: Run, vault: FakeAdmin
) -> None:
    refusal = problem(401, "vault_password_wrong", "unlock failed: the password is wrong")
    vault.answers["POST", f"{VAULT}/unlock"] = refusal

    result = run("vault", "unlock", "--password-stdin", stdin=PASSWORD)

    assert 4 == result.exit_code
    assert "the recovery key" in result.stderr
    assert "TOKENHUB_ADMIN_TOKEN" not in result.stderr


def test_a_locked_vault_has_an_exit_code_of_its_own(run: Run, admin: FakeAdmin) -> None:
    admin.answers["POST", "/admin/v1/providers"] = problem(503, "vault_locked", "vault is locked")

    result = run("provider", "add", '{"id": "p", "base_url": "https://h", "api_key": "sk"}')

    assert 7 == result.exit_code
    assert "tokenhubctl vault unlock" in result.stderr


def test_rotate_sends_both_passwords(run: Run, vault: FakeAdmin, tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("the old one\n")
    new.write_text("the new one\n")

    from_files = run(
        "vault", "rotate", "--old-password-file", str(old), "--new-password-file", str(new)
    )
    sent = vault.last.body
    from_stdin = run("vault", "rotate", "--password-stdin", stdin="the old one\nthe new one\n")

    assert (0, 0) == (from_files.exit_code, from_stdin.exit_code)
    assert {"old_password": "the old one", "new_password": "the new one"} == sent
    assert sent == vault.last.body


def test_the_data_key_is_another_verb(run: Run, vault: FakeAdmin) -> None:
    vault.answers["POST", f"{VAULT}/rotate-key"] = (200, {"ok": True, "secrets": 3})

    assert "vault data key rotated: 3 secrets sealed anew\n" == run("vault", "rotate-key").stdout


def test_lock_says_whether_it_was_locked_already(run: Run, vault: FakeAdmin) -> None:
    vault.answers["POST", f"{VAULT}/lock"] = (200, {"ok": True})
    first = run("vault", "lock").stdout
    vault.answers["POST", f"{VAULT}/lock"] = (200, {"ok": True, "already_locked": True})

    assert ("vault locked\n", "vault was locked already\n") == (first, run("vault", "lock").stdout)


@pytest.mark.parametrize(
    ("state", "code", "note"),
    [("unlocked", 0, ""), ("locked", 8, "vault unlock"), ("not_initialized", 8, "vault init")],
)
def test_status_is_an_exit_code_too_and_says_what_comes_next(
    run: Run, vault: FakeAdmin, state: str, code: int, note: str
) -> None:
    vault.answers["GET", f"{VAULT}/status"] = (200, {**STATUS, "state": state})

    shown = run("vault", "status")
    told = run("vault", "-o", "json")

    assert (code, code) == (shown.exit_code, told.exit_code)
    assert shown.stdout.startswith("State:")
    assert "27m" in shown.stdout
    assert note in shown.stderr
    assert bool(note) == bool(shown.stderr)
    assert state == json.loads(told.stdout)["state"]


def test_a_recovery_key_is_all_that_is_printed_with_value(run: Run, vault: FakeAdmin) -> None:
    issued = {"ok": True, "recovery_key": "recovery-ABCD", "warning": "print it"}
    vault.answers["POST", f"{VAULT}/recovery"] = (200, issued)
    vault.answers["DELETE", f"{VAULT}/recovery"] = (200, {"ok": True})

    result = run("vault", "recovery", "--password-stdin", "-o", "value", stdin=PASSWORD)

    assert ("recovery-ABCD\n", 0) == (result.stdout, result.exit_code)
    assert "print it" in result.stderr
    assert "vault recovery key deleted\n" == run("vault", "recovery", "--delete").stdout


def test_secrets_are_listed_printed_set_and_deleted(run: Run, vault: FakeAdmin) -> None:
    path = f"{VAULT}/secrets"
    vault.answers["GET", path] = (200, {"secrets": ["a", "b/c"]})
    vault.answers["GET", f"{path}/b/c"] = (200, {"key": "b/c", "value": "s3cret"})
    vault.answers["PUT", f"{path}/b/c"] = (200, {"ok": True, "key": "b/c"})
    vault.answers["DELETE", f"{path}/b/c"] = (200, {"ok": True, "key": "b/c"})

    listed = run("vault", "secrets", "-o", "value").stdout
    got = run("vault", "secret", "get", "b/c").stdout
    kept = run("vault", "secrets", "set", "b/c", stdin="two\nlines\n").stdout
    sent = vault.last.body
    deleted = run("vault", "secrets", "delete", "b/c").stdout

    assert ("a\nb/c\n", "s3cret\n") == (listed, got)
    assert ("secret/b/c kept\n", {"value": "two\nlines"}) == (kept, sent)
    assert "secret/b/c deleted\n" == deleted


def test_a_secret_is_no_argument(run: Run, vault: FakeAdmin) -> None:
    result = run("vault", "secrets", "set", "a", "s3cret")

    assert 2 == result.exit_code
    assert "s3cret" not in result.stderr
