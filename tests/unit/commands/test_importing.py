"""What `tokenhub import` says."""

import logging

import pytest

from tests.support.original_db import an_original, filled
from tokenhub.__main__ import main
from tokenhub.adapters.telemetry.logging import TALKATIVE

PASSWORD = "an old password"


@pytest.fixture(autouse=True)
def logging_as_before():
    """A program's logging is its own; a test's process has others after it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    talkative = {name: logging.getLogger(name).level for name in TALKATIVE}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in talkative.items():
        logging.getLogger(name).setLevel(before)


@pytest.fixture
def old(tmp_path, monkeypatch):
    monkeypatch.setenv("TOKENHUB_DB_DSN", str(tmp_path / "data" / "tokenhub.sqlite"))
    with an_original(tmp_path / "old.sqlite") as made:
        filled(made, PASSWORD)
        made.model("odd", "openai", weight=80)
    return str(tmp_path / "old.sqlite")


def test_people_read_what_was_taken_what_was_not_and_what_differs(old, capsys):
    assert 0 == main(["import", old])

    lines = capsys.readouterr().out.splitlines()
    assert "imported" == lines[0]
    assert "  API keys: 4 of 4 taken" in lines
    assert "  cost of these requests: USD 0.003704" in lines
    assert "  model openai/odd: its weight 80 became 10" in lines
    assert any("secret provider:openai:api_key, secret secret:other: it is" in x for x in lines)
    assert "stays in the original: 1 audit_logs" in lines
    assert 4 == sum(line.startswith("  tokenhub_") for line in lines)


def test_the_second_run_says_that_all_was_there(old, capsys):
    main(["import", old])
    capsys.readouterr()

    assert 0 == main(["import", old])

    lines = capsys.readouterr().out.splitlines()
    assert "  API keys: 0 of 4 taken, 4 by an import before" in lines
    assert not any("cost" in line for line in lines)


def test_a_dry_run_says_so_first(old, capsys, tmp_path):
    assert 0 == main(["import", old, "--dry-run"])

    assert capsys.readouterr().out.startswith("dry run: nothing was changed\n")
    assert not (tmp_path / "data").exists()


def test_refused_settings_exit_with_2(old, capsys, monkeypatch):
    monkeypatch.setenv("TOKENHUB_LOG_LEVEL", "loud")

    assert 2 == main(["import", old])
    assert "TOKENHUB_LOG_LEVEL" in capsys.readouterr().err


def test_a_password_may_come_by_standard_input(old, capsys, monkeypatch, tmp_path):
    file = tmp_path / "given"
    file.write_bytes(b"not the password\r\n")
    with file.open() as given:
        monkeypatch.setattr("sys.stdin", given)

        assert 1 == main(["import", old, "--vault-password-file", "-"])

    assert "opens nothing" in capsys.readouterr().err


def test_a_name_that_would_command_the_terminal_is_written_out(old, capsys, tmp_path):
    with an_original(tmp_path / "hostile.sqlite") as made:
        made.provider("evil\x1b[2J\n\u202e", base_url="https://api.test/v1")

    assert 0 == main(["import", str(tmp_path / "hostile.sqlite")])

    told = capsys.readouterr().out
    assert "provider evil\\x1b[2J\\n\\u202e: " in told
    assert "\x1b" not in told
