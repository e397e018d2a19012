"""A command line, and an admin API for it to talk to."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.cli.fake_admin import TOKEN, FakeAdmin
from tests.cli.live import Live, living, nobodys
from tokenhub_cli.main import app

Run = Callable[..., Result]


@pytest.fixture
def admin() -> Iterator[FakeAdmin]:
    with FakeAdmin() as fake:
        yield fake


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str | None]:
    """Nothing of the machine's own settings."""
    return nobodys(tmp_path)


@pytest.fixture
def run(admin: FakeAdmin, environment: dict[str, str | None]) -> Run:
    """Runs `tokenhubctl` with the arguments, against the fake."""

    def tokenhubctl(*args: str, stdin: str = "", **env: str) -> Result:
        settings = {**environment, "TOKENHUB_URL": admin.url, "TOKENHUB_ADMIN_TOKEN": TOKEN, **env}
        return CliRunner(env=settings).invoke(
            app, args, input=stdin, prog_name="tokenhubctl", catch_exceptions=False
        )

    return tokenhubctl


@pytest.fixture
def live(tmp_path: Path, environment: dict[str, str | None]) -> Iterator[Live]:
    """A real server of this test's own, with an empty database."""
    with living(tmp_path, environment) as one:
        yield one
