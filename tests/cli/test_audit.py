"""`tokenhubctl audit`: who changed what, and whether the trail is whole.

The fake has a trail that is broken, and rows that are just so; tests/cli/commands/test_books.py
lists and verifies a real one.
"""

import json

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_admin import FakeAdmin

ENTRY = {
    "id": 7,
    "timestamp": "2026-02-03T04:05:06.789Z",
    "action": "model.patch",
    "resource": "p/m",
    "actor": "admin",
    "address": "192.0.2.7",
    "outcome": "ok",
    "times": 1,
    "request_id": "r1",
    "detail": '{"before":1,"after":2}',
    "before": 1,
    "after": 2,
    "why": "",
    "hash": "ab" * 32,
}
KNOCK = {**ENTRY, "id": 8, "outcome": "refused", "why": "invalid_admin_token", "times": 12}
WHOLE = {"ok": True, "rows": 7, "last_id": 7, "last_hash": "ab" * 32, "broken": None}
BROKEN = {**WHOLE, "ok": False, "rows": 3, "broken": {"id": 4, "reason": "rows are missing"}}


@pytest.fixture(autouse=True)
def _trail(admin: FakeAdmin) -> None:
    page = {"logs": [KNOCK, ENTRY], "total": 9, "limit": 2, "offset": 0, "next": "7"}
    admin.answers["GET", "/admin/v1/audit"] = (200, page)
    admin.answers["POST", "/admin/v1/audit/verify"] = (200, WHOLE)


@pytest.mark.parametrize("command", [("audit",), ("audit", "list")])
def test_the_trail_is_listed_newest_first(
    run: Run, admin: FakeAdmin, command: tuple[str, ...]
) -> None:
    result = run(*command, "--action", "model.*", "--since", "24h", "--limit", "2")

    first, second = result.stdout.splitlines()[1:]
    assert ["8", "invalid_admin_token", "12"] == [first.split()[0], *first.split()[-3:-1]]
    assert ["7", "ok", "1", "r1"] == [second.split()[0], *second.split()[-3:]]
    assert "more with --before 7" in result.stderr
    assert {"action": ["model.*"], "since": ["24h"], "limit": ["2"]} == admin.last.query


def test_every_filter_is_sent(run: Run, admin: FakeAdmin) -> None:
    names = ("resource", "actor", "address", "outcome", "request-id", "until")
    run("audit", *[part for name in names for part in (f"--{name}", "x")], "--before", "9")

    sent = {name.replace("-", "_"): ["x"] for name in names}
    assert sent | {"limit": ["50"], "before": ["9"]} == admin.last.query


def test_before_and_after_are_there_as_json(run: Run) -> None:
    shown = json.loads(run("audit", "-o", "json").stdout)

    assert (1, 2) == (shown["logs"][1]["before"], shown["logs"][1]["after"])


def test_a_whole_trail_is_told_with_what_to_note(run: Run, admin: FakeAdmin) -> None:
    result = run("audit", "verify", "--id", "3", "--hash", "cd")

    assert 0 == result.exit_code
    assert [
        "All 7 entries are as they were written.",
        f"Note the last one elsewhere: --id 7 --hash {'ab' * 32}",
    ] == result.stdout.splitlines()
    assert {"id": ["3"], "hash": ["cd"]} == admin.last.query


def test_a_broken_trail_names_its_row_and_ends_with_8(run: Run, admin: FakeAdmin) -> None:
    admin.answers["POST", "/admin/v1/audit/verify"] = (200, BROKEN)

    result = run("audit", "verify")

    assert 8 == result.exit_code
    assert ["The audit trail is broken at entry 4: rows are missing."] == (
        result.stdout.splitlines()
    )


def test_an_empty_trail_says_so(run: Run, admin: FakeAdmin) -> None:
    nothing = {**WHOLE, "rows": 0, "last_id": 0}
    admin.answers["POST", "/admin/v1/audit/verify"] = (200, nothing)

    assert "The audit trail is empty.\n" == run("audit", "verify").stdout
