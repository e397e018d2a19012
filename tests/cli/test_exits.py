"""Failures: the exit code, and three parts on stderr.

The fake stands in for the real server where that cannot be made to fail so: with words that would
steer a terminal, an answer that is not TokenHub's, a 500, or fields that say the same twice.
"""

import json
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_admin import FakeAdmin, problem
from tests.cli.live import Live
from tokenhub.client.errors import (
    BadCall,
    BadProfile,
    ClientError,
    Conflict,
    NotFound,
    Refused,
    Unauthorized,
    Unreachable,
    Unreadable,
)
from tokenhub.sim.fault import Fault
from tokenhub_cli.exits import Code, code_of

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadCall("x"), 2),
        (BadProfile("x"), 2),
        (Unreachable("u", "x"), 3),
        (Unauthorized("x", status=401), 4),
        (NotFound("x", status=404), 5),
        (Conflict("x", status=412), 6),
        (Refused("x", status=500), 1),
        (Refused("x", status=503, code="vault_locked"), 7),
        (Unreadable("u", "x"), 1),
    ],
)
def test_each_failure_has_its_code(error: ClientError, code: int) -> None:
    assert code == code_of(error)


def test_codes_are_those_of_the_manual() -> None:
    assert {0, 1, 2, 3, 4, 5, 6, 7, 8, 130, 141} == set(Code)


def test_what_is_refused_ends_with_1(live: Live) -> None:
    live.provider()

    result = live.run("model", "edit", "gpt", "--weight", "99")

    assert (1, "") == (result.exit_code, result.stdout)
    assert "because: weight must be between 0 and 10 (HTTP 400, request req_" in result.stderr
    assert 1 == result.stderr.count("weight must be")


@pytest.mark.parametrize(
    "line",
    [
        ("model", "add", "{"),
        ("model", "add", '{"id": "m", "provider_id": "one", "colour": "red"}'),
        ("model", "add", '{"id": "m", "weight": 1}', "--weight", "2"),
        ("model", "list", "--limit", "0"),
        ("model", "list", "--fields", "colour"),
        ("model", "list", "-o", "pdf"),
        ("logs", "--filter", "colour:red"),
        ("provider", "add", "--id", "p", "--type", "openai", "--api-key", ""),
        ("vault", "unlock", "--password-stdin", "--password-file", "p"),
    ],
)
def test_a_line_that_means_nothing_ends_with_2_and_sends_nothing(
    live: Live, line: tuple[str, ...]
) -> None:
    result = live.run(*line)

    assert (2, "") == (result.exit_code, result.stdout)
    assert "Usage: tokenhubctl" in result.stderr
    assert [] == _changes(live)


@pytest.mark.parametrize(
    "line",
    [
        ("provider", "delete", "one"),
        ("model", "edit", "gpt", "--weight", "2"),
        ("apikey", "create", "--name", "a"),
        ("token", "list"),
        ("backup", "create"),
    ],
)
def test_a_token_of_too_low_a_role_ends_with_4_and_names_the_role(
    live: Live, line: tuple[str, ...]
) -> None:
    live.provider()
    token = live.run("token", "create", "--name", "v", "--role", "viewer", "-o", "value").stdout

    result = live.run(*line, TOKENHUB_ADMIN_TOKEN=token.strip())

    assert (4, "") == (result.exit_code, result.stdout)
    assert "(HTTP 403, request req_" in result.stderr
    assert "try: --token-file names another token" in result.stderr


