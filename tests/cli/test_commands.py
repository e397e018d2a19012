"""Each command: what it sends, and what it says that is its own.

What commands do at the real server is told in tests/cli/commands. Here the fake tells what arrived
there, and gives rows that are just so.
"""

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_admin import FakeAdmin
from tokenhub import __version__

LOG = {
    "request_id": "r1",
    "timestamp": "2026-02-03T04:05:06.789Z",
    "model_id": "m",
    "provider_id": "p",
    "mode": "cheap",
    "requested_model": "auto",
    "reason": "",
    "estimated_cost_usd": 0.0125,
    "latency_ms": 1234.5,
    "overhead_ms": 0.3,
    "status_code": 200,
    "error_class": "",
    "api_key_id": "k",
    "input_tokens": 10,
    "output_tokens": 5,
    "total_tokens": 15,
    "stream": False,
    "estimated": False,
    "attempts": [],
}


@pytest.mark.parametrize("line", ["version", "--version", "-V"])
def test_version(run: Run, line: str) -> None:
    assert f"tokenhubctl {__version__}\n" == run(line).stdout


def test_status_tells_of_a_disk_that_takes_no_writes_and_of_an_old_sqlite(
    run: Run, admin: FakeAdmin
) -> None:
    about = {"version": "9.9.9", "url": admin.url, "uptime_s": 62.0, "sqlite_version": "3"}
    storage = {"storage": "degraded", "storage_reason": "the disk is full"}
    more = {"providers": 1, "models": 2, "warnings": ["SQLite 3 is old"]}
    admin.answers["GET", "/admin/v1/info"] = 200, about | storage | more

    shown = run("status")

    assert "Storage:        degraded: the disk is full" in shown.stdout.splitlines()
    assert ["note: SQLite 3 is old"] == shown.stderr.splitlines()


def test_status_tells_why_the_server_is_not_ready(run: Run, admin: FakeAdmin) -> None:
    unready = {"status": "not_ready", "reason": "the ledger cannot be written"}
    admin.answers["GET", "/readyz"] = (503, unready)

    shown = run("status")
    told = json.loads(run("status", "-o", "json").stdout)

    assert 0 == shown.exit_code
    assert "Ready:          the ledger cannot be written" in shown.stdout.splitlines()
    assert (False, unready["reason"]) == (told["ready"], told["not_ready_reason"])


