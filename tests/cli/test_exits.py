"""Failures: the exit code, and three parts on stderr."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_admin import TOKEN, FakeAdmin, problem
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
from tokenhub_cli.exits import Code, code_of


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


def test_failure_is_json_where_the_result_would_be(run: Run) -> None:
    result = run("-o", "json", "model", "get", "gone")

    told = json.loads(result.stderr)
    assert (5, "") == (result.exit_code, result.stdout)
    assert ("model get failed", 404, "not_found", "req-7") == (
        told["error"],
        told["status"],
        told["code"],
        told["request_id"],
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


def test_wrong_token_names_where_it_came_from_and_not_the_token(run: Run) -> None:
    result = run("model", "list", TOKENHUB_ADMIN_TOKEN="wr0ng")

    assert 4 == result.exit_code
    assert "the token came from TOKENHUB_ADMIN_TOKEN" in result.stderr
    assert "wr0ng" not in result.output


def test_missing_token_tells_where_to_find_it(run: Run) -> None:
    result = run("model", "list", TOKENHUB_ADMIN_TOKEN="")

    assert 4 == result.exit_code
    assert "set TOKENHUB_ADMIN_TOKEN; the server keeps its token in .admin-token" in result.stderr


def test_not_found_points_to_the_list(run: Run) -> None:
    result = run("model", "get", "gone")

    assert 5 == result.exit_code
    assert 'try: "tokenhubctl model list" shows what there is' in result.stderr


@pytest.mark.parametrize("status", [409, 412])
def test_conflict_says_to_read_again(run: Run, admin: FakeAdmin, status: int) -> None:
    answer = problem(status, "stale", "the model has changed")
    admin.answers["PATCH", "/admin/v1/models/m"] = answer

    result = run("model", "edit", "m", "--weight", "1", "--if-match", "4")

    assert (6, '"4"') == (result.exit_code, admin.last.if_match)
    assert 'try: "tokenhubctl model get" shows it as it is now' in result.stderr


@pytest.mark.parametrize(
    ("line", "listing"),
    [
        (("explain", "r9"), "logs list"),
        (("routing", "explain", "r9"), "logs list"),
        (("model", "price", "show", "r9"), "model list"),
        (("model", "price", "sync", "--provider", "r9"), "provider list"),
        (("model", "get", "r9"), "model list"),
    ],
)
def test_what_is_not_found_leads_to_a_list_that_there_is(
    run: Run, admin: FakeAdmin, line: tuple[str, ...], listing: str
) -> None:
    missing = problem(404, "not_found", "it is not there")
    for method, path in (
        ("GET", "/admin/v1/routing/explain/r9"),
        ("GET", "/admin/v1/models/r9"),
        ("POST", "/admin/v1/models/prices/sync"),
    ):
        admin.answers[method, path] = missing

    result = run(*line)

    assert 5 == result.exit_code
    assert f'try: "tokenhubctl {listing}" shows what there is' in result.stderr
    assert 0 == run(*listing.split(), "--help").exit_code


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


def test_a_reader_that_goes_is_no_failure_worth_a_word(
    admin: FakeAdmin, environment: dict[str, str | None]
) -> None:
    admin.add_model("m")
    settings = {name: value for name, value in environment.items() if value is not None}
    line = [sys.executable, "-m", "tokenhub_cli.main", "--url", admin.url, "model", "list"]
    with subprocess.Popen(
        line,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**settings, "TOKENHUB_ADMIN_TOKEN": TOKEN},
        cwd=Path(__file__).parents[2],
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
    admin: FakeAdmin, environment: dict[str, str | None], command: str, shell: str, told: str
) -> None:
    admin.add_model("m")

    result = _in_shell(f"{command} {shell}", admin, environment)

    assert (1, told) == (result.returncode, result.stderr)


def test_a_closed_stdout_sends_nothing(
    admin: FakeAdmin, environment: dict[str, str | None]
) -> None:
    _in_shell("model delete m >&-", admin, environment)

    assert [] == admin.sent


@pytest.mark.parametrize("shell", ["2>&-", "<&-"])
def test_other_closed_streams_are_no_failure(
    admin: FakeAdmin, environment: dict[str, str | None], shell: str
) -> None:
    admin.add_model("m")

    result = _in_shell(f"model delete m {shell}", admin, environment)

    assert (0, "model/m deleted\n", "") == (result.returncode, result.stdout, result.stderr)


def _in_shell(
    line: str, admin: FakeAdmin, environment: dict[str, str | None]
) -> subprocess.CompletedProcess[str]:
    settings = {name: value for name, value in environment.items() if value is not None}
    return subprocess.run(
        ["/bin/sh", "-c", f"'{sys.executable}' -m tokenhub_cli.main {line}"],
        check=False,
        capture_output=True,
        text=True,
        env={**settings, "TOKENHUB_URL": admin.url, "TOKENHUB_ADMIN_TOKEN": TOKEN},
        cwd=Path(__file__).parents[2],
    )


def test_a_model_of_several_providers_asks_for_the_option(run: Run, admin: FakeAdmin) -> None:
    detail = "several providers have 'm': add ?provider_id= with one of p, q"
    admin.answers["PATCH", "/admin/v1/models/m"] = problem(409, "conflict", detail)

    result = run("model", "edit", "m", "--weight", "1")

    assert 6 == result.exit_code
    assert "several providers have 'm': add --provider with one of p, q" in result.stderr
    assert "try: say which with --provider" in result.stderr
    assert "provider_id" not in result.stderr


@pytest.mark.parametrize(
    "line", [("get", "m"), ("edit", "m", "{}"), ("enable", "m"), ("disable", "m"), ("delete", "m")]
)
def test_a_model_of_several_providers_can_be_named(
    run: Run, admin: FakeAdmin, line: tuple[str, ...]
) -> None:
    admin.add_model("m")
    fields = ("--weight", "2") if line[0] == "edit" else ()

    result = run("model", *line, *fields, "--provider", "q")

    assert (0, {"provider_id": ["q"]}) == (result.exit_code, admin.last.query)


def test_a_refused_address_is_explained_by_the_page_about_it(run: Run, admin: FakeAdmin) -> None:
    refusal = problem(400, "address_not_allowed", "127.0.0.1 is a loopback address")
    admin.answers["POST", "/admin/v1/providers"] = refusal

    result = run("provider", "add", "--id", "p", "--type", "vllm")

    assert 1 == result.exit_code
    assert "docs/admin/network.md" in result.stderr
    assert "--help" not in result.stderr
