"""Every command: its table, its JSON, an error of it, and its exit codes, over a real server.

The table of them all is rows/. A command without a row fails here, and so does a row without one.
"""

import csv
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from typer.testing import Result

from tests.cli.live import Live, nobodys
from tests.cli.rows import access, catalog, happening, here
from tests.cli.rows.row import Row
from tests.cli.stocked import Stock, files, stock, told
from tokenhub_cli.exits import Code
from tokenhub_cli.session import Failure
from tokenhub_cli.tree import root

ROWS = {**catalog.ROWS, **access.ROWS, **happening.ROWS, **here.ROWS}
WORKING = [command for command, row in ROWS.items() if not row.never]
READING = [command for command in WORKING if not (ROWS[command].changes or ROWS[command].alone)]
# Those that only read are among them for what they need.
CHANGING = [
    command
    for command in WORKING
    if ROWS[command].changes and command.split()[-1] not in {"list", "get", "arms"}
]
# What Python shows of a value that nobody has written down.
REPR = re.compile(r"<\w+\.\w+|\b[A-Z]\w+\(\w+=|\bNone\b|\bTrue\b|\{'")
SPARE = ("provider", "add", "--id", "spare", "--base-url", "http://127.0.0.1:9", "--disabled")
# How many commands may go without.
FEW = 4


class Place:
    """A stocked server, the folder where lines are run, and what was made last."""

    def __init__(self, live: Live, stocked: Stock, folder: Path) -> None:
        self.live = live
        self.folder = folder
        self._names = {
            "k_1": stocked.key_id,
            "req_01a1fdc7": stocked.request_id,
            "<url>": live.hub.url,
            "<sim>": live.sim.url,
            "<home>": str(folder.parent),
            "<made>": "",
        }

    def named(self, text: str) -> str:
        """The text with what its placeholders stand for here."""
        for name, value in self._names.items():
            text = text.replace(name, value)
        return text

    def expected(self, value: object) -> object:
        """The value with what its placeholders stand for here."""
        filled = self.named(json.dumps(value))
        return json.loads(filled)

    def run(self, line: str, row: Row) -> Result:
        words = shlex.split(self.named(line))
        return self.live.run(*words, stdin=row.stdin, **row.env)

    def works(self, command: str, row: Row, *more: str) -> str:
        """What the command's line says on stdout, with what goes before and after it."""
        self.prepare(row)
        result = self.run(" ".join([command, row.takes, *more]), row)
        self.tidy(row)

        assert row.ends == result.exit_code, result.stderr
        assert "error:" not in result.stderr
        return result.stdout

    def prepare(self, row: Row) -> None:
        """Run the lines that go before."""
        for line in row.before:
            self._names["<made>"] = self._side(line)

    def tidy(self, row: Row) -> None:
        """Run the lines that go after."""
        for line in row.after:
            self._side(line)

    def put_back(self, command: str, row: Row) -> None:
        """Do away with what went before a line that changed nothing: by the line itself."""
        if row.before or row.after:
            self.run(f"{command} {row.takes}", row)
            self.tidy(row)

    def noted(self) -> str:
        """The last entry of the audit trail, which has all that changes anything."""
        return self._side("audit list --limit 1 --fields id,action -o csv")

    def _side(self, line: str) -> str:
        result = self.live.run(*shlex.split(self.named(line)))
        assert 0 == result.exit_code, result.stderr
        return result.stdout.strip()


def place_in(home: Path, *, vault: bool) -> Iterator[Place]:
    """A stocked server with its folder."""
    folder = home / "here"
    folder.mkdir()
    files(folder)
    with told(home, nobodys(home)) as live, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        stocked = stock(live, vault=vault)
        yield Place(live, stocked, folder)


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The server that nothing changes."""
    yield from place_in(tmp_path_factory.mktemp("still"), vault=True)


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The server on which each row makes what it changes."""
    for place in place_in(tmp_path_factory.mktemp("moving"), vault=True):
        # What is made of this one is never chosen, so that it is in nobody's way. The simulated
        # provider has no gpt-4o, which a plan would ask for.
        place.live.run(*SPARE)
        place.live.run("model", "disable", "gpt-4o")
        yield place


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The server for what fails."""
    yield from place_in(tmp_path_factory.mktemp("failing"), vault=True)


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path, command: str) -> Iterator[Place]:
    """The server for the working lines of a command."""
    row = ROWS[command]
    if row.alone:
        yield from place_in(tmp_path, vault=False)
    else:
        chosen: Place = request.getfixturevalue("moving" if row.changes else "still")
        yield chosen


@pytest.fixture(autouse=True)
def _in_its_folder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines name files of the folder of their server."""
    for name in ("place", "failing"):
        if name in request.fixturenames:
            monkeypatch.chdir(request.getfixturevalue(name).folder)
            return


def found(value: Any, path: str) -> Any:
    """What stands at a path such as `items[id=gpt].weight` of a JSON value."""
    for step in re.findall(r"\[[^]]*\]|[^.[\]]+", path):
        if not step.startswith("["):
            value = value[step]
            continue
        key, is_key, wanted = step[1:-1].partition("=")
        if is_key:
            value = next(one for one in value if str(one[key]).lower() == wanted.lower())
        else:
            value = value[int(key)]
    return value


