"""Completion: of what the program knows, of what is on the server, and of nothing at all."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.live import Live


def completed(live: Live, line: str, **env: str) -> set[str]:
    """What bash would offer behind the line, however busy the machine is."""
    line = line.replace("tokenhubctl", "tokenhubctl --timeout 20", 1)
    asked = {"_TOKENHUBCTL_COMPLETE": "complete_bash", "COMP_WORDS": line}
    found = live.run(COMP_CWORD=str(line.count(" ")), **asked, **env)
    assert (0, "") == (found.exit_code, found.stderr)
    return set(found.stdout.split())


def test_nouns_verbs_and_enums_need_no_server(live: Live) -> None:
    nowhere = {"TOKENHUB_URL": "http://127.0.0.1:9"}

    assert {"provider"} == completed(live, "tokenhubctl prov", **nowhere)
    assert {"enable", "edit"} <= completed(live, "tokenhubctl model e", **nowhere)
    assert {"json", "jsonl"} == completed(live, "tokenhubctl model list -o js", **nowhere)


def test_ids_come_from_the_server(live: Live) -> None:
    live.provider("one", "gpt", "org/small")
    key_id = live.admin("POST", "apikeys", {"name": "k", "scopes": ["chat"]})["id"]

    assert {"one"} == completed(live, "tokenhubctl provider get ")
    assert {"org/small"} == completed(live, "tokenhubctl model disable gpt o")
    assert {key_id} == completed(live, "tokenhubctl key rotate ")
    assert {"one"} == completed(live, "tokenhubctl model list --provider o")


def test_ids_are_kept_for_a_minute_and_for_one_token(live: Live, tmp_path: Path) -> None:
    live.provider("one")
    cache = tmp_path / ".cache" / "tokenhub"

    first = completed(live, "tokenhubctl provider get ")
    live.provider("two")
    kept = completed(live, "tokenhubctl provider get ")
    (file,) = cache.iterdir()
    os.utime(file, (0, 0))
    later = completed(live, "tokenhubctl provider get ")
    elsewhere = completed(live, "tokenhubctl provider get ", XDG_CACHE_HOME=str(tmp_path / "x"))

    assert {"one"} == first == kept
    assert {"one", "two"} == later == elsewhere
    assert ["one", "two"] == json.loads(file.read_bytes())
    assert 0o600 == file.stat().st_mode & 0o777
    assert set() == completed(live, "tokenhubctl provider get ", TOKENHUB_ADMIN_TOKEN="wrong")


def test_contexts_are_completed_from_their_file(live: Live) -> None:
    live.run("context", "add", "far", "--url", "http://127.0.0.1:9")

    assert {"far"} == completed(live, "tokenhubctl context use ")
    assert {"far"} == completed(live, "tokenhubctl logout f")
    assert {"far"} == completed(live, "tokenhubctl model list -c ")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "nonsense"])
def test_where_nothing_is_known_nothing_is_said(live: Live, url: str) -> None:
    assert set() == completed(live, "tokenhubctl provider get ", TOKENHUB_URL=url)


def test_a_cache_that_cannot_be_used_is_no_hindrance(live: Live, tmp_path: Path) -> None:
    live.provider("one")
    (tmp_path / "file").touch()

    found = completed(live, "tokenhubctl provider get ", XDG_CACHE_HOME=str(tmp_path / "file"))

    assert {"one"} == found


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_each_shell_has_its_script(live: Live, shell: str) -> None:
    result = live.run("completion", shell)

    assert 0 == result.exit_code
    assert "_TOKENHUBCTL_COMPLETE" in result.stdout


def test_the_script_of_bash_is_one(live: Live) -> None:
    script = live.run("completion", "bash").stdout

    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_install_puts_the_script_where_the_shell_finds_it(live: Live, tmp_path: Path) -> None:
    result = live.run("completion", "install", SHELL="/bin/bash")

    assert 0 == result.exit_code
    assert Path(result.stdout.strip()).is_relative_to(tmp_path)
    assert "tokenhubctl" in (tmp_path / ".bashrc").read_text()
    assert 2 == live.run("completion", "install", SHELL="/bin/none").exit_code
