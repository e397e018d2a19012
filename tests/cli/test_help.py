"""`tokenhubctl help`, and the manual that is made of the same words."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_admin import FakeAdmin
from tokenhub_cli.exits import Code
from tokenhub_cli.manual import pages
from tokenhub_cli.topics import topics
from tokenhub_cli.tree import root

NAMES = [topic.name for topic in topics()]


def test_help_alone_lists_the_topics(run: Run, admin: FakeAdmin) -> None:
    result = run("help")

    assert 0 == result.exit_code
    assert NAMES == [line.split()[0] for line in result.stdout.splitlines()[1:]]
    assert "--help" in result.stderr
    assert [] == admin.sent


@pytest.mark.parametrize("name", NAMES)
def test_a_topic_is_told_in_lines_that_fit(run: Run, name: str) -> None:
    told = run("help", name)
    as_json = run("help", name, "-o", "json")

    assert 0 == told.exit_code
    assert 90 >= max(map(len, told.stdout.splitlines()))
    assert {"name", "summary", "text"} == set(json.loads(as_json.stdout))


def test_the_topic_of_exit_codes_has_every_one(run: Run) -> None:
    told = run("help", "exit-codes").stdout.splitlines()

    assert [str(code.value) for code in Code] == [line.split()[0] for line in told]


def test_help_of_a_command_is_that_of_the_option(run: Run) -> None:
    for line in (["model"], ["model", "add"], ["vault", "secrets", "set"]):
        assert run(*line, "--help").stdout == run("help", *line).stdout
    assert 0 == run("help", "keys", "create").exit_code


def test_lists_of_commands_tell_whole_sentences(run: Run) -> None:
    for noun in root().below:
        shown = " ".join(run(noun.line.partition(" ")[2], "--help", COLUMNS="80").stdout.split())

        assert [] == [one.summary for one in noun.below if one.summary not in shown]


def test_help_stays_within_a_narrow_terminal(run: Run) -> None:
    for line in (["model"], ["vault"], ["config"]):
        shown = run(*line, "--help", COLUMNS="40").stdout
        prose = [one for one in shown.splitlines() if "Example: " not in one]

        assert 40 >= max(map(len, prose))


def test_examples_stay_whole_however_long_they_are(run: Run) -> None:
    shown = run("vault", "rotate", "--help", COLUMNS="60").stdout

    example = "--old-password-file password.txt --new-password-file new.txt\n"
    assert f"  Example: tokenhubctl vault rotate {example}" in shown
    assert "help exit-codes\n  Example: tokenhubctl help" in run("help", "--help").stdout


@pytest.mark.parametrize("line", [["nonsense"], ["model", "nonsense"], ["status", "x"]])
def test_help_of_what_is_not_there_names_the_topics(run: Run, line: list[str]) -> None:
    result = run("help", *line)

    assert 2 == result.exit_code
    assert "exit-codes" in result.stderr


def test_every_command_is_in_the_tree_with_a_summary() -> None:
    found = list(root().walk())

    assert {"tokenhubctl model add", "tokenhubctl vault secrets set"} <= {it.line for it in found}
    assert [] == [it.line for it in found if not it.summary.endswith(".")]


def test_man_writes_a_page_of_each_noun(run: Run, tmp_path: Path) -> None:
    result = run("man", str(tmp_path / "man1"))

    assert 0 == result.exit_code
    written = sorted(path.name for path in (tmp_path / "man1").iterdir())
    assert sorted(pages(root())) == written
    assert {"tokenhubctl.1", "tokenhubctl-model.1"} <= set(written)
    assert len(written) == len(result.stdout.splitlines())


def test_docs_writes_a_page_of_each_noun_and_one_that_leads_there(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "reference"

    result = run("docs", str(folder), "-o", "json")

    written = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    index = written["tokenhubctl.md"]
    assert {str(folder / name) for name in written} == set(json.loads(result.stdout))
    assert set(written) == {
        "tokenhubctl.md",
        *re.findall(r"\]\((tokenhubctl-[a-z-]+\.md)\)", index),
    }
    assert "tokenhubctl help exit-codes" in index
    assert "# tokenhubctl model\n" == written["tokenhubctl-model.md"].splitlines(keepends=True)[0]
    assert "\n## model add\n" in written["tokenhubctl-model.md"]


@pytest.mark.parametrize("noun", ["man", "docs"])
def test_pages_that_cannot_be_written_are_told_of(run: Run, tmp_path: Path, noun: str) -> None:
    (tmp_path / "file").touch()

    result = run(noun, str(tmp_path / "file"))

    assert (1, "") == (result.exit_code, result.stdout)
    assert "cannot write" in result.stderr


@pytest.mark.skipif(shutil.which("groff") is None, reason="there is no groff")
def test_manual_pages_are_roff_without_a_warning(tmp_path: Path) -> None:
    for name, text in pages(root()).items():
        done = subprocess.run(
            ["groff", "-man", "-ww", "-Tutf8"],
            input=text,
            capture_output=True,
            text=True,
            check=True,
        )

        assert (name, "") == (name, done.stderr)
