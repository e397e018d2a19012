"""The command lines of the public descriptions run as they stand there, and do what they say.

seed_lines.txt has them, and where they are from. Each meets a server of its own, which is asked
afterwards; the vendors' hosts lead to simulated providers.
"""

import json
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import Result

from tests.cli.live import PROFILE, Live
from tests.support.internet import internet
from tests.support.server import ADMIN_TOKEN
from tokenhub.sim.app import Sim
from tokenhub.sim.profile import Constant, Model, Profile

HERE = Path(__file__).parent
LINES = [
    line
    for line in (HERE / "seed_lines.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
# What the lines take from the shell.
KEY = "sk-ant-of-the-shell"
CLAUDE = "anthropic/claude-sonnet-4-20250514"
ANTHROPIC = Profile(
    name="simulated anthropic",
    dialect="anthropic",
    seed=7,
    models=(Model(id="claude-sonnet-4-20250514", context_tokens=200_000),),
    answer_tokens=Constant(value=12),
)


class World(Live):
    """A live server, and the vendors that it finds behind their public names."""

    def __init__(self, live: Live, openai: Sim, anthropic: Sim) -> None:
        super().__init__(live.hub, live.sim, live._portal, live.environment)
        self.openai = openai
        self.anthropic = anthropic

    def says(self, line: str, **filled: str) -> Result:
        """Run the line as a shell would read it."""
        for name, value in filled.items():
            line = line.replace(f"<{name}>", value)
        program, *words = shlex.split(line, comments=True)
        assert "tokenhubctl" == program
        return self.run(*(word.replace("$ANTHROPIC_API_KEY", KEY) for word in words))

    def does(self, line: str, **filled: str) -> str:
        """Run the line, which must succeed; what it wrote to stdout."""
        result = self.says(line, **filled)
        assert (0, "") == (result.exit_code, _errors(result.stderr))
        return result.stdout

    def vendor(self, *models: str, base_url: str = "https://api.openai.com") -> None:
        """Register OpenAI as the lines know it."""
        row = {"id": "openai", "base_url": base_url, "api_key": "sk-1"}
        self.admin("POST", "providers", row)
        for model in models:
            self.admin("POST", "models", {"id": model, "provider_id": "openai"})

    def key(self) -> str:
        """The id of a new API key."""
        return self.admin("POST", "apikeys", {"name": "a key", "scopes": ["chat"]})["id"]


@pytest.fixture
def world(live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    enter = live._portal.wrap_async_context_manager
    with enter(Sim(PROFILE)) as openai, enter(Sim(ANTHROPIC)) as anthropic:
        hosts = {"api.openai.com": openai.port, "api.anthropic.com": anthropic.port}
        with enter(internet(hosts, folder=tmp_path, patch=monkeypatch)):
            yield World(live, openai, anthropic)


@pytest.mark.parametrize("line", LINES)
def test_line_runs_as_it_stands(world: World, line: str) -> None:
    PROOFS[proof_of(line)](world, line)


def test_every_line_has_its_proof() -> None:
    assert {proof_of(line) for line in LINES} == set(PROOFS)


def test_an_unset_key_variable_is_a_usage_error(live: Live) -> None:
    """`--api-key "$ANTHROPIC_API_KEY"` in a shell that has no such variable."""
    line = ("provider", "add", "--name", "anthropic", "--type", "anthropic", "--api-key", "")

    result = live.run(*line)

    assert 2 == result.exit_code
    assert "--api-key is empty: the variable" in result.stderr
    assert 0 == live.admin("GET", "providers")["total"]


# --- what each line must do


def admin_token(world: World, line: str) -> None:
    """In a shell, that has it from the file of the server; which takes it then."""
    folder = Path(str(world.environment["TOKENHUB_DB_DSN"])).parent
    (folder / ".admin-token").write_text(f"{ADMIN_TOKEN}\n", encoding="utf-8")
    (folder / "bin").mkdir()
    program = folder / "bin" / "tokenhubctl"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tokenhub_cli.main "$@"\n')
    program.chmod(0o755)
    settings = {**world.variables, "PATH": f"{folder / 'bin'}:/usr/bin:/bin"}
    del settings["TOKENHUB_ADMIN_TOKEN"]

    ran = subprocess.run(
        ["/bin/sh", "-ec", f'{line}\nprintf %s "$TOKENHUB_ADMIN_TOKEN"\ntokenhubctl model list'],
        check=False,
        capture_output=True,
        text=True,
        env=settings,
        cwd=HERE.parents[1],
    )

    assert (0, "") == (ran.returncode, ran.stderr)
    assert ran.stdout.startswith(f"{ADMIN_TOKEN}MODEL ")


def status(world: World, line: str) -> None:
    world.provider()

    told = world.does(line).splitlines()

    assert f"Server:         {world.hub.url}" in told
    assert {"Ready:          yes", "Providers:      1", "Models:         1"} <= set(told)


def vault_unlock(world: World, line: str) -> None:
    world.admin("POST", "vault/init", {"admin_password": "my-password"})
    world.admin("POST", "vault/lock")

    assert "vault unlocked\n" == world.does(line)
    assert "unlocked" == world.admin("GET", "vault/status")["state"]


def vault_lock(world: World, line: str) -> None:
    world.admin("POST", "vault/init", {"admin_password": "my-password"})

    assert "vault locked\n" == world.does(line)
    assert "locked" == world.admin("GET", "vault/status")["state"]


def vault_rotate(world: World, line: str) -> None:
    world.admin("POST", "vault/init", {"admin_password": "old-password"})

    assert "vault password changed\n" == world.does(line)
    world.admin("POST", "vault/lock")
    world.admin("POST", "vault/unlock", {"admin_password": "new-password"})
    assert "unlocked" == world.admin("GET", "vault/status")["state"]


def provider_list(world: World, line: str) -> None:
    world.provider("one")
    world.vendor()

    head, *rows = world.does(line).splitlines()

    assert head.startswith("ID ")
    assert {"one", "openai"} == {row.split()[0] for row in rows}


def provider_add(world: World, line: str) -> None:
    assert "provider/openai saved\n" == world.does(line)

    asked = world.admin("POST", "providers/openai/test")
    assert (True, 3) == (asked["ok"], asked["models"])
    assert "sk-..." == world.openai.requests[-1].key()


def provider_edit(world: World, line: str) -> None:
    """A version at the end of a base URL is no part of it: each dialect knows its own."""
    world.vendor(base_url="https://elsewhere.example")

    assert "provider/openai updated\n" == world.does(line)

    assert "https://api.openai.com" == world.admin("GET", "providers/openai")["base_url"]
    assert world.admin("POST", "providers/openai/test")["ok"]


def provider_delete(world: World, line: str) -> None:
    world.vendor("gpt-4o")

    assert "provider/openai deleted\n" == world.does(line)

    assert 0 == world.admin("GET", "providers")["total"]
    assert 0 == world.admin("GET", "models")["total"]


def provider_discover(world: World, line: str) -> None:
    world.vendor("gpt")

    head, *rows = world.does(line).splitlines()

    assert head.startswith("MODEL ")
    assert [("gpt", "yes"), ("large", "no"), ("org/small", "no")] == sorted(
        (row.split()[0], row.split()[-1]) for row in rows
    )
    assert ("/v1/models", "sk-1") == (
        world.openai.requests[-1].path,
        world.openai.requests[-1].key(),
    )


def provider_add_by_flags(world: World, line: str) -> None:
    assert "provider/anthropic saved\n" == world.does(line)

    assert "https://api.anthropic.com" == world.admin("GET", "providers/anthropic")["base_url"]
    assert world.admin("POST", "providers/anthropic/test")["ok"]
    assert KEY == world.anthropic.requests[-1].key()


def model_list(world: World, line: str) -> None:
    world.vendor("gpt-4o", "gpt-4o-mini")

    head, *rows = world.does(line).splitlines()

    assert head.startswith("MODEL ")
    assert {"gpt-4o", "gpt-4o-mini"} == {row.split()[0] for row in rows}


def model_add(world: World, line: str) -> None:
    world.vendor()

    assert "model/gpt-4o saved\n" == world.does(line)

    said = json.loads(shlex.split(line)[-1])
    row = world.admin("GET", "models/gpt-4o")
    assert said == {name: row[name] for name in said}


def model_edit(world: World, line: str) -> None:
    world.vendor("gpt-4o")

    assert "model/gpt-4o updated\n" == world.does(line)
    assert 9 == world.admin("GET", "models/gpt-4o")["weight"]


def model_enable(world: World, line: str) -> None:
    model = shlex.split(line)[-1]
    world.vendor(model)
    world.admin("PATCH", f"models/{model}", {"enabled": False})

    assert f"model/{model} enabled\n" == world.does(line)
    assert world.admin("GET", f"models/{model}")["enabled"]


def model_disable(world: World, line: str) -> None:
    world.vendor("gpt-4o")

    assert "model/gpt-4o disabled\n" == world.does(line)
    assert not world.admin("GET", "models/gpt-4o")["enabled"]


def model_delete(world: World, line: str) -> None:
    world.vendor("gpt-4o-legacy", "gpt-4o")

    assert "model/gpt-4o-legacy deleted\n" == world.does(line)
    assert ["gpt-4o"] == [row["id"] for row in world.admin("GET", "models")["items"]]


def routing_get(world: World, line: str) -> None:
    now = world.admin("GET", "routing-config")

    assert now["default_mode"] in world.does(line)


def routing_set(world: World, line: str) -> None:
    told = world.does(line)

    assert told.startswith("routing updated: mode cheap, budget $0.0200")
    now = world.admin("GET", "routing-config")
    assert ("cheap", 0.02) == (now["default_mode"], now["default_max_budget_usd"])


def apikey_list(world: World, line: str) -> None:
    key = world.key()

    head, row = world.does(line).splitlines()

    assert head.startswith("ID ")
    assert [key, "a", "key"] == row.split()[:3]


def apikey_create(world: World, line: str) -> None:
    """The key is shown with its warning, and opens what its scopes say."""
    world.provider()
    said = json.loads(shlex.split(line)[-1])

    result = world.says(line)

    assert (0, "note: store this key now") == (result.exit_code, result.stderr[:24])
    shown = result.stdout.split()[-1]
    row = world.admin("GET", "apikeys")["keys"][0]
    assert (said["name"], json.loads(said["scopes"])) == (row["name"], row["scopes"])
    world.ask(key=shown)
    assert 200 == world.admin("GET", "logs")["logs"][0]["status_code"]


def apikey_rotate(world: World, line: str) -> None:
    world.provider()
    key = world.key()

    shown = world.does(line, id=key).split()[-1]

    world.ask(key=shown)
    row = world.admin("GET", "logs")["logs"][0]
    assert (200, key) == (row["status_code"], row["api_key_id"])


def apikey_delete(world: World, line: str) -> None:
    key = world.key()

    assert f"apikey/{key} deleted\n" == world.does(line, id=key)
    assert [] == world.admin("GET", "apikeys")["keys"]


def health(world: World, line: str) -> None:
    world.provider("one")
    world.ask()

    head, *rows = world.does(line).splitlines()

    assert head.isupper()
    assert ["one"] == [row.split()[0] for row in rows]
    assert "healthy" in rows[0]


def stats(world: World, line: str) -> None:
    world.provider("one")
    world.ask()

    told = world.does(line)

    assert told.splitlines()[0].isupper()
    assert "1" in told.split()


def logs(world: World, line: str) -> None:
    """The newest 20 of 21."""
    world.provider("one")
    key = world.do(world.hub.key())
    asked = [world.ask(key=key) for _ in range(21)]

    result = world.says(line)

    _, *rows = result.stdout.splitlines()
    assert asked[:0:-1] == [row.split()[-1] for row in rows]
    assert (0, "note: 20 of 21") == (result.exit_code, result.stderr[:14])


def audit(world: World, line: str) -> None:
    world.provider("one")
    for _ in range(20):
        world.admin("PATCH", "models/gpt", {"weight": 2})

    result = world.says(line)

    _, *rows = result.stdout.splitlines()
    assert (0, 20) == (result.exit_code, len(rows))
    assert all("model.patch" in row for row in rows)


def engine_models(world: World, line: str) -> None:
    world.provider("one")
    world.admin("POST", "models", {"id": "off", "provider_id": "one", "enabled": False})

    head, *rows = world.does(line).splitlines()

    assert "CALLABLE" == head.split()[-1]
    assert {("gpt", "yes"), ("off", "no")} == {(row.split()[0], row.split()[-1]) for row in rows}


def events(world: World, line: str) -> None:
    """Follows until it is interrupted, which is done once the first event is there."""
    world.provider("one")
    key = world.do(world.hub.key())
    words = shlex.split(line, comments=True)[1:]
    with subprocess.Popen(
        [sys.executable, "-m", "tokenhub_cli.main", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=world.variables,
        cwd=HERE.parents[1],
    ) as command:
        first: list[str] = []
        assert command.stdout is not None
        reader = threading.Thread(target=lambda: first.append(command.stdout.readline()))
        reader.start()
        # It follows from when it is there on, and nobody tells when that is.
        while reader.is_alive():
            world.ask(key=key)
            reader.join(0.1)
        command.send_signal(2)
        command.stdout.read()
        told = command.stderr.read()
        code = command.wait()

    event = json.loads(first[0])
    assert 130 == code
    assert event
    assert "Traceback" not in told


def simulate(world: World, line: str) -> None:
    """Tells who would answer, and asks nobody."""
    world.provider("one", "gpt", "large")

    told = world.does(line)

    assert "gpt" in told
    assert "cheap" in told
    assert [] == world.sim.requests
    assert [] == world.admin("GET", "logs")["logs"]


# By how a line begins; the longest that fits is its proof.
PROOFS: dict[str, Callable[[World, str], None]] = {
    "export TOKENHUB_ADMIN_TOKEN=": admin_token,
    "tokenhubctl status": status,
    "tokenhubctl vault unlock": vault_unlock,
    "tokenhubctl vault lock": vault_lock,
    "tokenhubctl vault rotate": vault_rotate,
    "tokenhubctl provider list": provider_list,
    "tokenhubctl provider add": provider_add,
    "tokenhubctl provider add --name": provider_add_by_flags,
    "tokenhubctl provider edit": provider_edit,
    "tokenhubctl provider delete": provider_delete,
    "tokenhubctl provider discover": provider_discover,
    "tokenhubctl model list": model_list,
    "tokenhubctl model add": model_add,
    "tokenhubctl model edit": model_edit,
    "tokenhubctl model enable": model_enable,
    "tokenhubctl model disable": model_disable,
    "tokenhubctl model delete": model_delete,
    "tokenhubctl routing get": routing_get,
    "tokenhubctl routing set": routing_set,
    "tokenhubctl apikey list": apikey_list,
    "tokenhubctl apikey create": apikey_create,
    "tokenhubctl apikey rotate": apikey_rotate,
    "tokenhubctl apikey delete": apikey_delete,
    "tokenhubctl health": health,
    "tokenhubctl stats": stats,
    "tokenhubctl logs": logs,
    "tokenhubctl audit": audit,
    "tokenhubctl engine models": engine_models,
    "tokenhubctl events": events,
    "tokenhubctl simulate": simulate,
}


def proof_of(line: str) -> str:
    """Which of PROOFS is that of the line."""
    return max((begin for begin in PROOFS if line.startswith(begin)), key=len)


def _errors(stderr: str) -> str:
    """What was told, without the notes that are no errors."""
    return "".join(line for line in stderr.splitlines() if not line.startswith("note: "))
