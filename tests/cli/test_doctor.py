"""`tokenhubctl doctor`: what it sees of a real server, and of one that cannot be asked."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from tests.cli.live import Live
from tokenhub import __version__
from tokenhub.client.call import Call
from tokenhub.client.profile import Profile
from tokenhub.client.transport import Client
from tokenhub.wire.access import Session
from tokenhub_cli import checks
from tokenhub_cli.checks import Check, Status
from tokenhub_cli.commands import doctor
from tokenhub_cli.session import Session as TokenHub

NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)


def seen(live: Live, *line: str, code: int = 0, **env: str) -> dict[str, dict[str, str]]:
    result = live.run("doctor", "-o", "json", *line, **env)
    told: dict[str, dict[str, str]] = json.loads(result.stdout)
    assert code == result.exit_code, result.stdout
    return told


def statuses(told: dict[str, dict[str, str]]) -> dict[str, str]:
    return {name: check["status"] for name, check in told.items()}


def test_a_server_in_order_passes(live: Live) -> None:
    live.provider("one", "gpt", "large")
    assert 0 == live.run("vault", "init", "correct horse battery").exit_code

    told = statuses(seen(live))
    table = live.run("doctor").stdout.splitlines()

    told.pop("sqlite")  # this machine's own
    assert {"PASSED"} == set(told.values())
    assert {"server", "clock", "token", "vault", "events", "provider/one"} <= set(told)
    assert ["CHECK", "STATUS", "SEEN"] == table[0].split()
    assert len(told) + 2 == len(table)


def test_what_is_not_as_it_should_be_is_told_with_what_to_do(live: Live) -> None:
    live.provider("one")
    live.do(live.hub.model("free-for-all", "one", input_per_1k=None, output_per_1k=None))
    live.do(live.hub.admin("POST", "providers", {"id": "gone", "base_url": "http://127.0.0.1:9"}))

    told = seen(live, code=8)
    table = live.run("doctor")

    assert "FAILED" == told["provider/gone"]["status"]
    assert "WARNING" == told["prices"]["status"]
    assert "free-for-all" in told["prices"]["told"]
    assert "WARNING" == told["vault"]["status"]
    assert 'note: vault: "tokenhubctl vault init"' in table.stderr
    assert "note: prices: " in table.stderr


def test_a_locked_vault_with_keys_in_it_fails(live: Live) -> None:
    live.run("vault", "init", "correct horse battery")
    live.do(live.hub.provider("one", live.sim, api_key="sk-of-one"))
    live.run("vault", "lock")

    told = seen(live, code=8)["vault"]

    assert ("FAILED", '"tokenhubctl vault unlock"') == (told["status"], told["hint"])


def test_without_a_server_it_tells_what_it_can(live: Live) -> None:
    told = seen(live, "--url", "http://127.0.0.1:9", "--retries", "0", code=8)

    assert {"config": "PASSED", "server": "FAILED"} == statuses(told)
    assert "tokenhub serve" in told["server"]["hint"]


def test_with_a_wrong_token_it_stops_at_the_token(live: Live) -> None:
    told = seen(live, code=8, TOKENHUB_ADMIN_TOKEN="tha_wrong")

    assert "FAILED" == told["token"]["status"]
    assert "TOKENHUB_ADMIN_TOKEN" in told["token"]["hint"]
    assert "vault" not in told


def test_a_viewer_is_told_what_only_others_may_ask(live: Live) -> None:
    live.provider("one")
    made = live.run("token", "create", "--name", "eyes", "--role", "viewer", "-o", "value")

    told = statuses(seen(live, TOKENHUB_ADMIN_TOKEN=made.stdout.strip()))

    assert ("WARNING", "WARNING") == (told["token"], told["provider/one"])


def test_files_that_others_may_read_are_closed_by_fix(live: Live, tmp_path: Path) -> None:
    live.run("context", "add", "far", "--url", "http://127.0.0.1:9")
    file = tmp_path / ".config" / "tokenhub" / "config.toml"
    file.chmod(0o644)

    before = seen(live, code=8)["file/config.toml"]
    fixed = seen(live, "--fix")["file/config.toml"]

    assert "FAILED" == before["status"]
    assert f"chmod 600 {file}" in before["hint"]
    assert "PASSED" == fixed["status"]
    assert 0o600 == file.stat().st_mode & 0o777


def test_a_file_of_contexts_that_cannot_be_read_is_one_check(live: Live, tmp_path: Path) -> None:
    file = tmp_path / ".config" / "tokenhub" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text("current = 3")

    told = seen(live, code=8)

    assert {"config": "FAILED", "profile": "FAILED"} == statuses(told)


@pytest.mark.parametrize(
    ("apart_s", "status"), [(0, Status.PASSED), (20, Status.WARNING), (-90, Status.FAILED)]
)
def test_clocks_that_are_apart(apart_s: float, status: Status) -> None:
    date = format_datetime(NOW + timedelta(seconds=apart_s), usegmt=True)

    assert status == checks.of_clock(date, NOW).status


def test_a_server_that_tells_no_time_is_a_warning() -> None:
    assert Status.WARNING == checks.of_clock("", NOW).status


def test_the_way_and_the_versions() -> None:
    other = SimpleNamespace(version="9.9.9")

    def way(url: str) -> Check:
        return checks.of_way(Profile(url=url))

    assert Status.PASSED == way("https://tokenhub.example").status
    assert Status.PASSED == way("http://127.0.0.1:8080").status
    assert Status.WARNING == way("http://tokenhub.example").status
    assert __version__ in checks.of_version(other).told
    assert Status.WARNING == checks.of_version(other).status


def test_roles_and_keys() -> None:
    owner = Session(authenticated=True, name="admin", role="owner")
    fresh, due, overdue = (
        SimpleNamespace(name=name, enabled=True, rotation=name)
        for name in ("fresh", "due", "overdue")
    )

    assert "admin, owner" == checks.of_token(owner).told
    assert Status.PASSED == checks.of_keys([fresh]).status
    assert Status.WARNING == checks.of_keys([fresh, due]).status
    assert Status.FAILED == checks.of_keys([overdue, due]).status


def test_the_stream_of_events_is_asked_for_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands between holds an answer back unless it sees that it is a stream."""
    asked: list[Call[object]] = []

    @contextmanager
    def opened(_: Client, call: Call[object]) -> Iterator[SimpleNamespace]:
        asked.append(call)
        yield SimpleNamespace(portions=iter([b"event: connected\n"]))

    monkeypatch.setattr(Client, "opened", opened)
    tokenhub = cast("TokenHub", SimpleNamespace(profile=Profile()))

    check = doctor._events(tokenhub, 1.0)

    assert Status.PASSED == check.status
    assert (("Accept", "text/event-stream"),) == asked[0].headers
