"""`tokenhubctl config`: what this program is set to, and by what."""

import json
from pathlib import Path

import pytest

from tests.cli.live import Live

TOKEN = "tha_kept_in_the_file"
FILE = f"""\
# The servers of this test.
current = "prod"

[contexts.prod]
url = "https://tokenhub.example"
token = "{TOKEN}"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of contexts, as a person would write it."""
    file = tmp_path / ".config" / "tokenhub" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(FILE)
    return file


def explained(live: Live, *line: str, **env: str) -> dict[str, tuple[str, str]]:
    told = live.run("config", "explain", "-o", "json", *line, **env)
    assert 0 == told.exit_code, told.stderr
    # The form is one of the settings, so it is asked for by -o here.
    return {row["name"]: (row["value"], row["source"]) for row in json.loads(told.stdout)}


def test_each_setting_is_told_with_what_gave_it(live: Live) -> None:
    told = explained(live, "--timeout", "5", NO_COLOR="1", TOKENHUB_VAULT_PASSWORD="secret one")

    assert (live.hub.url, "TOKENHUB_URL") == told["url"]
    assert ("tha_***", "TOKENHUB_ADMIN_TOKEN") == told["admin token"]
    assert ("json", "-o") == told["output"]
    assert ("5 s", "--timeout") == told["timeout"]
    assert ("never", "NO_COLOR") == told["color"]
    assert ("***", "TOKENHUB_VAULT_PASSWORD") == told["vault password"]
    assert ("1", "the default") == told["retries"]
    assert told["contexts"][0].endswith("config.toml (not there)")


def test_a_context_is_told_as_the_place_of_both(live: Live, file: Path) -> None:
    told = explained(live, TOKENHUB_URL="", TOKENHUB_ADMIN_TOKEN="")

    assert ("https://tokenhub.example", "context prod") == told["url"]
    assert ("tha_***", "context prod") == told["admin token"]
    assert ("prod", str(file)) == told["context"]
    assert TOKEN not in live.run("config", TOKENHUB_ADMIN_TOKEN="").stdout


def test_the_table_has_a_line_for_each(live: Live) -> None:
    head, *rows = live.run("config").stdout.splitlines()

    assert ["NAME", "VALUE", "FROM", "SET", "BY"] == head.split()
    assert 12 == len(rows)


def test_the_path_is_printed_alone(live: Live, tmp_path: Path) -> None:
    usual = live.run("config", "path").stdout
    moved = live.run("config", "path", XDG_CONFIG_HOME=str(tmp_path / "other")).stdout

    assert f"{tmp_path}/.config/tokenhub/config.toml\n" == usual
    assert f"{tmp_path}/other/tokenhub/config.toml\n" == moved


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("current = 'x'", "there is no context 'x'"),
        ("contexts = 3", "not as it should be"),
        ("[contexts.a", "not as it should be"),
        ("[contexts.a]\nurl = 'nowhere'", "context a: the URL must look like"),
        ("[contexts.a]\nurl = 'http://h'\ntoken_file = '/none/x'", "no token file /none/x"),
    ],
)
def test_what_cannot_be_used_is_named(live: Live, file: Path, text: str, wrong: str) -> None:
    file.write_text(text)

    result = live.run("config", "validate", str(file))

    assert 2 == result.exit_code
    assert wrong in result.stderr


def test_a_file_in_order_is_said_to_be(live: Live, file: Path) -> None:
    said = live.run("config", "validate")
    told = live.run("config", "validate", "-o", "json")

    assert (0, f"{file} is in order: contexts 1\n") == (said.exit_code, said.stdout)
    assert {"file": str(file), "contexts": 1, "current": "prod"} == json.loads(told.stdout)


def test_the_schema_is_json(live: Live) -> None:
    told = json.loads(live.run("config", "schema").stdout)

    assert "Contexts" in told["$defs"]


def test_what_an_editor_made_is_taken_over_with_its_comments(live: Live, file: Path) -> None:
    result = live.run("config", "edit", EDITOR="sed -i s/prod/live/g")
    again = live.run("config", "edit", EDITOR="true")

    assert (0, f"{file} changed\n") == (result.exit_code, result.stdout)
    assert FILE.replace("prod", "live") == file.read_text()
    assert 0o600 == file.stat().st_mode & 0o777
    assert "nothing was changed\n" == again.stdout
    assert [file] == list(file.parent.iterdir())


@pytest.mark.parametrize("editor", ["sed -i s/current/nonsense[/", "false", "no-such-editor"])
def test_what_an_editor_spoilt_is_left_out(live: Live, file: Path, editor: str) -> None:
    result = live.run("config", "edit", EDITOR=editor)

    assert 2 == result.exit_code
    assert "nothing was changed" in result.stderr
    assert FILE == file.read_text()
    assert [file] == list(file.parent.iterdir())


def test_nobody_edits_where_nobody_is(live: Live) -> None:
    assert 2 == live.run("config", "edit", EDITOR="", VISUAL="").exit_code
