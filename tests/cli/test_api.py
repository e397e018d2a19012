"""`tokenhubctl api`: any request, the body of its answer as it comes."""

import json
from pathlib import Path

import pytest

from tests.cli.live import Live


@pytest.fixture
def live(live: Live) -> Live:
    live.provider("one", "gpt", "large", "org/small")
    return live


@pytest.mark.parametrize("path", ["/admin/v1/models?limit=2", "models?limit=2"])
def test_the_body_comes_as_it_is(live: Live, path: str) -> None:
    result = live.run("api", "get", path)

    assert 0 == result.exit_code
    assert not result.stdout.endswith("\n")
    assert live.admin("GET", "models?limit=2") == json.loads(result.stdout)


def test_what_is_no_json_comes_as_it_is_too(live: Live) -> None:
    assert live.run("api", "GET", "/metrics").stdout.startswith("# HELP ")


def test_a_body_is_sent_from_a_line_a_file_or_stdin(live: Live, tmp_path: Path) -> None:
    file = tmp_path / "weight.yaml"
    file.write_text("weight: 4\n")

    live.run("api", "PATCH", "models/gpt", "-d", '{"weight":3}')
    live.run("api", "PATCH", "models/large", "-d", f"@{file}")
    live.run("api", "PATCH", "models/org/small", "-d", "-", stdin='{"weight":5}')

    weights = live.run("model", "list", "--fields", "id,weight", "-o", "csv", "--no-headers").stdout
    assert {"gpt,3", "large,4", "org/small,5"} == set(weights.split())


def test_all_pages_of_a_list_are_rows(live: Live) -> None:
    by_offset = live.run("api", "GET", "models?limit=1", "--all").stdout
    for _ in range(3):
        live.ask()
    by_cursor = live.run("api", "GET", "logs?limit=1", "--all").stdout
    by_next = live.run("api", "GET", "audit?limit=2", "--all", "-o", "json").stdout

    assert ["gpt", "large", "org/small"] == [
        json.loads(row)["id"] for row in by_offset.splitlines()
    ]
    assert 3 == len({json.loads(row)["request_id"] for row in by_cursor.splitlines()})
    assert len(json.loads(by_next)) == len({row["id"] for row in json.loads(by_next)}) > 4


def test_yaml_is_made_of_json(live: Live) -> None:
    live.run("log-level", "error")

    assert "level: error\n" == live.run("api", "GET", "log-level", "-o", "yaml").stdout


def test_a_header_is_sent_along(live: Live) -> None:
    line = ("api", "PATCH", "models/gpt", "-d", '{"weight":3}')

    assert 6 == live.run(*line, "-H", 'If-Match: "99"').exit_code


def test_public_routes_get_the_api_key_and_no_admin_token(live: Live) -> None:
    key = live.do(live.hub.key())
    body = '{"messages":[{"role":"user","content":"Hello"}]}'

    result = live.run("api", "POST", "/v1/chat", "-d", body, TOKENHUB_API_KEY=key)

    assert 0 == result.exit_code
    assert "negotiated_model" in json.loads(result.stdout)
    without = live.run("api", "POST", "/v1/chat", "-d", body)
    assert 4 == without.exit_code
    assert "try: an API key in TOKENHUB_API_KEY" in without.stderr


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        (["GET", "//elsewhere/x"], 2, "is no path on the server"),
        (["GET", "http://elsewhere/x"], 2, "is no path on the server"),
        (["GET", "/admin/v1/models#top"], 2, "write %23 for it"),
        (["GET", "models?q=a#b"], 2, "is never sent"),
        (["GET", "nothing"], 5, 'try: "tokenhubctl api --help"'),
        (["GET", "info", "--all"], 2, "this answer is no list"),
        (["POST", "models", "--all"], 2, "--all is for GET"),
        (["GET", "/metrics", "-o", "json"], 2, "the answer is no JSON"),
        (["POST", "models", "-d", "{"], 2, "this is no JSON"),
        (["GET", "info", "-H", "odd"], 2, "is no header such as"),
    ],
)
def test_what_cannot_be_is_told(live: Live, line: list[str], code: int, said: str) -> None:
    result = live.run("api", *line)

    assert (code, "") == (result.exit_code, result.stdout)
    assert said in result.stderr