@pytest.mark.parametrize(
    "line",
    [
        ("provider", "get", "gone"),
        ("provider", "edit", "gone", "--disabled"),
        ("provider", "delete", "gone"),
        ("provider", "discover", "gone"),
        ("provider", "test", "gone"),
        ("model", "get", "gone"),
        ("model", "edit", "gone", "--weight", "1"),
        ("model", "enable", "gone"),
        ("model", "delete", "gone"),
        ("model", "price", "show", "gone"),
        ("apikey", "get", "gone"),
        ("apikey", "edit", "gone", "--disabled"),
        ("apikey", "rotate", "gone"),
        ("apikey", "paid", "gone"),
        ("apikey", "delete", "gone"),
        ("token", "get", "gone"),
        ("token", "revoke", "gone"),
        ("logs", "get", "gone"),
        ("explain", "gone"),
        ("routing", "explain", "gone"),
    ],
)
def test_what_is_not_there_ends_with_5_and_leads_to_a_list(
    live: Live, line: tuple[str, ...]
) -> None:
    result = live.run(*line)

    assert (5, "") == (result.exit_code, result.stdout)
    listing = re.search(r'try: "tokenhubctl (\w+ list)" shows what there is', result.stderr)
    assert listing, result.stderr
    assert 0 == live.run(*listing[1].split()).exit_code


@pytest.mark.parametrize("noun", ["provider", "model", "apikey", "token"])
def test_a_stale_version_ends_with_6_and_changes_nothing(live: Live, noun: str) -> None:
    live.provider("it", "it")
    named = live.run("apikey", "create", "--name", "it", "--fields", "id", "-o", "csv")
    live.run("token", "create", "--name", "it", "--role", "viewer")
    name = named.stdout.split()[-1] if noun == "apikey" else "it"

    verb = "revoke" if noun == "token" else "delete"

    result = live.run(noun, verb, name, "--if-match", "7")

    assert 6 == result.exit_code
    assert f'try: "tokenhubctl {noun} get" shows it as it is now' in result.stderr
    assert 0 == live.run(noun, "get", name).exit_code


def test_a_model_of_several_providers_ends_with_6_and_asks_for_the_option(live: Live) -> None:
    live.provider("p", "m")
    live.provider("q", "m")

    result = live.run("model", "edit", "m", "--weight", "1")

    assert 6 == result.exit_code
    assert "try: say which with --provider" in result.stderr
    assert "provider_id" not in result.stderr
    assert 0 == live.run("model", "edit", "m", "--weight", "1", "--provider", "q").exit_code


@pytest.mark.parametrize(
    "line",
    [
        ("vault", "secrets"),
        ("vault", "secrets", "get", "s"),
        ("vault", "secrets", "set", "s"),
        ("vault", "rotate-key"),
        ("provider", "add", "--id", "p", "--base-url", "http://127.0.0.1:9", "--api-key", "sk-1"),
    ],
)
def test_a_locked_vault_that_is_needed_ends_with_7(live: Live, line: tuple[str, ...]) -> None:
    live.run("vault", "init", "--password-stdin", stdin="correct horse battery\n")
    live.run("vault", "lock")

    result = live.run(*line, stdin="s3cret")

    assert (7, "") == (result.exit_code, result.stdout)
    assert 'try: "tokenhubctl vault unlock"' in result.stderr


def test_what_does_not_hold_ends_with_8(live: Live) -> None:
    live.provider()
    live.sim.next(Fault.status(503), path="/v1/models")

    codes = [live.run(*line).exit_code for line in (("provider", "test", "one"), ("vault",))]

    assert [8, 8] == codes


def test_refusal_is_told_in_three_parts(run: Run, admin: FakeAdmin) -> None:
    fields = [{"pointer": "/weight", "message": "must be between 0 and 10"}]
    answer = problem(400, "invalid_request", "weight is out of bounds", errors=fields)
    admin.answers["PATCH", "/admin/v1/models/m"] = answer

    result = run("model", "edit", "m", "--weight", "99")

    assert (1, "") == (result.exit_code, result.stdout)
    assert [
        "error: model edit failed",
        "  because: weight is out of bounds (HTTP 400, request req-7)",
        "    /weight: must be between 0 and 10",
        '  try: "tokenhubctl model edit --help"',
    ] == result.stderr.splitlines()