def test_admin_token_from_the_file_of_the_server(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/.admin-token").write_text("of-the-server\n")

    assert "of-the-server\n" == run("admin-token", TOKENHUB_ADMIN_TOKEN="").stdout


def test_no_admin_token_is_told_and_nothing_printed(run: Run) -> None:
    result = run("admin-token", TOKENHUB_ADMIN_TOKEN="")

    assert (4, "") == (result.exit_code, result.stdout)
    assert "set TOKENHUB_ADMIN_TOKEN" in result.stderr


def test_token_file_is_used(run: Run, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("wrong")

    result = run("--token-file", str(tmp_path / "wrong"), "model", "list")

    assert 4 == result.exit_code
    assert f"the token came from {tmp_path}/wrong" in result.stderr


@pytest.mark.parametrize(
    ("noun", "path"),
    [
        ("provider", "providers"),
        ("providers", "providers"),
        ("model", "models"),
        ("models", "models"),
        ("apikey", "apikeys"),
        ("apikeys", "apikeys"),
        ("key", "apikeys"),
        ("keys", "apikeys"),
        ("routing", "routing-config"),
        ("engine", "engine/models"),
        ("log", "logs"),
    ],
)
def test_a_noun_alone_lists_in_singular_and_plural(
    run: Run, admin: FakeAdmin, noun: str, path: str
) -> None:
    result = run(noun)

    assert 0 == result.exit_code
    assert ("GET", f"/admin/v1/{path}") == (admin.last.method, admin.last.path)


@pytest.mark.parametrize(
    ("kind", "base_url"),
    [
        ("openai", "https://api.openai.com"),
        ("anthropic", "https://api.anthropic.com"),
        ("vllm", "http://localhost:8000"),
        ("other", ""),
    ],
)
def test_base_url_comes_from_the_type(run: Run, admin: FakeAdmin, kind: str, base_url: str) -> None:
    run("provider", "add", "--id", "p", "--type", kind)

    assert base_url == admin.last.body["base_url"]


def test_endpoints_need_no_base_url(run: Run, admin: FakeAdmin) -> None:
    line = ("--type", "vllm", "--endpoint", "http://a:1", "--endpoint", "http://b:1", "--disabled")

    run("provider", "add", "--id", "p", *line, "--autoload-models")

    assert ("", ["http://a:1", "http://b:1"]) == (
        admin.last.body["base_url"],
        admin.last.body["endpoints"],
    )
    assert (False, True) == (admin.last.body["enabled"], admin.last.body["autoload_models"])


def test_an_unset_key_is_not_sent(run: Run, admin: FakeAdmin) -> None:
    """A key that is there stays where none is given."""
    run("provider", "add", "--id", "p")

    assert "api_key" not in admin.last.body


def test_note_of_the_server_goes_to_stderr(run: Run, admin: FakeAdmin) -> None:
    admin.add_provider("p")
    row = admin.rows["providers"]["p"]
    done = {"ok": True, "cred_store": "memory", "provider": row, "note": "held in memory"}
    admin.answers["POST", "/admin/v1/providers"] = (200, done)

    result = run("provider", "add", "--id", "p")

    assert ("provider/p saved\n", "note: held in memory\n") == (result.stdout, result.stderr)


@pytest.mark.parametrize("noun", ["provider", "model", "apikey"])
def test_one_is_shown_as_a_row(run: Run, admin: FakeAdmin, noun: str) -> None:
    admin.add_provider("x")
    admin.add_model("x")
    admin.add_key("x")

    assert f"{noun}/x\n" == run(noun, "get", "x", "-o", "name").stdout


def test_key_shows_its_age_its_limits_and_its_last_use(run: Run, admin: FakeAdmin) -> None:
    admin.add_key("free")
    fields = {"tokens_per_minute": 9000, "concurrency": 3, "rotation_days": 90}
    admin.add_key("k", **fields, rotation="due", last_used_at="2026-02-03T04:05:06Z")

    head, free, k = run("apikey", "list").stdout.splitlines()

    free_cells, k_cells = (re.split(r"\s{2,}", line) for line in (free, k))
    cells = re.split(r"\s{2,}", head)
    told = ("TPM", "AT ONCE", "ROTATION")
    assert ["none", "none", "-"] == [free_cells[cells.index(name)] for name in told]
    assert ["9000", "3", "90d due!"] == [k_cells[cells.index(name)] for name in told]
    assert "-" == free_cells[cells.index("LAST USED")]
    assert "2026-02-0" in k_cells[cells.index("LAST USED")]


def test_key_shows_what_it_narrows_and_brings_along(run: Run, admin: FakeAdmin) -> None:
    admin.add_key("free")
    admin.add_key(
        "k",
        allowed_models=["a*", "b*", "c*", "d*", "e*"],
        allowed_providers=["p"],
        mode="cheap",
        max_budget_usd=0.02,
        max_latency_ms=5000,
        min_weight=3,
    )

    free, narrow = run("apikey", "list", "--no-headers").stdout.splitlines()

    policy = "cheap, budget $0.0200, latency 5.0s, weight at least 3"
    assert ["all", "all", "-"] == re.split(r"\s{2,}", free)[7:10]
    assert ["a*,b*,c* and 2 more", "p", policy] == re.split(r"\s{2,}", narrow)[7:10]


def test_routing_without_a_limit(run: Run, admin: FakeAdmin) -> None:
    shown = run("routing", "set", '{"default_max_budget_usd":null}').stdout

    assert admin.last.body["default_max_budget_usd"] is None
    assert "budget no limit" in shown


def test_logs_show_what_it_cost_and_where_the_list_goes_on(run: Run, admin: FakeAdmin) -> None:
    page = {"logs": [LOG], "total": 9, "limit": 1, "offset": 0, "next": "r1"}
    admin.answers["GET", "/admin/v1/logs"] = (200, page)

    result = run("logs", "--limit", "1", "--model", "m", "--status", "200")

    _, row = result.stdout.splitlines()
    assert ["m", "p", "cheap", "1.2s", "15", "$0.0125", "200", "-", "0", "r1"] == row.split()[2:]
    assert "note: 1 of 9; more with --before r1\n" == result.stderr
    assert {"limit": ["1"], "model_id": ["m"], "status": ["200"]} == admin.last.query
