"""The real server for commands to talk to: in a thread of this process, with a provider to ask.

with living(tmp_path) as live:
    live.do(live.hub.provider("one", live.sim, models=["gpt"]))
    result = live.run("model", "list")
"""

import logging
import os
from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal
from typer.testing import CliRunner, Result

from tests.support.server import ADMIN_TOKEN, Hub, running
from tokenhub.adapters.telemetry.logging import TALKATIVE
from tokenhub.sim.app import Sim
from tokenhub.sim.profile import Constant, Model, Profile
from tokenhub_cli.main import app

T = TypeVar("T")

PROFILE = Profile(
    name="simulated",
    dialect="openai",
    seed=7,
    models=(
        Model(id="gpt", context_tokens=4_000),
        Model(id="org/small", context_tokens=4_000),
        Model(id="large", context_tokens=64_000),
    ),
    answer_tokens=Constant(value=12),
)
ASK = {"model": "gpt", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4}


def nobodys(home: Path) -> dict[str, str | None]:
    """The environment of a user with nothing but this home: none of the machine's own settings."""
    machine = os.environ  # noqa: TID251 - what is there must be hidden from the command
    ours = {name: None for name in machine if name.startswith("TOKENHUB_")}
    data = str(home / "data" / "tokenhub.sqlite")
    # A port that nobody serves: no container of this machine is asked for its token.
    docker = "tcp://127.0.0.1:9"
    return {**ours, "HOME": str(home), "TOKENHUB_DB_DSN": data, "DOCKER_HOST": docker}


class Live:
    """A running server, a simulated provider, and `tokenhubctl` with their URL and token."""

    def __init__(
        self, hub: Hub, sim: Sim, portal: BlockingPortal, environment: Mapping[str, str | None]
    ) -> None:
        self.hub = hub
        self.sim = sim
        self._portal = portal
        self._environment = dict(environment)

    @property
    def environment(self) -> dict[str, str | None]:
        """What a `tokenhubctl` in a process of its own needs as well."""
        named = {"TOKENHUB_URL": self.hub.url, "TOKENHUB_ADMIN_TOKEN": ADMIN_TOKEN}
        return {**self._environment, **named}

    @property
    def variables(self) -> dict[str, str]:
        """All that a process of its own is to have in its environment."""
        return {name: value for name, value in self.environment.items() if value is not None}

    def run(self, *args: str, stdin: str = "", **env: str) -> Result:
        """Run a line; what it raises that is no exit fails the test."""
        return CliRunner(env={**self.environment, **env}).invoke(
            app, args, input=stdin, prog_name="tokenhubctl", catch_exceptions=False
        )

    def let(self, **variables: str) -> None:
        """Have these in the environment from here on."""
        self._environment |= variables

    def do(self, work: Awaitable[T]) -> T:
        """Await something on the server's loop."""

        async def it() -> T:
            return await work

        return self._portal.call(it)

    def admin(self, method: str, path: str, body: object = None) -> object:
        """The JSON that an admin route answers."""
        return self.do(self.hub.admin(method, path, body))

    def provider(self, provider_id: str = "one", *models: str) -> None:
        """Register the simulated provider, with `gpt` where no model is named."""
        self.do(self.hub.provider(provider_id, self.sim, models=models or ["gpt"]))

    def ask(self, *, key: str = "", **fields: object) -> str:
        """Have one chat request answered; its id."""

        async def asked() -> str:
            bearer = {"authorization": f"Bearer {key or await self.hub.key()}"}
            answer = await self.hub.http.post(
                "/v1/chat/completions", json=ASK | fields, headers=bearer
            )
            request_id: str = answer.headers["x-request-id"]
            return request_id

        return self.do(asked())


@contextmanager
def _level_kept() -> Iterator[None]:
    """Levels of the log are this process's, and would outlive the server that sets them."""
    loggers = [logging.getLogger(), *map(logging.getLogger, TALKATIVE)]
    levels = [one.level for one in loggers]
    try:
        yield
    finally:
        for one, level in zip(loggers, levels, strict=True):
            one.setLevel(level)


@contextmanager
def living(
    folder: Path, environment: Mapping[str, str | None] | None = None, **variables: str
) -> Iterator[Live]:
    """A server over a database in `folder`; `variables` are settings without their prefix."""
    with (
        _level_kept(),
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(running(folder, **variables)) as hub,
        portal.wrap_async_context_manager(Sim(PROFILE)) as sim,
    ):
        yield Live(hub, sim, portal, environment or {"HOME": str(folder)})