def test_a_field_that_says_the_same_is_not_said_twice(run: Run, admin: FakeAdmin) -> None:
    fields = [{"pointer": "/weight", "message": "weight is wrong"}]
    answer = problem(400, "invalid_request", "weight is wrong", errors=fields)
    admin.answers["PATCH", "/admin/v1/models/m"] = answer

    told = run("model", "edit", "m", "--weight", "99").stderr

    assert 1 == told.count("weight is wrong")


def test_failure_is_json_where_the_result_would_be(live: Live) -> None:
    result = live.run("-o", "json", "model", "get", "gone")

    told = json.loads(result.stderr)
    assert (5, "") == (result.exit_code, result.stdout)
    assert ("model get failed", 404, "not_found", "req_") == (
        told["error"],
        told["status"],
        told["code"],
        told["request_id"][:4],
    )


def test_nobody_at_the_port(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    result = run("model", "list", "--url", f"http://127.0.0.1:{port}")

    assert 3 == result.exit_code
    assert f"no answer from http://127.0.0.1:{port}: connection refused" in result.stderr
    assert 'try: start it with "tokenhub serve"' in result.stderr


def test_no_answer_in_time(run: Run) -> None:
    """The port listens, and nobody ever answers there."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"

        result = run("model", "list", "--timeout", "0.1", "--url", url)

    assert 3 == result.exit_code
    assert "the answer took too long" in result.stderr


def test_a_server_without_tls_is_no_server_at_https(live: Live) -> None:
    result = live.run("model", "list", "--url", live.hub.url.replace("http:", "https:"))

    assert (3, "") == (result.exit_code, result.stdout)
    assert "error: model list failed" in result.stderr


def test_an_interrupt_ends_with_130_and_without_a_word_of_python(
    environment: dict[str, str | None],
) -> None:
    """While it waits for an answer that never comes."""
    settings = {name: value for name, value in environment.items() if value is not None}
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with subprocess.Popen(
            [sys.executable, "-m", "tokenhub_cli.main", "model", "list", "--url", url],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**settings, "TOKENHUB_ADMIN_TOKEN": "tha_1"},
            cwd=ROOT,
        ) as command:
            connection, _ = silent.accept()
            command.send_signal(signal.SIGINT)
            told = command.communicate()
            connection.close()

    assert 130 == command.returncode
    assert "Traceback" not in "".join(told)
    assert "" == told[0]


def test_wrong_token_names_where_it_came_from_and_not_the_token(live: Live) -> None:
    result = live.run("model", "list", TOKENHUB_ADMIN_TOKEN="wr0ng")

    assert 4 == result.exit_code
    assert "the token came from TOKENHUB_ADMIN_TOKEN" in result.stderr
    assert "wr0ng" not in result.output


def test_missing_token_tells_where_to_find_it(live: Live) -> None:
    result = live.run("model", "list", TOKENHUB_ADMIN_TOKEN="")

    assert 4 == result.exit_code
    assert "set TOKENHUB_ADMIN_TOKEN; the server keeps its token in .admin-token" in result.stderr


def test_server_failure_points_to_its_log(run: Run, admin: FakeAdmin) -> None:
    admin.answers["GET", "/admin/v1/models"] = (500, b"<html>\x1b[31m")

    result = run("model", "list")

    assert 1 == result.exit_code
    assert "(HTTP 500, request req-of-header)" in result.stderr
    assert "try: the server's log tells more" in result.stderr


def test_another_program_at_the_port(run: Run, admin: FakeAdmin) -> None:
    admin.answers["GET", "/admin/v1/models"] = (200, b"<html>")

    result = run("model", "list")

    assert 1 == result.exit_code
    assert "not TokenHub's" in result.stderr
    assert "check --url or TOKENHUB_URL" in result.stderr


@pytest.mark.parametrize("name", ["", "../providers/p"])
def test_an_id_that_is_none_sends_nothing(run: Run, admin: FakeAdmin, name: str) -> None:
    result = run("model", "delete", name)

    assert (2, []) == (result.exit_code, admin.sent)
    assert "a shell variable in the line may be empty" in result.stderr


def test_a_url_that_is_none_is_a_usage_error(run: Run) -> None:
    result = run("model", "list", "--url", "localhost:8080")

    assert 2 == result.exit_code
    assert "must look like http://host:port" in result.stderr


def test_words_of_the_server_steer_no_terminal(run: Run, admin: FakeAdmin) -> None:
    answer = problem(400, "invalid", "\x1b[2J\x9b1mbad")
    admin.answers["GET", "/admin/v1/models"] = answer

    table = run("model", "list").stderr
    as_json = run("model", "list", "-o", "json").stderr

    assert "  because: bad (HTTP 400" in table
    assert not {"\x1b", "\x9b"} & set(table + as_json)


@pytest.mark.parametrize("line", [("modle",), ("model", "lst"), ("model", "--limitt"), ()])
def test_wrong_lines_are_usage_errors_on_stderr(run: Run, line: tuple[str, ...]) -> None:
    result = run(*line)

    assert (2, "") == (result.exit_code, result.stdout)
    assert "Usage: tokenhubctl" in result.stderr


def test_a_near_name_is_offered(run: Run) -> None:
    assert "Did you mean 'model'?" in run("modle").stderr


def test_a_reader_that_goes_is_no_failure_worth_a_word(live: Live) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tokenhub_cli.main", "model", "list"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=live.variables,
        cwd=ROOT,
    ) as command:
        assert command.stdout is not None
        command.stdout.close()
        _, told = command.communicate()

    assert (141, b"") == (command.returncode, told)


@pytest.mark.parametrize(
    ("shell", "told"),
    [
        ("> /dev/full", "error: the result cannot be written: No space left on device\n"),
        (">&-", "error: stdout is closed; > /dev/null throws the result away\n"),
    ],
)
@pytest.mark.parametrize("command", ["model list", "version", "--help"])
def test_a_result_that_cannot_be_written_is_one_line(
    live: Live, command: str, shell: str, told: str
) -> None:
    result = _in_shell(f"{command} {shell}", live)

    assert (1, told) == (result.returncode, result.stderr)


def test_a_closed_stdout_sends_nothing(live: Live) -> None:
    live.provider("one", "m")

    _in_shell("model delete m >&-", live)

    assert 0 == live.run("model", "get", "m").exit_code


@pytest.mark.parametrize("shell", ["2>&-", "<&-"])
def test_other_closed_streams_are_no_failure(live: Live, shell: str) -> None:
    live.provider("one", "m")

    result = _in_shell(f"model delete m {shell}", live)

    assert (0, "model/m deleted\n", "") == (result.returncode, result.stdout, result.stderr)


@pytest.mark.parametrize("verb", ["get", "edit", "enable", "disable", "delete"])
def test_a_model_of_several_providers_can_be_named(live: Live, verb: str) -> None:
    live.provider("p", "m")
    live.provider("q", "m")
    fields = ("--weight", "2") if verb == "edit" else ()
    before = live.admin("GET", "models")["items"][0]

    result = live.run("model", verb, "m", *fields, "--provider", "q")

    assert 0 == result.exit_code
    assert "p" == before["provider_id"]
    assert before == live.admin("GET", "models")["items"][0]


def test_a_refused_address_is_explained_by_the_page_about_it(live: Live) -> None:
    result = live.run("provider", "add", "--id", "p", "--base-url", "http://10.0.0.1")

    assert 1 == result.exit_code
    assert "docs/admin/network.md" in result.stderr
    assert "--help" not in result.stderr


def _in_shell(line: str, live: Live) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-c", f"'{sys.executable}' -m tokenhub_cli.main {line}"],
        check=False,
        capture_output=True,
        text=True,
        env=live.variables,
        cwd=ROOT,
    )


def _changes(live: Live) -> list[str]:
    """What the trail has of changes: nobody but us was there."""
    entries = live.admin("GET", "audit")["logs"]
    return [entry["action"] for entry in entries if entry["action"] != "auth.admin"]
