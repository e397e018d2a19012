"""`tokenhubctl apply`, `diff` and `export`, against the real server."""

import json
import re
import socket
import time
from pathlib import Path

import pytest
import yaml

from tests.cli.live import Live

FILE = """\
providers:
- id: one
  type: vllm
  base_url: {url}
models:
- id: gpt
  provider_id: one
  weight: 5
  max_context_tokens: 4000
  input_per_1k: 0.001
  output_per_1k: 0.002
aliases:
- name: fast
  variants:
  - model_id: gpt
    weight: 1
routing:
  default_mode: cheap
api_keys:
- name: ci
  scopes:
  - chat
  expires_at: 2031-01-31T00:00:00Z
retention:
  days: 30
"""


@pytest.fixture
def file(tmp_path: Path, live: Live) -> Path:
    found = tmp_path / "tokenhub.yaml"
    found.write_text(FILE.format(url=live.sim.url), encoding="utf-8")
    return found


def test_a_file_is_applied_and_the_second_time_nothing_changes(live: Live, file: Path) -> None:
    told = live.run("diff", "-f", str(file))
    first = live.run("apply", "-f", str(file), "--wait")
    second = live.run("apply", "-f", str(file))
    same = live.run("diff", "-f", str(file))

    lines = [line.split() for line in first.stdout.splitlines()]
    assert (8, 0, 0, 0) == (
        told.exit_code,
        first.exit_code,
        second.exit_code,
        same.exit_code,
    ), first.stderr
    assert ["ACTION", "KIND", "NAME", "CHANGES"] == lines[0]
    assert ["create", "provider", "one", "-"] == lines[1]
    assert ["update", "retention", "retention", "days:", "90", "->", "30"] == lines[6]
    assert re.fullmatch(r"key ci: tokenhub_\w+", " ".join(lines[7]))
    assert "note: store the new keys now" in first.stderr
    assert told.stdout.splitlines() == first.stdout.splitlines()[:-1]
    assert "nothing to change; 6 as they should be\n" == second.stdout
    key = lines[7][2]
    assert live.ask(key=key, model="fast")


def test_an_export_is_the_file_and_applied_it_changes_nothing(live: Live, file: Path) -> None:
    live.run("apply", "-f", str(file))

    exported = live.run("export")
    again = live.run("apply", "-f", "-", stdin=exported.stdout)
    as_json = live.run("export", "-o", "json")
    json_again = live.run("diff", "-f", "-", stdin=as_json.stdout)
    some = live.run("export", "--kind", "alias", "--kind", "retention", "-o", "json")

    wanted = yaml.safe_load(file.read_text(encoding="utf-8"))
    wanted["api_keys"][0]["expires_at"] = "2031-01-31T00:00:00.000Z"
    assert wanted == yaml.safe_load(exported.stdout)
    assert "nothing to change" in again.stdout
    assert (0, ["aliases", "retention"]) == (json_again.exit_code, list(json.loads(some.stdout)))
    assert 2 == live.run("export", "-o", "csv").exit_code
    assert 2 == live.run("export", "--kind", "nothing").exit_code


def test_a_difference_is_told_in_every_form(live: Live, file: Path) -> None:
    live.run("apply", "-f", str(file))
    live.run("model", "edit", "gpt", "--weight", "7")

    told = live.run("diff", "-f", str(file))
    as_json = live.run("diff", "-f", str(file), "-o", "json")
    names = live.run("diff", "-f", str(file), "-o", "name")
    rehearsed = live.run("apply", "-f", str(file), "--dry-run")
    still = live.run("diff", "-f", str(file))
    quiet = live.run("apply", "-f", str(file), "-o", "none")

    assert "update  model  one/gpt  weight: 7 -> 5" in told.stdout
    answer = json.loads(as_json.stdout)
    assert (True, 1) == (answer["dry_run"], answer["changed"])
    assert "change/model/one/gpt\n" == names.stdout
    assert (told.stdout, 0) == (rehearsed.stdout, rehearsed.exit_code)
    assert "note: this is a dry run" in rehearsed.stderr
    assert (8, 8) == (told.exit_code, still.exit_code)
    assert ("", 0, 0) == (
        quiet.stdout,
        quiet.exit_code,
        live.run("diff", "-f", str(file)).exit_code,
    )


def test_only_prune_deletes(live: Live, file: Path) -> None:
    live.run("apply", "-f", str(file))
    live.provider("two", "org/small")
    live.run("model", "delete", "org/small")

    kept = live.run("apply", "-f", str(file))
    pruned = live.run("apply", "-f", str(file), "--prune")

    assert "nothing to change" in kept.stdout
    assert "delete  provider  two" in pruned.stdout
    assert 5 == live.run("provider", "get", "two").exit_code


