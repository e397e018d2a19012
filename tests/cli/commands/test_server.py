"""Commands about the server itself: status, version, admin-token, engine, reload, backup."""

import json
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

from tests.cli.live import PROFILE, Live
from tests.support.server import ADMIN_TOKEN, child
from tokenhub import __version__
from tokenhub.sim.app import Sim


def test_status_is_one_line_for_each_thing(live: Live) -> None:
    live.provider("one", "gpt", "large")

    lines = live.run("status").stdout.splitlines()
    told = json.loads(live.run("status", "-o", "json").stdout)

    uptime = next(line for line in lines if line.startswith("Uptime:"))
    assert [
        f"Server:         {live.hub.url}",
        "Status:         ok",
        "Ready:          yes",
        f"Version:        {__version__}",
        uptime,
        "Providers:      1",
        "Adapters:       1",
        "Models:         2",
        "Vault:          not set up",
        "Provider keys:  memory",
        "Storage:        ok",
    ] == lines
    assert (live.hub.url, True, 2) == (told["server"], told["ready"], told["models"])


@pytest.mark.parametrize(("lock", "shown"), [(False, "unlocked"), (True, "locked")])
def test_status_tells_of_the_vault(live: Live, *, lock: bool, shown: str) -> None:
    live.admin("POST", "vault/init", {"admin_password": "correct horse battery"})
    if lock:
        live.admin("POST", "vault/lock")

    assert shown == json.loads(live.run("status", "-o", "json").stdout)["vault"]


def test_version_asks_no_server(live: Live) -> None:
    result = live.run("version", "--url", "http://127.0.0.1:9")

    assert (0, f"tokenhubctl {__version__}\n") == (result.exit_code, result.stdout)


def test_the_admin_token_is_that_which_the_server_takes(live: Live) -> None:
    shown = live.run("admin-token")

    assert (0, f"{ADMIN_TOKEN}\n", "") == (shown.exit_code, shown.stdout, shown.stderr)
    taken = live.run("model", "list", TOKENHUB_ADMIN_TOKEN=shown.stdout.strip())
    assert 0 == taken.exit_code


def test_without_an_admin_token_nothing_is_printed(live: Live) -> None:
    result = live.run("admin-token", TOKENHUB_ADMIN_TOKEN="")

    assert (4, "") == (result.exit_code, result.stdout)


def test_the_router_tells_which_models_it_could_ask(live: Live) -> None:
    live.provider("one", "gpt", "large")
    live.admin("PATCH", "models/large", {"enabled": False})

    rows = live.run("engine", "models", "-o", "csv").stdout.splitlines()
    told = json.loads(live.run("engine", "-o", "json").stdout)

    assert {("gpt", "true"), ("large", "false"), ("id", "callable")} == {
        (row.split(",")[0], row.split(",")[-1]) for row in rows
    }
    assert (["one"], 2) == (told["adapters"], told["total"])


def test_settings_are_read_again_and_the_changes_told(
    tmp_path: Path, environment: dict[str, str | None]
) -> None:
    """In a process of its own: only there it has a file for them."""
    (tmp_path / "data").mkdir()
    file = tmp_path / "data" / "server.env"
    file.touch(mode=0o600)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(child(tmp_path)) as hub,
        portal.wrap_async_context_manager(Sim(PROFILE)) as sim,
    ):
        live = Live(hub, sim, portal, environment)
        unchanged = live.run("reload")
        file.write_text("TOKENHUB_LOG_LEVEL=warn\nTOKENHUB_LISTEN_ADDR=:9\n", encoding="utf-8")
        changed = live.run("reload")
        file.write_text("TOKENHUB_LOG_LEVEL=info\n", encoding="utf-8")
        told = json.loads(live.run("reload", "-o", "json").stdout)
        file.write_text("TOKENHUB_LOG_LEVEL=loud\n", encoding="utf-8")
        broken = live.run("reload")

    assert (0, "read again: no setting has changed\n") == (unchanged.exit_code, unchanged.stdout)
    assert ["TOKENHUB_LOG_LEVEL: warn, was info; from now on"] == changed.stdout.splitlines()
    assert ("warn", "info", False) == tuple(
        told["changes"][0][name] for name in ("before", "after", "restart")
    )
    assert (1, "") == (broken.exit_code, broken.stdout)
    assert "LOG_LEVEL" in broken.stderr


@pytest.mark.parametrize("line", [("backup",), ("backup", "create")])
def test_a_backup_is_made_where_it_says_and_listed(live: Live, line: tuple[str, ...]) -> None:
    made = live.run(*line)

    name, _, place = made.stdout.removesuffix("\n").partition(" made in ")
    head, row = live.run("backup", "list").stdout.splitlines()
    told = json.loads(live.run("backup", "list", "-o", "json").stdout)
    assert 0 == made.exit_code
    assert (Path(place) / "manifest.json").is_file()
    assert ["NAME", "MADE", "REASON", "SIZE", "PATH"] == head.split()
    assert (name.removeprefix("backup/"), place) == (row.split()[0], row.split()[-1])
    assert place == told["items"][0]["path"]
