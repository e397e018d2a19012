"""`tokenhubctl admin-token`: where the token is found, and how another takes its place."""

from pathlib import Path

import pytest

from tests.cli.live import Live, living

CHOSEN = "tha_chosen_by_the_operator_0123456789"
# Those of the environment count before what is beside the data.
UNSET = {"TOKENHUB_ADMIN_TOKEN": ""}


@pytest.fixture
def own(tmp_path: Path, environment: dict[str, str | None]) -> Live:
    """A server that has made its token itself, beside its data."""
    with living(tmp_path, environment, ADMIN_TOKEN="") as live:
        yield live


def test_the_servers_own_token_is_found_replaced_and_found_again(own: Live) -> None:
    first = own.run("admin-token", **UNSET).stdout
    rotated = own.run("admin-token", "rotate", **UNSET)
    after = own.run("admin-token", **UNSET).stdout

    assert first != after == rotated.stdout
    assert 0 == own.run("token", "list", **UNSET).exit_code
    assert ".admin-token" in rotated.stderr


def test_the_new_one_may_be_chosen_and_the_originals_name_does_the_same(own: Live) -> None:
    by_argument = own.run("rotate-admin-token", CHOSEN, **UNSET)
    by_stdin = own.run("admin-token", "rotate", "--stdin", stdin=f"{CHOSEN}x\n", **UNSET)
    twice = own.run("admin-token", "rotate", CHOSEN, "--stdin", stdin="x", **UNSET)
    short = own.run("rotate-admin-token", "short", **UNSET)

    assert (0, f"{CHOSEN}\n") == (by_argument.exit_code, by_argument.stdout)
    assert (0, f"{CHOSEN}x\n") == (by_stdin.exit_code, by_stdin.stdout)
    assert [2, 1] == [twice.exit_code, short.exit_code]


def test_a_context_keeps_the_new_one(own: Live) -> None:
    token = own.run("admin-token", **UNSET).stdout
    unset = {**UNSET, "TOKENHUB_URL": ""}
    own.run("login", own.hub.url, "-c", "here", "--token-stdin", stdin=token, **unset)

    result = own.run("admin-token", "rotate", "-o", "json", **unset)

    assert "note: context here has it now\n" == result.stderr
    assert 0 == own.run("token", "list", **unset).exit_code


def test_one_that_the_environment_sets_is_not_rotated(live: Live) -> None:
    result = live.run("admin-token", "rotate")

    assert (6, "") == (result.exit_code, result.stdout)
    assert "TOKENHUB_ADMIN_TOKEN" in result.stderr


def test_a_server_in_a_container_is_asked_last(live: Live, tmp_path: Path) -> None:
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text('#!/bin/sh\n[ "$2" = tokenhub ] && echo tha_of_the_container "$@"\n')
    docker.chmod(0o700)
    nothing = {**UNSET, "TOKENHUB_DB_DSN": str(tmp_path / "none" / "db")}

    found = live.run("admin-token", **nothing, PATH=f"{docker.parent}:/usr/bin:/bin")
    elsewhere = live.run(
        "admin-token",
        "--url",
        "http://tokenhub.example",
        **nothing,
        PATH=f"{docker.parent}:/usr/bin:/bin",
    )

    assert (0, "tha_of_the_container exec tokenhub cat /data/.admin-token\n") == (
        found.exit_code,
        found.stdout,
    )
    assert 4 == elsewhere.exit_code


def test_without_one_it_says_where_one_would_be(live: Live, tmp_path: Path) -> None:
    nothing = {**UNSET, "TOKENHUB_DB_DSN": str(tmp_path / "none" / "db"), "PATH": ""}

    result = live.run("admin-token", **nothing)

    assert (4, "") == (result.exit_code, result.stdout)
    assert "try: start the server once, or set TOKENHUB_ADMIN_TOKEN" in result.stderr
