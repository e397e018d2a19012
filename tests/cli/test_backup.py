"""`tokenhubctl backup` where another one is under way, which the fake says at will."""

from tests.cli.conftest import Run
from tests.cli.fake_admin import FakeAdmin, problem


def test_one_that_is_under_way_is_a_conflict(run: Run, admin: FakeAdmin) -> None:
    answer = problem(409, "backup_in_progress", "a backup is being made; wait for its end")
    admin.answers["POST", "/admin/v1/backup"] = answer

    result = run("backup")

    assert 6 == result.exit_code
    assert "wait for its end" in result.stderr
