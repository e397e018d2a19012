"""The command line of the console, as far as it needs no terminal."""

import argparse
from pathlib import Path

import pytest

from tokenhub.client import contexts
from tokenhub.client.contexts import Context, Contexts
from tokenhub_tui.__main__ import USAGE, _parser, _played, _server, _start, main
from tokenhub_tui.kept import Kept
from tokenhub_tui.start import Start


def given(*args: str) -> argparse.Namespace:
    return _parser().parse_args(args)


@pytest.mark.parametrize(
    ("args", "start"),
    [
        ([], Start()),
        (["logs", "--model", "gpt-4o"], Start(place="logs", wanted="model:gpt-4o")),
        (
            ["live", "--model", "a b", "--filter", "status:error"],
            Start(wanted='model:"a b" status:error'),
        ),
        (["req", "0192"], Start(place="logs", request_id="0192")),
        (["--theme", "high-contrast"], Start(theme="high-contrast")),
    ],
)
def test_it_begins_where_it_is_told_to(args: list[str], start: Start) -> None:
    assert start == _start(given(*args))


@pytest.mark.parametrize("args", [["req"], ["live", "0192"], ["nowhere"]])
def test_what_makes_no_sense_ends_with_usage(args: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(args)

    assert USAGE == ended.value.code


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["req", "0192", "--filter", "status:error"], "tokenhub-tui logs --filter"),
        (["req", "0192", "--model", "gpt"], "tokenhub-tui logs --filter"),
    ],
)
def test_what_would_be_ignored_is_told(
    args: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(args)

    assert USAGE == ended.value.code
    assert told in capsys.readouterr().err


def test_without_a_terminal_it_names_what_serves_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert USAGE == main([])

    assert "tokenhubctl top" in capsys.readouterr().err


def test_server_of_a_context_is_as_its_context_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    prod = Context(url="http://prod.example", token="t", read_only=True, accent="red")
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    contexts.write(contexts.path(environ, tmp_path), Contexts(contexts={"prod": prod}))

    server = _server(given("--context", "prod"), Kept(environ, tmp_path))

    assert ("prod", "red", True) == (server.name, server.accent, server.read_only)
    assert "t" == server.profile.token


def test_a_recording_stands_in_the_place_of_a_server(tmp_path: Path) -> None:
    file = tmp_path / "incident.jsonl"
    file.write_text(
        '{"type": "route_success", "timestamp": "2026-01-01T00:00:00Z"}\n', encoding="utf-8"
    )

    server, played = _played(file)

    assert ("incident.jsonl", True) == (server.name, server.read_only)
    assert played.player.tape.begin == played.player.at


def test_a_file_that_is_no_recording_is_named(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("nothing of the kind\n", encoding="utf-8")

    with pytest.raises(ValueError, match=r"notes\.txt is no recording: line 1"):
        _played(file)
