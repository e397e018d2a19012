"""`--watch`: a list that keeps up, where somebody looks and where nobody does."""

import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_admin import TOKEN, FakeAdmin, Sent, problem
from tests.cli.live import Live
from tests.cli.test_top import BEGIN, END, sitting
from tokenhub_cli.listing import LISTS
from tokenhub_cli.tree import Command, root

OPTION = "--watch [=SPAN]"


def leaves() -> list[Command]:
    return [one for one in root().walk() if not one.below]


@contextmanager
def watching(variables: Mapping[str, str], *args: str) -> Iterator[subprocess.Popen[str]]:
    """`tokenhubctl` whose stdout and stderr go into pipes."""
    with subprocess.Popen(
        [sys.executable, "-m", "tokenhub_cli.main", *args],
        env=dict(variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def until(stream: IO[str] | None, line: str) -> list[str]:
    """The lines up to this one, without it."""
    assert stream is not None
    return list(iter(stream.readline, f"{line}\n"))


def of_fake(environment: Mapping[str, str | None], url: str) -> dict[str, str]:
    settings = {name: value for name, value in environment.items() if value is not None}
    return {**settings, "TOKENHUB_URL": url, "TOKENHUB_ADMIN_TOKEN": TOKEN}


@pytest.mark.parametrize("command", leaves(), ids=lambda it: it.line)
def test_lists_keep_up_and_others_do_not(command: Command) -> None:
    lists = command.line.split()[-1] in LISTS

    assert lists == (OPTION in {name for name, _ in command.options})
    assert lists or not command.summary.startswith("List ")


def test_a_noun_alone_keeps_up_as_its_list_does(run: Run) -> None:
    alone = run("model", "--watch", "--curl")
    listed = run("model", "list", "--watch=5s", "--curl")
    not_listed = run("model", "--watch", "get", "gpt")

    assert 0 == alone.exit_code == listed.exit_code
    assert alone.stdout == listed.stdout != ""
    assert 2 == not_listed.exit_code
    assert "get shows no list" in not_listed.stderr


def test_a_noun_that_makes_something_when_alone_is_not_watched(run: Run) -> None:
    refused = run("backup", "--watch")

    assert 2 == refused.exit_code
    assert "No such option" in refused.stderr
    assert 0 == run("backup", "list", "--watch", "--curl").exit_code


def test_what_follows_already_is_not_watched(run: Run) -> None:
    assert 2 == run("logs", "--watch", "-f").exit_code
    assert 2 == run("audit", "--watch", "-f").exit_code


def test_what_fails_at_first_ends_it(run: Run) -> None:
    assert 4 == run("model", "--watch", TOKENHUB_ADMIN_TOKEN="wrong").exit_code
    assert 3 == run("model", "--watch", "--url", "http://127.0.0.1:9").exit_code
    assert 2 == run("model", "--watch", "--fields", "nope").exit_code
    assert 2 == run("model", "--watch=often").exit_code


def test_into_a_pipe_it_is_the_whole_list_each_time(live: Live) -> None:
    live.provider("one", "gpt", "large")

    with watching(live.variables, "model", "list", "--watch=0.1s", "-o", "name") as process:
        first, second = until(process.stdout, ""), until(process.stdout, "")
        live.admin("DELETE", "models/large")
        while first == until(process.stdout, ""):
            pass
        third = until(process.stdout, "")
        process.send_signal(signal.SIGINT)
        code = process.wait(timeout=30)

    assert ["model/gpt\n", "model/large\n"] == first == second
    assert ["model/gpt\n"] == third
    assert 130 == code


def test_documents_of_yaml_are_told_apart(live: Live) -> None:
    live.provider()

    with watching(live.variables, "model", "--watch=0.1s", "-o", "yaml") as process:
        first = until(process.stdout, "---")
        second = until(process.stdout, "---")

    assert first == second
    assert "items:\n" == first[0]


def test_a_note_is_told_once(live: Live) -> None:
    live.provider("one", "gpt", "large")
    line = ("model", "list", "--limit", "1", "--watch=0.1s", "-o", "value")

    with watching(live.variables, *line) as process:
        for _ in range(3):
            until(process.stdout, "")
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)

    assert ["note: rows 1 to 1 of 2; more with --offset 1"] == told.splitlines()


class Restarting(FakeAdmin):
    """After its first list, it is what clients meet of a server that starts again."""

    def answer(self, sent: Sent, token: str) -> tuple[int, Any]:
        times = len(self.sent)
        if times in {2, 3}:
            return 7, b""  # no HTTP: the connection was of no use
        if times in {4, 5}:
            return problem(503, "starting", "starting")
        return super().answer(sent, token)


def test_a_server_that_starts_again_costs_a_line(environment: dict[str, str | None]) -> None:
    line = ("model", "list", "--watch=0.1s", "-o", "value", "--retries", "0")
    with Restarting() as server:
        server.add_model("gpt")
        with watching(of_fake(environment, server.url), *line) as process:
            first, second = until(process.stdout, ""), until(process.stdout, "")
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=30)

    assert ["gpt\n"] == first == second
    assert 1 == len(told.splitlines())
    assert "trying again every 0.1s" in told


def test_at_a_terminal_the_table_is_drawn_in_place(live: Live) -> None:
    live.provider("one", *(f"model-{number:02}" for number in range(40)))

    with sitting(live.variables, "model", "--watch=0.1s") as terminal:
        before = terminal.modes()
        terminal.wait_for(BEGIN, "every 0.1s  q quit", "MODEL", "more; a higher window shows them")
        live.admin("PATCH", "models/model-01", {"input_per_1k": 7.75})
        terminal.wait_for("7.75")
        terminal.process.send_signal(signal.SIGINT)
        terminal.wait_for(END)
        code = terminal.process.wait(timeout=30)
        after = terminal.modes()

    assert 130 == code
    assert before == after
    assert "model-39" not in terminal.seen


def test_lines_are_no_screen_even_at_a_terminal(live: Live) -> None:
    live.provider()

    with sitting(live.variables, "model", "--watch=0.1s", "-o", "jsonl") as terminal:
        terminal.wait_for('"gpt"')
        terminal.wait_for('"gpt"')

    assert BEGIN not in terminal.seen


def test_a_screen_says_that_the_server_is_away(environment: dict[str, str | None]) -> None:
    with Restarting() as server:
        server.add_model("gpt")
        with sitting(
            of_fake(environment, server.url), "model", "--watch=0.1s", "--retries", "0"
        ) as terminal:
            terminal.wait_for(BEGIN, "gpt")
            terminal.wait_for("starting")
            terminal.press("q")
            terminal.wait_for(END)
            code = terminal.process.wait(timeout=30)

    assert 0 == code
