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


def test_names_of_other_nouns_come_from_it_too(live: Live) -> None:
    live.provider("one", "gpt")
    live.admin("PUT", "aliases/fast", {"variants": [{"model_id": "gpt"}]})
    live.run("view", "set", "slow", "ms>2000")
    request_id = live.ask()

    assert {"fast"} == completed(live, "tokenhubctl alias get ")
    assert {"slow"} == completed(live, "tokenhubctl logs --view ")
    assert {"slow"} == completed(live, "tokenhubctl view delete s")
    assert {"one"} == completed(live, "tokenhubctl health o")
    assert {request_id} == completed(live, "tokenhubctl explain ")
    assert live.ask() in completed(live, "tokenhubctl logs get ")


def test_a_noun_alone_is_completed_as_the_list_that_it_stands_for(live: Live) -> None:
    live.provider("one", "gpt")

    assert {"list", "reset", "one"} == completed(live, "tokenhubctl health ")
    assert {"--model", "--mode"} == completed(live, "tokenhubctl logs --mod")
    assert {"gpt"} == completed(live, "tokenhubctl logs --limit 5 --model ")
    assert {"one"} == completed(live, "tokenhubctl health --exit-code ")


def test_fields_are_those_of_the_command(live: Live) -> None:
    nowhere = {"TOKENHUB_URL": "http://127.0.0.1:9"}

    of_models = completed(live, "tokenhubctl model list --fields ", **nowhere)
    begun = completed(live, "tokenhubctl model list --fields id,we", **nowhere)
    further = completed(live, "tokenhubctl model list --fields id,", **nowhere)

    assert {"id", "weight", "provider_id", "cached_input_per_1k"} <= of_models
    assert {"id,weight"} == begun
    assert {f"id,{name}" for name in of_models - {"id"}} == further
    assert of_models == completed(live, "tokenhubctl model --fields ", **nowhere)
    assert {"unit"} == completed(live, "tokenhubctl tsdb --fields u", **nowhere)
    assert "token_prefix" in completed(live, "tokenhubctl token list --fields t", **nowhere)


@pytest.mark.parametrize(
    "line",
    ["provider list", "model list", "apikey list", "health", "stats", "logs", "ledger"],
)
def test_fields_that_are_completed_are_those_that_are_listed(live: Live, line: str) -> None:
    live.provider()
    live.ask()

    listed = set(live.run(*line.split(), "--fields").stdout.split())

    assert listed
    assert listed <= completed(live, f"tokenhubctl {line} --fields ")


def test_typers_own_options_do_not_stand_beside_the_noun(live: Live) -> None:
    shown = live.run("--help").stdout

    assert "--install-completion" not in shown
    assert "--show-completion" not in shown
    assert "  completion  " in shown


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
