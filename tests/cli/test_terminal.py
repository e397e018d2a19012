"""What is different where somebody sits at the terminal."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from msgspec import to_builtins
from msgspec.structs import replace

from tests.cli.fake_admin import TOKEN, FakeAdmin
from tests.cli.test_explain import FOUND, PATH, TOLD

# A session of its own, whose terminal is the one on stdin: prompts for secrets ask for that.
MAIN = "import os; os.close(os.open(os.ttyname(0), os.O_RDWR)); from tokenhub_cli.main import main"


class Seen(NamedTuple):
    code: int
    stdout: str
    terminal: str


Sit = Callable[..., Seen]


@pytest.fixture
def sit(admin: FakeAdmin, environment: dict[str, str | None]) -> Sit:
    """Runs `tokenhubctl` at a terminal; stdout goes to a pipe, or to the terminal."""
    settings = {name: value for name, value in environment.items() if value is not None}

    def tokenhubctl(*args: str, typed: str = "", piped: bool = True) -> Seen:
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            [sys.executable, "-c", f"{MAIN}; main()", *args],
            stdin=theirs,
            stdout=subprocess.PIPE if piped else theirs,
            stderr=theirs,
            env={
                **settings,
                "NO_COLOR": "1",
                "TOKENHUB_URL": admin.url,
                "TOKENHUB_ADMIN_TOKEN": TOKEN,
            },
            cwd=Path(__file__).parents[2],
            start_new_session=True,
        ) as command:
            os.close(theirs)
            try:
                seen = _read(ours, typed)
            finally:
                command.kill()  # it has ended, unless the reading was cut short
            stdout = command.stdout.read().decode() if command.stdout else ""
        os.close(ours)
        return Seen(command.returncode, stdout, seen.replace("\r\n", "\n"))

    return tokenhubctl


def _read(terminal: int, typed: str) -> str:
    """What was written to the terminal until the last writer left, which Linux tells as EIO.

    Types once it is asked: what was typed before a prompt for a secret is thrown away.
    """
    seen = b""
    while True:
        try:
            seen += os.read(terminal, 4096)
        except OSError:
            return seen.decode()
        if typed and seen.endswith((b": ", b"[y/N] ")):
            os.write(terminal, typed.encode())
            typed = ""


def test_a_deletion_asks_and_no_means_no(sit: Sit, admin: FakeAdmin) -> None:
    admin.add_model("m")

    seen = sit("model", "delete", "m", typed="n\n")

    assert (2, "") == (seen.code, seen.stdout)
    assert "Delete model m? [y/N]" in seen.terminal
    assert "nothing was changed" in seen.terminal
    assert [] == admin.sent


def test_a_deletion_asks_and_yes_means_yes(sit: Sit, admin: FakeAdmin) -> None:
    admin.add_provider("p")

    seen = sit("provider", "delete", "p", typed="y\n")

    assert (0, "provider/p deleted\n") == (seen.code, seen.stdout)
    assert "Delete provider p and its models? [y/N]" in seen.terminal


def test_leaving_at_the_question_is_an_interrupt(sit: Sit, admin: FakeAdmin) -> None:
    seen = sit("apikey", "delete", "k", typed="\x03")

    assert (130, []) == (seen.code, admin.sent)


def test_yes_does_not_ask(sit: Sit, admin: FakeAdmin) -> None:
    admin.add_key("k")

    seen = sit("apikey", "delete", "k", "-y")

    assert (0, "apikey/k deleted\n", "") == seen


@pytest.mark.parametrize(
    "line", [("--id", "p", "--api-key", "sk-1"), ('{"id":"p","api_key":"sk-1"}',)]
)
def test_a_secret_on_the_line_draws_one_hint(sit: Sit, line: tuple[str, ...]) -> None:
    seen = sit("provider", "add", *line)

    assert (0, 1) == (seen.code, seen.terminal.count("hint: "))
    assert "--api-key-stdin does not" in seen.terminal
    assert "sk-1" not in seen.terminal


def test_a_secret_is_asked_for_and_not_echoed(sit: Sit, admin: FakeAdmin) -> None:
    seen = sit("provider", "add", "--id", "p", "--api-key-stdin", typed="sk-typed\n")

    assert "sk-typed" == admin.last.body["api_key"]
    assert "api-key:" in seen.terminal
    assert 0 == seen.code


def test_json_is_indented_for_eyes(sit: Sit) -> None:
    seen = sit("routing", "get", "-o", "json", piped=False)

    assert '{\n  "default_mode": "normal",\n' in seen.terminal


def test_a_text_goes_on_below_itself_where_the_terminal_is_too_narrow(
    sit: Sit, admin: FakeAdmin
) -> None:
    why = "nobody has timed it, so it counts with the mean of the others, as anybody would"
    place = replace(TOLD.candidates[0], route="p/a-model-with-a-long-name", why=why)
    found = replace(FOUND, explanation=replace(TOLD, candidates=[place]))
    admin.answers["GET", PATH] = 200, to_builtins(found)

    at_terminal = sit("explain", "r1", piped=False).terminal
    in_a_pipe = sit("explain", "r1").stdout

    assert (
        "1  p/a-model-with-a-long-name  nobody has timed it, so it counts with the mean\n"
        "                               of the others, as anybody would\n"
    ) in at_terminal
    assert f"1  p/a-model-with-a-long-name  {why}\n" in in_a_pipe


def test_a_list_leaves_out_what_a_narrow_terminal_has_no_room_for(
    sit: Sit, admin: FakeAdmin
) -> None:
    admin.add_key("key_0123456789abcdef", name="one")
    admin.add_key("key_f0123456789abcde", name="two")

    seen = sit("apikey", "list", piped=False).terminal.splitlines()

    assert "" == max((line[80:] for line in seen[:3]), default="")
    assert seen[0].startswith("ID  ")
    assert "VERSION; -o wide has all" in seen[3]
    assert "VERSION" in sit("apikey", "list").stdout.splitlines()[0]


def test_a_row_alone_goes_below_itself_where_it_is_too_wide(sit: Sit, admin: FakeAdmin) -> None:
    admin.add_key("key_0123456789abcdef", name="one")

    seen = sit("apikey", "get", "key_0123456789abcdef", piped=False).terminal.splitlines()

    assert ["ID", "key_0123456789abcdef"] == seen[0].split()
    assert "VERSION" == seen[-1].split()[0]


def test_an_answer_of_a_model_steers_no_terminal(sit: Sit, admin: FakeAdmin) -> None:
    said = json.dumps({"choices": [{"delta": {"content": "one\n\x1b[2Jtwo\x1b]0;title\x07"}}]})
    stream = f"data: {said}\n\ndata: [DONE]\n\n".encode()
    admin.answers["POST", "/v1/chat/completions"] = 200, stream

    at_terminal = sit("chat", "Hello", "-q", piped=False).terminal
    in_a_pipe = sit("chat", "Hello", "-q").stdout

    assert "one\ntwo\n" == at_terminal
    assert "one\n\x1b[2Jtwo\x1b]0;title\x07\n" == in_a_pipe


def test_any_answer_steers_no_terminal(sit: Sit, admin: FakeAdmin) -> None:
    admin.answers["GET", "/metrics"] = 200, b"one \x1b[2J1\ntwo 2"

    assert "one 1\ntwo 2\n" == sit("api", "GET", "/metrics", piped=False).terminal
    assert "one \x1b[2J1\ntwo 2" == sit("api", "GET", "/metrics").stdout
