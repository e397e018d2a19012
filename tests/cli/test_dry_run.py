"""`--dry-run` changes nothing, on this machine either, and says so."""

from pathlib import Path

import pytest

from tests.cli.live import Live


@pytest.mark.parametrize("option", ["--dry-run", "--curl"])
@pytest.mark.parametrize(
    "line",
    [["man", "{}/man1"], ["docs", "{}/md"], ["completion", "install", "bash"], ["config", "edit"]],
)
def test_what_writes_files_here_has_no_dry_run(
    live: Live, tmp_path: Path, line: list[str], option: str
) -> None:
    before = sorted(tmp_path.iterdir())

    result = live.run(*(word.format(tmp_path) for word in line), option, EDITOR="true")

    assert 2 == result.exit_code
    assert "this writes files here" in result.stderr
    assert before == sorted(tmp_path.iterdir())


def test_doctor_mends_nothing_in_a_dry_run(live: Live, tmp_path: Path) -> None:
    file = tmp_path / ".config" / "tokenhub" / "config.toml"
    live.run("context", "add", "here", "--url", "http://127.0.0.1:9")
    file.chmod(0o644)

    rehearsed = live.run("doctor", "--fix", "--dry-run")

    assert 8 == rehearsed.exit_code
    assert f"others may read {file}" in rehearsed.stdout
    assert 0o644 == file.stat().st_mode & 0o777


def test_a_rehearsed_change_is_told_as_one(live: Live) -> None:
    live.provider("one", "gpt")

    reset = live.run("health", "reset", "one", "--dry-run")
    routing = live.run("routing", "set", "--mode", "cheap", "--dry-run")

    assert "health/one reset (dry run: nothing was changed)\n" in reset.stdout
    assert routing.stdout.startswith("routing updated: mode cheap")
    assert routing.stdout.endswith(" (dry run: nothing was changed)\n")
