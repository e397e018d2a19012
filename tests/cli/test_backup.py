"""`tokenhubctl backup ...`."""

import json

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_admin import FakeAdmin, problem

ONE = {
    "name": "20261121T223344Z",
    "path": "/data/backups/20261121T223344Z",
    "made_at": "2026-11-21T22:33:44.000Z",
    "reason": "timer",
    "bytes": 3 * 2**20,
    "took_ms": 320,
    "files": [{"name": "tokenhub.sqlite", "bytes": 3 * 2**20, "sha256": "ab" * 32}],
}


@pytest.mark.parametrize("line", [("backup",), ("backup", "create")])
def test_a_backup_is_made_and_said_to_be_where_it_is(
    run: Run, admin: FakeAdmin, line: tuple[str, ...]
) -> None:
    admin.answers["POST", "/admin/v1/backup"] = 200, {"ok": True, "backup": ONE}

    result = run(*line)

    assert (0, "backup/20261121T223344Z made in /data/backups/20261121T223344Z\n") == (
        result.exit_code,
        result.stdout,
    )
    assert ("POST", "/admin/v1/backup", None) == (
        admin.last.method,
        admin.last.path,
        admin.last.body,
    )


def test_backups_are_listed_with_their_size(run: Run, admin: FakeAdmin) -> None:
    page = {"items": [ONE], "total": 1, "limit": 1000, "offset": 0}
    admin.answers["GET", "/admin/v1/backups"] = 200, page

    table = run("backup", "list", TZ="UTC").stdout.splitlines()
    same = run("backup", "list", "-o", "json").stdout

    assert "NAME              MADE                 REASON     SIZE  PATH" == table[0]
    assert "3.0 MiB  /data/backups/20261121T223344Z" in table[1]
    assert page == json.loads(same)


def test_one_that_is_under_way_is_a_conflict(run: Run, admin: FakeAdmin) -> None:
    answer = problem(409, "backup_in_progress", "a backup is being made; wait for its end")
    admin.answers["POST", "/admin/v1/backup"] = answer

    result = run("backup")

    assert 6 == result.exit_code
    assert "wait for its end" in result.stderr