def test_new_keys_alone_are_the_value(live: Live) -> None:
    document = json.dumps({"api_keys": [{"name": "a"}, {"name": "b"}]})

    made = live.run("apply", "-f", "-", "-o", "value", stdin=document)

    assert 2 == len(re.findall(r"^tokenhub_\w+$", made.stdout, re.MULTILINE))


def test_keys_of_providers_come_from_the_environment(live: Live, file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    named = text.replace("  type: vllm\n", "  type: vllm\n  api_key: {env: ONE_API_KEY}\n")

    unset = live.run("apply", "-f", "-", stdin=named)
    given = live.run("apply", "-f", "-", stdin=named, ONE_API_KEY="sk-0123456789")
    again = live.run("apply", "-f", "-", stdin=named, ONE_API_KEY="sk-0123456789")
    as_curl = live.run("apply", "-f", "-", "--curl", stdin=named, ONE_API_KEY="sk-0123456789")
    exported = live.run("export", "--refs", "env", "--kind", "providers")
    by_vault = live.run("export", "--refs", "vault", "--kind", "providers")

    assert (2, 0) == (unset.exit_code, given.exit_code)
    assert "stdin:4: ONE_API_KEY is not set" in unset.stderr
    assert "nothing to change" in again.stdout
    assert {"env": "ONE_API_KEY"} == yaml.safe_load(exported.stdout)["providers"][0]["api_key"]
    assert {"vault": "one-api-key"} == yaml.safe_load(by_vault.stdout)["providers"][0]["api_key"]
    assert '"api_key":{"env":"ONE_API_KEY"}' in as_curl.stdout
    assert "sk-0123456789" not in given.output + exported.output + as_curl.output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("providers:\n- id: one\n  base_url: [", "stdin:3:"),
        ("providers:\n- id: one\n  base_uri: x\n", "stdin:3: Object contains unknown field"),
        ("models:\n- id: m\n  provider_id: p\n  weight: much\n", "stdin:4: Expected `int`"),
        ("provider: []\n", "stdin:1: Object contains unknown field `provider`"),
        ("retention:\n  days: 1\nretention:\n  days: 2\n", "stdin:3: retention is given twice"),
        ("", "stdin:1: there is nothing in it"),
        ("a: !!python/object/apply:os.getcwd []", "stdin:1:"),
        ("providers: &x\n- *y\n", "stdin:2:"),
        ("providers: &x\n- *x\n", "stdin:1: an anchor of it stands within itself"),
        ("just words", "stdin:1: Expected `object`"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_line(live: Live, text: str, said: str) -> None:
    result = live.run("apply", "-f", "-", stdin=text)

    assert (2, "") == (result.exit_code, result.stdout)
    assert said in " ".join(result.stderr.split()).replace("│ ", "")


def test_what_the_server_refuses_is_told_with_its_line(live: Live, tmp_path: Path) -> None:
    missing = live.run("apply", "-f", str(tmp_path / "none.yaml"))
    file = tmp_path / "bad.yaml"
    file.write_text("models:\n- id: m\n  provider_id: none\n", encoding="utf-8")

    result = live.run("apply", "-f", str(file))
    diff = live.run("diff", "-f", str(file))

    assert (2, 1, 1) == (missing.exit_code, result.exit_code, diff.exit_code)
    assert f"{file}:3: models[0]: there is no provider 'none'" in result.stderr
    assert f"{file}:3:" in diff.stderr


def test_waiting_ends_where_a_provider_does_not_answer(live: Live) -> None:
    document = json.dumps({"providers": [{"id": "dead", "base_url": "http://127.0.0.1:9"}]})

    result = live.run("apply", "-f", "-", "--wait", "--wait-for", "0", stdin=document)

    assert 8 == result.exit_code
    assert "provider/dead does not answer" in result.stderr


def test_a_locked_vault_is_told_as_such(live: Live) -> None:
    entry = {"id": "one", "base_url": live.sim.url, "api_key": {"vault": "mine"}}
    document = json.dumps({"providers": [entry]})
    live.admin("POST", "vault/init", {"admin_password": "a password for this test"})
    live.admin("POST", "vault/lock", {})

    result = live.run("apply", "-f", "-", stdin=document)

    assert 7 == result.exit_code
    assert 'try: "tokenhubctl vault unlock"' in result.stderr


def test_waiting_for_providers_ends_with_its_time(live: Live) -> None:
    """However long the server waits for a provider that says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        document = json.dumps({"providers": [{"id": "mute", "base_url": url}]})
        begun = time.perf_counter()
        result = live.run("apply", "-f", "-", "--wait", "--wait-for", "0.3", stdin=document)
        took_s = time.perf_counter() - begun

    assert 8 == result.exit_code
    assert "provider/mute does not answer: nothing was heard yet" in result.stderr
    assert 8 > took_s  # where the server itself waits for 10
