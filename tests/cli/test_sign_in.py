"""`login`, `logout` and `context`: servers with a name, kept in one file of this user's own."""

import json
from pathlib import Path

import pytest

from tests.cli.live import Live
from tests.support.server import ADMIN_TOKEN

NOWHERE = "http://127.0.0.1:9"


def signed_in(live: Live, *more: str) -> None:
    line = ("login", live.hub.url, "--token-stdin", *more)
    assert 0 == live.run(*line, stdin=ADMIN_TOKEN, **UNSET).exit_code


# Empty variables count as not set.
UNSET = {"TOKENHUB_URL": "", "TOKENHUB_ADMIN_TOKEN": ""}


def config(folder: Path) -> Path:
    return folder / ".config" / "tokenhub" / "config.toml"


def test_who_has_signed_in_needs_to_name_nothing_more(live: Live, tmp_path: Path) -> None:
    result = live.run("login", live.hub.url, "--token-stdin", stdin=ADMIN_TOKEN, **UNSET)
    after = live.run("status", "-o", "json", **UNSET)

    assert 0 == result.exit_code, result.stderr
    assert "context/127.0.0.1 used from now on" in result.stdout
    assert "(owner)" in result.stdout
    assert live.hub.url == json.loads(after.stdout)["server"]
    assert 0o600 == config(tmp_path).stat().st_mode & 0o777


def test_a_token_that_opens_nothing_is_not_kept(live: Live, tmp_path: Path) -> None:
    result = live.run("login", live.hub.url, "--token-stdin", stdin="tha_wrong_one", **UNSET)

    assert 4 == result.exit_code
    assert ".admin-token beside its data" in result.stderr
    assert "tha_wrong_one" not in result.stderr
    assert not config(tmp_path).exists()


def test_login_tells_what_it_lacks(live: Live) -> None:
    nobody = live.run("login", live.hub.url, **UNSET)
    unreachable = live.run("login", NOWHERE, "--token-stdin", stdin="t", **UNSET)
    no_url = live.run("login", "ftp://x", "--token-stdin", stdin="t", **UNSET)
    both = live.run("login", "--token-stdin", "--token-file", "f", stdin="t", **UNSET)
    empty = live.run("login", live.hub.url, "--token-stdin", stdin="\n", **UNSET)

    assert [2, 3, 2, 2, 2] == [one.exit_code for one in (nobody, unreachable, no_url, both, empty)]
    assert "--token-stdin" in nobody.stderr
    assert "there is no token; stdin is empty: pipe it in" in empty.stderr
    assert "| tokenhubctl ... --token-stdin" in empty.stderr