def test_every_command_has_its_row() -> None:
    commands = [it.line.partition(" ")[2] for it in root().walk() if not it.below]

    assert sorted(commands) == sorted(ROWS)
    assert FEW >= len([row for row in ROWS.values() if row.no_json])


@pytest.mark.parametrize("command", WORKING)
def test_command_shows_its_table(place: Place, command: str) -> None:
    row = ROWS[command]

    shown = place.works(command, row)

    for pattern in row.shows:
        assert re.search(place.named(pattern), shown, re.MULTILINE), f"{pattern}\nin\n{shown}"


@pytest.mark.parametrize("form", ["json", "yaml"])
@pytest.mark.parametrize("command", [it for it in WORKING if not ROWS[it].no_json])
def test_command_gives_its_json(place: Place, command: str, form: str) -> None:
    row = ROWS[command]

    shown = place.works(command, row, "-o", form)

    answer = json.loads(shown) if form == "json" else yaml.safe_load(shown)
    assert form == "yaml" or 1 == len(shown.splitlines())
    # Of its type, with all of its fields and no others.
    typed = msgspec.json.decode(json.dumps(answer), type=row.of)
    assert answer == json.loads(msgspec.json.encode(typed))
    told = {path: found(answer, place.named(path)) for path in row.holds}
    assert {path: place.expected(value) for path, value in row.holds.items()} == told


@pytest.mark.parametrize("command", [it for it in READING if not ROWS[it].no_json])
def test_command_says_nothing_where_that_is_asked_for(place: Place, command: str) -> None:
    assert "" == place.works(command, ROWS[command], "-o", "none")


@pytest.mark.parametrize("command", CHANGING)
def test_rehearsed_change_says_so_and_changes_nothing(place: Place, command: str) -> None:
    row = ROWS[command]
    place.prepare(row)
    before = place.noted()

    result = place.run(f"{command} {row.takes} --dry-run", row)
    after = place.noted()
    place.put_back(command, row)

    told = " ".join((result.stdout + result.stderr).split())
    if result.exit_code:
        assert re.search("this has no dry run|cannot be rehearsed|this writes files here", told)
        assert "" == result.stdout
    else:
        assert "dry run" in told
    assert before == after


@pytest.mark.parametrize("form", ["table", "json"])
@pytest.mark.parametrize("command", ROWS)
def test_command_tells_what_failed(failing: Place, command: str, form: str) -> None:
    row = ROWS[command]

    result = failing.live.run(*shlex.split(failing.named(f"{command} {row.fails}")), "-o", form)

    assert (row.code, "") == (result.exit_code, result.stdout)
    failure = failure_of(result.stderr, form)
    for words in row.says:
        assert words in failure


def failure_of(stderr: str, form: str) -> str:
    """The words of a failure, in one line; that of a form of data is JSON, but for bad usage."""
    told = stderr.splitlines()
    if form == "json" and not stderr.startswith("Usage: "):
        one = msgspec.json.decode(told[-1], type=Failure)
        told = [one.error, one.because, one.hint]
    return " ".join(told)


# Lists whose rows have a name that the next command takes.
LISTS = {
    "provider list": "provider/one",
    "model list": "model/org/small",
    "apikey list": "apikey/k_1",
    "token list": "token/alice",
    "alias list": "alias/fast",
    "view list": "view/slow",
    "context list": "context/local",
    "engine models": "model/gpt",
    "health list": "health/one",
    "logs list": "request/req_01a1fdc7",
    "vault secrets list": "secret/ci-token",
}
TABLES = [
    *LISTS,
    "audit list",
    "feedback list",
    "ledger list",
    "logs facets",
    "logs histogram",
    "rewards list",
    "rewards arms",
    "stats",
    "top",
    "tsdb metrics",
    "tsdb query requests",
    "backup list",
    "orchestration list",
    "workflow list",
    "config explain",
]


@pytest.mark.parametrize("line", LISTS)
def test_list_names_its_rows(still: Place, line: str) -> None:
    shown = still.live.run(*line.split(), "-o", "name").stdout.splitlines()

    assert still.named(LISTS[line]) in shown
    assert all(re.fullmatch(r"[a-z]+/\S+", name) for name in shown)


@pytest.mark.parametrize("line", TABLES)
def test_list_is_the_same_in_csv_and_in_some_fields(still: Place, line: str) -> None:
    words = line.split()
    known = still.live.run(*words, "--fields").stdout.splitlines()

    whole = list(csv.DictReader(still.live.run(*words, "-o", "csv").stdout.splitlines()))
    one = still.live.run(*words, "--fields", known[0], "-o", "csv").stdout.splitlines()
    told = still.live.run(*words, "--fields", known[0], "-o", "json")
    every = [
        still.live.run(*words, "--fields", ",".join(known), "-o", form).stdout
        for form in ("csv", "wide")
    ]
    wrong = still.live.run(*words, "--fields", "nope")

    assert known[0] == one[0]
    assert len(whole) == len(one) - 1 == len(json.loads(told.stdout))
    assert [{known[0]}] * len(whole) == [set(row) for row in json.loads(told.stdout)]
    assert None not in {key for row in whole for key in row}
    assert not [shown for shown in every if REPR.search(shown)]
    assert (Code.USAGE, "") == (wrong.exit_code, wrong.stdout)
    assert all(word in wrong.stderr for word in ("there is no field 'nope'", known[0]))
