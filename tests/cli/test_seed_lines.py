"""The command lines of the public description run as they stand there."""

import shlex

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_admin import KEY, TOKEN, FakeAdmin

# What a new key has where its line says nothing.
USUAL_KEY = {"expires_in": "", "rate_limit_rps": 0, "directives": True}
# The line, and the request that it must come to (method, path, body); None for none.
LINES = [
    ("tokenhubctl status", ("GET", "/admin/v1/info", None)),
    ("tokenhubctl provider list", ("GET", "/admin/v1/providers", None)),
    (
        (
            """tokenhubctl provider add '{"id":"openai","type":"openai","""
            """"base_url":"https://api.openai.com","api_key":"sk-..."}'"""
        ),
        (
            "POST",
            "/admin/v1/providers",
            {
                "id": "openai",
                "type": "openai",
                "base_url": "https://api.openai.com",
                "endpoints": [],
                "enabled": True,
                "api_key": "sk-...",
                "autoload_models": False,
            },
        ),
    ),
    (
        """tokenhubctl provider edit openai '{"base_url":"https://api.openai.com/v2"}'""",
        ("PATCH", "/admin/v1/providers/openai", {"base_url": "https://api.openai.com/v2"}),
    ),
    ("tokenhubctl provider delete openai", ("DELETE", "/admin/v1/providers/openai", None)),
    ("tokenhubctl provider discover openai", ("GET", "/admin/v1/providers/openai/discover", None)),
    (
        'tokenhubctl provider add --name anthropic --type anthropic --api-key "sk-ant"',
        (
            "POST",
            "/admin/v1/providers",
            {
                "id": "anthropic",
                "type": "anthropic",
                "base_url": "https://api.anthropic.com",
                "endpoints": [],
                "enabled": True,
                "api_key": "sk-ant",
                "autoload_models": False,
            },
        ),
    ),
    ("tokenhubctl model list", ("GET", "/admin/v1/models", None)),
    (
        (
            """tokenhubctl model add '{"id":"gpt-4o","provider_id":"openai","weight":8,"""
            """"max_context_tokens":128000,"input_per_1k":0.0025,"output_per_1k":0.01,"""
            """"enabled":true}'"""
        ),
        (
            "POST",
            "/admin/v1/models",
            {
                "id": "gpt-4o",
                "provider_id": "openai",
                "weight": 8,
                "max_context_tokens": 128000,
                "input_per_1k": 0.0025,
                "output_per_1k": 0.01,
                "enabled": True,
            },
        ),
    ),
    (
        """tokenhubctl model edit gpt-4o '{"weight":9}'""",
        ("PATCH", "/admin/v1/models/gpt-4o", {"weight": 9}),
    ),
    ("tokenhubctl model enable gpt-4o", ("PATCH", "/admin/v1/models/gpt-4o", {"enabled": True})),
    ("tokenhubctl model disable gpt-4o", ("PATCH", "/admin/v1/models/gpt-4o", {"enabled": False})),
    (
        "tokenhubctl model enable anthropic/claude-sonnet-4-20250514",
        ("PATCH", "/admin/v1/models/anthropic/claude-sonnet-4-20250514", {"enabled": True}),
    ),
    ("tokenhubctl model delete gpt-4o-legacy", ("DELETE", "/admin/v1/models/gpt-4o-legacy", None)),
    ("tokenhubctl routing get", ("GET", "/admin/v1/routing-config", None)),
    (
        """tokenhubctl routing set '{"default_mode":"cheap","default_max_budget_usd":0.02}'""",
        (
            "PUT",
            "/admin/v1/routing-config",
            {
                "default_mode": "cheap",
                "default_max_budget_usd": 0.02,
                "default_max_latency_ms": 0,
            },
        ),
    ),
    ("tokenhubctl apikey list", ("GET", "/admin/v1/apikeys", None)),
    (
        r"""tokenhubctl apikey create '{"name":"my-app","scopes":"[\"chat\",\"plan\"]"}'""",
        (
            "POST",
            "/admin/v1/apikeys",
            {"name": "my-app", "scopes": '["chat","plan"]', **USUAL_KEY},
        ),
    ),
    (
        r"""tokenhubctl apikey create '{"name":"test","scopes":"[\"chat\"]"}'""",
        ("POST", "/admin/v1/apikeys", {"name": "test", "scopes": '["chat"]', **USUAL_KEY}),
    ),
    ("tokenhubctl apikey delete k7", ("DELETE", "/admin/v1/apikeys/k7", None)),
    ("tokenhubctl logs --limit 20", ("GET", "/admin/v1/logs", None)),
    ("tokenhubctl engine models", ("GET", "/admin/v1/engine/models", None)),
]


@pytest.mark.parametrize(("line", "request_made"), LINES, ids=[line for line, _ in LINES])
def test_line_runs_as_it_stands(
    run: Run, admin: FakeAdmin, line: str, request_made: tuple[str, str, object]
) -> None:
    admin.add_provider("openai")
    admin.add_key("k7")
    for model in ("gpt-4o", "gpt-4o-legacy", "anthropic/claude-sonnet-4-20250514"):
        admin.add_model(model)

    result = run(*shlex.split(line)[1:])

    assert (0, "") == (result.exit_code, _errors(result.stderr))
    assert request_made == (admin.last.method, admin.last.path, admin.last.body)


def test_limit_of_the_logs_line_is_sent(run: Run, admin: FakeAdmin) -> None:
    run("logs", "--limit", "20")

    assert {"limit": ["20"]} == admin.last.query


def test_admin_token_fits_a_command_substitution(run: Run, admin: FakeAdmin) -> None:
    result = run("admin-token")

    assert (0, TOKEN + "\n", "") == (result.exit_code, result.stdout, result.stderr)
    assert [] == admin.sent


def test_an_unset_key_variable_is_a_usage_error(run: Run, admin: FakeAdmin) -> None:
    """`--api-key "$ANTHROPIC_API_KEY"` in a shell that has no such variable."""
    result = run("provider", "add", "--name", "anthropic", "--type", "anthropic", "--api-key", "")

    assert 2 == result.exit_code
    assert "--api-key is empty: the variable" in result.stderr
    assert [] == admin.sent


def test_a_new_key_is_shown_with_its_warning(run: Run) -> None:
    result = run("apikey", "create", '{"name":"test","scopes":"[\\"chat\\"]"}')

    assert KEY in result.stdout
    assert "note: store this key now\n" == result.stderr


def _errors(stderr: str) -> str:
    """What was told, without the notes that are no errors."""
    return "".join(line for line in stderr.splitlines() if not line.startswith("note: "))