def test_of_a_token_file_the_name_is_kept(live: Live, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(ADMIN_TOKEN)

    live.run("login", live.hub.url, "--token-file", str(file), "-c", "ci", **UNSET)
    shown = live.run("context", "show", "ci", "-o", "json", **UNSET)

    assert str(file) == json.loads(shown.stdout)["token"]
    assert ADMIN_TOKEN not in config(tmp_path).read_text()
    assert 0 == live.run("token", "list", "-c", "ci", **UNSET).exit_code


def test_variables_that_count_before_the_context_are_told_of(live: Live) -> None:
    result = live.run("login", live.hub.url, "--token-stdin", stdin=ADMIN_TOKEN)

    assert "note: TOKENHUB_ADMIN_TOKEN is set, and counts before the context" in result.stderr


def test_logout_forgets_the_token_and_keeps_the_server(live: Live, tmp_path: Path) -> None:
    signed_in(live, "-c", "here")

    result = live.run("logout", **UNSET)
    after = live.run("model", "list", **UNSET, TOKENHUB_DB_DSN=str(tmp_path / "none" / "x"))

    assert (0, "context/here has no token any more\n") == (result.exit_code, result.stdout)
    assert ADMIN_TOKEN not in config(tmp_path).read_text()
    assert 4 == after.exit_code


def test_logout_without_a_context_is_a_usage_error(live: Live) -> None:
    assert 2 == live.run("logout", **UNSET).exit_code
    assert 2 == live.run("logout", "other", **UNSET).exit_code


def test_contexts_are_added_listed_used_shown_and_removed(live: Live, tmp_path: Path) -> None:
    signed_in(live, "-c", "here")
    added = live.run("context", "add", "far", "--url", f"{NOWHERE}/", "--token-stdin", stdin="tok")
    listed = live.run("context", "-o", "json").stdout
    table = live.run("context", "list").stdout
    used = live.run("context", "use", "far")
    shown = live.run("context", "show", "-o", "json").stdout
    removed = live.run("context", "remove", "far")

    assert (0, "context/far added\n") == (added.exit_code, added.stdout)
    assert [("here", True, "kept"), ("far", False, "kept")] == [
        (one["name"], one["current"], one["token"]) for one in json.loads(listed)
    ]
    assert "tok" not in table.replace("TOKEN", "")
    assert ["NAME", "CURRENT", "URL", "TOKEN"] == table.splitlines()[0].split()
    assert "context/far used from now on\n" == used.stdout
    assert {"name": "far", "current": True, "url": NOWHERE, "token": "kept"} == json.loads(shown)
    assert "context/far deleted\n" == removed.stdout
    assert "far" not in config(tmp_path).read_text()


def test_a_context_is_not_replaced_by_accident(live: Live) -> None:
    first = live.run("context", "add", "a", "--url", NOWHERE)
    again = live.run("context", "add", "a", "--url", "http://127.0.0.1:10")
    meant = live.run("context", "add", "a", "--url", "http://127.0.0.1:10", "-y")

    assert [0, 6, 0] == [first.exit_code, again.exit_code, meant.exit_code]
    assert 'context remove a", or -y' in again.stderr


@pytest.mark.parametrize("verb", ["use", "show", "remove"])
def test_a_context_that_is_not_there_is_told_with_those_that_are(live: Live, verb: str) -> None:
    live.run("context", "add", "a", "--url", NOWHERE)

    result = live.run("context", verb, "b")

    assert 2 == result.exit_code
    assert "there is a" in result.stderr


def test_a_dry_run_leaves_the_contexts_as_they_are(live: Live, tmp_path: Path) -> None:
    signed_in(live, "-c", "here")
    before = config(tmp_path).read_bytes()

    lines = (
        ("login", live.hub.url, "--token-stdin", "-c", "there"),
        ("logout",),
        ("context", "add", "other", "--url", NOWHERE, "--use"),
        ("context", "use", "here"),
        ("context", "remove", "here"),
    )
    rehearsed = [live.run(*line, "--dry-run", stdin=ADMIN_TOKEN, **UNSET) for line in lines]

    assert [0] * 5 == [one.exit_code for one in rehearsed]
    assert all("(dry run: nothing was changed)" in one.stdout for one in rehearsed)
    assert before == config(tmp_path).read_bytes()


def test_curl_changes_no_context_either(live: Live, tmp_path: Path) -> None:
    signed_in(live, "-c", "here")
    before = config(tmp_path).read_bytes()

    gone = live.run("logout", "--curl", **UNSET)
    removed = live.run("context", "remove", "here", "--curl", **UNSET)

    assert [2, 2] == [gone.exit_code, removed.exit_code]
    assert "nothing is sent that it could print" in gone.stderr
    assert before == config(tmp_path).read_bytes()


@pytest.mark.parametrize("name", ["", " ", "a\x1b[31m", "two\nlines"])
def test_a_context_needs_a_name_that_can_be_read(live: Live, tmp_path: Path, name: str) -> None:
    result = live.run("context", "add", name, "--url", NOWHERE, **UNSET)

    assert 2 == result.exit_code
    assert "is no name of a context" in result.stderr
    assert not config(tmp_path).exists()
