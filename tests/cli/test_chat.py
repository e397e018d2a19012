"""`tokenhubctl chat` and `usage`: what takes an API key in place of the admin token."""

import json
from pathlib import Path

import pytest

from tests.cli.live import Live


@pytest.fixture
def live(live: Live) -> Live:
    live.provider("one", "gpt", "large")
    return live


@pytest.fixture
def key(live: Live) -> str:
    return live.do(live.hub.key())


@pytest.mark.parametrize("how", ["--stream", "--no-stream"])
def test_the_answer_is_all_of_stdout_and_the_rest_is_talk(live: Live, key: str, how: str) -> None:
    result = live.run("chat", "-m", "gpt", how, "Say hello", TOKENHUB_API_KEY=key)

    request = live.run("logs", "-o", "value").stdout.strip()
    assert 0 == result.exit_code
    assert result.stdout.startswith("Simulated answer: ")
    assert 1 == result.stdout.count("\n")
    assert f"note: one/gpt, 10 tokens in, 12 out, $0.000034, {request}\n" == result.stderr


def test_an_answer_as_json_is_the_servers_own(live: Live, key: str) -> None:
    result = live.run("chat", "Hello", "-o", "json", "-q", TOKENHUB_API_KEY=key)

    shown = json.loads(result.stdout)
    assert ("chat.completion", "") == (shown["object"], result.stderr)


def test_without_the_admin_token_nobody_tells_the_cost(live: Live, key: str) -> None:
    result = live.run("chat", "Hello", TOKENHUB_API_KEY=key, TOKENHUB_ADMIN_TOKEN="")

    assert 0 == result.exit_code
    assert "tokens in, 12 out, req_" in result.stderr


def test_a_key_comes_from_stdin_or_a_file_and_a_prompt_too(
    live: Live, key: str, tmp_path: Path
) -> None:
    kept, prompt = tmp_path / "key", tmp_path / "prompt.txt"
    kept.write_text(key + "\n")
    prompt.write_text("Hello")

    assert 0 == live.run("chat", f"@{prompt}", "--key-stdin", stdin=key + "\n").exit_code
    assert 0 == live.run("chat", "-", "--key-file", str(kept), stdin="Hello").exit_code


def test_a_policy_is_sent_along(live: Live, key: str) -> None:
    line = ("chat", "Hello", "--mode", "cheap", "--budget", "0.01", "--max-tokens", "3")

    live.run(*line, TOKENHUB_API_KEY=key)

    shown = live.run("logs", "--fields", "mode,output_tokens", "-o", "csv", "--no-headers").stdout
    assert "cheap,3\n" == shown


def test_a_request_is_printed_without_the_key(live: Live, key: str) -> None:
    result = live.run("chat", "Hello", "--mode", "cheap", "--curl", TOKENHUB_API_KEY=key)

    assert (
        "\"Authorization: Bearer $TOKENHUB_API_KEY\" -H 'X-TokenHub-Mode: cheap'" in result.stdout
    )
    assert key not in result.stdout


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        (["chat", "Hello"], 4, "an API key in TOKENHUB_API_KEY"),
        (["chat", "-", "--key-stdin"], 2, "stdin can hold the key or the prompt"),
        (["chat", " "], 2, "the prompt is empty"),
        (["chat", "x", "--key-stdin", "--key-file", "f"], 2, "give one of --key-file"),
        (["chat", "x", "--key-file", "no/such"], 2, "cannot read no/such"),
        (["chat", "x", "--key-stdin"], 2, "stdin holds no API key"),
        (["chat", "Hello", "--dry-run"], 2, "cannot be rehearsed; --curl prints it"),
        (["model", "test", "gpt", "--dry-run"], 2, "cannot be rehearsed"),
        (["api", "POST", "/v1/chat", "--dry-run"], 2, "cannot be rehearsed"),
        (["usage", "--dry-run"], 4, "an API key in TOKENHUB_API_KEY"),
        (["usage"], 4, "an API key in TOKENHUB_API_KEY"),
    ],
)
def test_what_cannot_be_is_told(live: Live, line: list[str], code: int, said: str) -> None:
    result = live.run(*line)

    assert (code, "") == (result.exit_code, result.stdout)
    assert said in result.stderr


def test_the_admin_token_is_never_sent_in_place_of_a_key(live: Live) -> None:
    """The server would say that it is no API key; without one it says that one is missing."""
    assert "authorization required" in live.run("chat", "Hello").stderr


def test_a_key_for_something_else_may_not_chat(live: Live) -> None:
    key = live.do(live.hub.key("embeddings"))

    result = live.run("chat", "Hello", TOKENHUB_API_KEY=key)

    assert 4 == result.exit_code
    assert '"tokenhubctl apikey list" shows what each key may do' in result.stderr


def test_a_refusal_of_the_router_is_told_in_its_words(live: Live, key: str) -> None:
    result = live.run("chat", "Hello", "--mode", "vote", TOKENHUB_API_KEY=key)

    assert 1 == result.exit_code
    assert "X-TokenHub-Mode must be one of" in result.stderr


def test_usage_shows_the_month_of_the_key(live: Live, key: str) -> None:
    live.ask(key=key)

    result = live.run("usage", TOKENHUB_API_KEY=key)

    assert 0 == result.exit_code
    assert "\nSpent:     $0.0" in result.stdout
    assert "\nMODEL  ATTEMPTS" in result.stdout
    assert "model/gpt\n" == live.run("usage", "-o", "name", TOKENHUB_API_KEY=key).stdout
    shown = json.loads(live.run("usage", "-o", "json", TOKENHUB_API_KEY=key).stdout)
    assert ("usage", None) == (shown["object"], shown["budget_usd"])


def test_usage_tells_what_is_left_of_a_budget(live: Live) -> None:
    made = live.run("apikey", "create", "--name", "k", "--monthly-budget", "2", "-o", "value")

    shown = live.run("usage", TOKENHUB_API_KEY=made.stdout.strip()).stdout

    assert "Budget:    $2.0000, $2.0000 of it left" in shown
