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
from tests.cli.live import Live
from tests.cli.test_explain import FOUND, PATH, TOLD

# A session of its own, whose terminal is the one on stdin: prompts for secrets ask for that.
MAIN = "import os; os.close(os.open(os.ttyname(0), os.O_RDWR)); from tokenhub_cli.main import main"


class Seen(NamedTuple):
    code: int
    stdout: str
    terminal: str


Sit = Callable[..., Seen]


@pytest.fixture
def sit_live(live: Live) -> Sit:
    """Runs `tokenhubctl` at a terminal; stdout goes to a pipe, or to the terminal."""
    return _sitting(live.variables)


@pytest.fixture
def sit(admin: FakeAdmin, environment: dict[str, str | None]) -> Sit:
    """The same, where an answer has to be just so."""
    settings = {name: value for name, value in environment.items() if value is not None}
    return _sitting({**settings, "TOKENHUB_URL": admin.url, "TOKENHUB_ADMIN_TOKEN": TOKEN})


def _sitting(settings: dict[str, str]) -> Sit:
    def tokenhubctl(*args: str, typed: str = "", piped: bool = True, **env: str) -> Seen:
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            [sys.executable, "-c", f"{MAIN}; main()", *args],
            stdin=theirs,
            stdout=subprocess.PIPE if piped else theirs,
            stderr=theirs,
            env={**settings, "NO_COLOR": "1", **env},
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


def test_a_deletion_asks_and_no_means_no(sit_live: Sit, live: Live) -> None:
    live.provider("p", "m")

    seen = sit_live("model", "delete", "m", typed="n\n")

    assert (2, "") == (seen.code, seen.stdout)
    assert "Delete model m? [y/N]" in seen.terminal
    assert "nothing was changed" in seen.terminal
    assert 1 == live.admin("GET", "models")["total"]


def test_a_deletion_asks_and_yes_means_yes(sit_live: Sit, live: Live) -> None:
    live.provider("p")

    seen = sit_live("provider", "delete", "p", typed="y\n")

    assert (0, "provider/p deleted\n") == (seen.code, seen.stdout)
    assert "Delete provider p and its models? [y/N]" in seen.terminal
    assert 0 == live.admin("GET", "providers")["total"]


def test_leaving_at_the_question_is_an_interrupt(sit_live: Sit, live: Live) -> None:
    live.provider("p", "m")

    seen = sit_live("model", "delete", "m", typed="\x03")

    assert (130, 1) == (seen.code, live.admin("GET", "models")["total"])


def test_yes_does_not_ask(sit_live: Sit, live: Live) -> None:
    live.provider("p", "m")

    seen = sit_live("model", "delete", "m", "-y")

    assert (0, "model/m deleted\n", "") == seen


@pytest.mark.parametrize(
    "line",
    [
        ("--id", "p", "--api-key", "sk-1"),
        ('{"id":"p","base_url":"https://h.example","api_key":"sk-1"}',),
    ],
)
def test_a_secret_on_the_line_draws_one_hint(sit_live: Sit, line: tuple[str, ...]) -> None:
    seen = sit_live("provider", "add", *line)

    assert (0, 1) == (seen.code, seen.terminal.count("hint: "))
    assert "--api-key-stdin does not" in seen.terminal
    assert "sk-1" not in seen.terminal


def test_a_secret_is_asked_for_and_not_echoed(sit_live: Sit, live: Live) -> None:
    line = ("provider", "add", "--id", "p", "--base-url", live.sim.url, "--api-key-stdin")

    seen = sit_live(*line, typed="sk-typed\n")

    assert 0 == seen.code
    assert "api-key:" in seen.terminal
    assert "sk-typed" not in seen.terminal
    live.admin("POST", "providers/p/test")
    assert "sk-typed" == live.sim.requests[-1].key()


@pytest.mark.parametrize(("key", "code"), [("\x03", 130), ("\x04", 2)])
@pytest.mark.parametrize(
    ("line", "prompt"),
    [
        (("provider", "add", "--id", "p", "--api-key-stdin"), "api-key: \n"),
        (("vault", "init"), "New password: \n"),
    ],
)
def test_who_leaves_at_a_hidden_prompt_has_a_line_of_their_own(
    sit_live: Sit, line: tuple[str, ...], prompt: str, key: str, code: int
) -> None:
    seen = sit_live(*line, typed=key)

    assert (code, "") == (seen.code, seen.stdout)
    assert seen.terminal.startswith(prompt)


def test_a_secret_is_to_the_letter_in_a_pipe_and_steers_no_terminal(
    sit_live: Sit, live: Live
) -> None:
    live.admin("POST", "vault/init", {"admin_password": "correct horse battery"})
    live.admin("PUT", "vault/secrets/s", {"value": "one\n\ttwo\x1b[2J"})

    in_a_pipe = sit_live("vault", "secrets", "get", "s")
    at_terminal = sit_live("vault", "secrets", "get", "s", piped=False)

    assert "one\n\ttwo\x1b[2J\n" == in_a_pipe.stdout
    assert "one\n two\n" == at_terminal.terminal


def test_json_is_indented_for_eyes(sit_live: Sit) -> None:
    seen = sit_live("routing", "get", "-o", "json", piped=False)

    assert '{\n  "default_mode": "normal",\n' in seen.terminal


@pytest.mark.parametrize(
    ("env", "painted"),
    [
        ({"NO_COLOR": "", "TERM": "xterm-256color"}, True),
        ({"NO_COLOR": "1", "TERM": "xterm-256color"}, False),
        ({"NO_COLOR": "", "TERM": "dumb"}, False),
    ],
)
def test_colour_is_there_unless_the_terminal_or_its_owner_has_none(
    sit_live: Sit, live: Live, env: dict[str, str], *, painted: bool
) -> None:
    live.provider("p", "m", "n")

    seen = sit_live("model", "list", piped=False, **env).terminal

    assert painted == ("\x1b[1mMODEL" in seen)
    assert painted == ("\x1b" in seen)


def test_columns_are_counted_in_cells_of_the_terminal(sit_live: Sit, live: Live) -> None:
    """A name of East Asian characters takes two cells for each, and combining marks none."""
    names = ("日本語の鍵", "plain", "e\u0301te\u0301")
    for name in names:
        live.admin("POST", "apikeys", {"name": name, "scopes": ["chat"]})

    shown = sit_live("apikey", "list", "--fields", "name,enabled", piped=False).terminal

    assert {
        "NAME        ENABLED",
        "日本語の鍵  yes",
        "plain       yes",
        "e\u0301te\u0301         yes",
    } == set(shown.splitlines())


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
    sit_live: Sit, live: Live
) -> None:
    for name in ("one", "two"):
        live.admin("POST", "apikeys", {"name": name, "scopes": ["chat"]})

    seen = sit_live("apikey", "list", piped=False).terminal.splitlines()

    assert "" == max((line[80:] for line in seen[:3]), default="")
    assert seen[0].startswith("ID  ")
    assert "VERSION; -o wide has all" in seen[3]
    assert "VERSION" in sit_live("apikey", "list").stdout.splitlines()[0]


def test_a_row_alone_goes_below_itself_where_it_is_too_wide(sit_live: Sit, live: Live) -> None:
    key = live.admin("POST", "apikeys", {"name": "one", "scopes": ["chat"]})["id"]

    seen = sit_live("apikey", "get", key, piped=False).terminal.splitlines()

    assert ["ID", key] == seen[0].split()
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
