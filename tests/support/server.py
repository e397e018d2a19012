"""The real server on loopback: in the test's own loop, or as a process that may be killed.

async with running(tmp_path) as hub, Sim(PROFILE) as sim:
    await hub.provider("one", sim, models=["gpt"])
    key = await hub.key()
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from tests.support import blank
from tests.support.places import LOOPBACK
from tests.support.vaults import CHEAP
from tokenhub import settings
from tokenhub.adapters.argon import Argon
from tokenhub.commands.serve import Server, bind, prepare
from tokenhub.settings import Address
from tokenhub.sim.app import Sim
from tokenhub.web.draining import Draining

ADMIN_TOKEN = "tha_0123456789abcdef0123456789abcdef"
ENDED_BY_US = {-signal.SIGKILL, -signal.SIGTERM, 0}


class Hub:
    """A running server, and what a test does to it as its operator."""

    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        self.url = url
        self.http = http
        self.port = int(url.rpartition(":")[2])

    async def admin(self, method: str, path: str, body: object = None) -> Any:
        """The JSON that an admin route answers. What is not a 200 fails the test."""
        headers = {"authorization": f"Bearer {ADMIN_TOKEN}"}
        answer = await self.http.request(method, f"/admin/v1/{path}", json=body, headers=headers)
        assert 200 == answer.status_code, answer.text
        return answer.json()

    async def provider(
        self,
        provider_id: str,
        *where: Sim | str,
        models: Sequence[str] = (),
        model: Mapping[str, object] | None = None,
        **fields: object,
    ) -> None:
        """Register a provider with its models, all of them with the fields of `model`."""
        urls = [place if isinstance(place, str) else place.url for place in where]
        several = {"type": "vllm", "endpoints": urls} if len(urls) > 1 else {"base_url": urls[0]}
        await self.admin("POST", "providers", {"id": provider_id, **several, **fields})
        for model_id in models:
            await self.model(model_id, provider_id, **(model or {}))

    async def model(self, model_id: str, provider_id: str, **fields: object) -> None:
        """Register a model; at USD 1 and 2 per 1,000,000 tokens where `fields` say nothing."""
        prices = {"input_per_1k": 0.001, "output_per_1k": 0.002}
        row = {"id": model_id, "provider_id": provider_id, **prices, **fields}
        await self.admin("POST", "models", row)

    async def providers(self) -> list[str]:
        """The ids of all providers."""
        return [row["id"] for row in (await self.admin("GET", "providers"))["items"]]

    async def forget(self, provider_id: str) -> None:
        """Let everybody meet a provider as if it had never failed."""
        await self.admin("POST", f"health/{provider_id}/reset")

    async def key(self, *scopes: str) -> str:
        """A new API key; for chat where nothing else is said."""
        body = {"name": "a test", "scopes": list(scopes) or ["chat"]}
        key: str = (await self.admin("POST", "apikeys", body))["key"]
        return key

    async def logs(self, **query: object) -> list[Any]:
        """The request log, newest first."""
        text = httpx.QueryParams({name: str(value) for name, value in query.items()})
        rows: list[Any] = (await self.admin("GET", f"logs?{text}"))["logs"]
        return rows

    async def log(self, answer: httpx.Response) -> Any:
        """The log's row of a request, found by the id that its answer has."""
        return (await self.logs(request_id=answer.headers["x-request-id"]))[0]


class Child(Hub):
    """A server in a process of its own.

    `said` is what it has written to stderr so far, `logged` what it has to stdout.
    """

    def __init__(
        self, url: str, http: httpx.AsyncClient, process: asyncio.subprocess.Process
    ) -> None:
        super().__init__(url, http)
        self.process = process
        self.said: list[str] = []
        self.logged: list[str] = []

    async def kill(self) -> None:
        """`kill -9`, and wait until it is gone."""
        self.process.kill()
        await self.process.wait()


class _Guest(Draining):
    """Started and stopped by the test: no loop that ticks, no signal handlers."""

    async def begin(self, sockets: list[Any]) -> None:
        self.config.load()
        self.lifespan = self.config.lifespan_class(self.config)
        await self.on_tick(0)
        await self.startup(sockets=sockets)

    async def end(self, sockets: list[Any]) -> None:
        """An orderly stop, without uvicorn's pause where nothing is under way."""
        for connection in tuple(self.server_state.connections):
            connection.shutdown()
        for _ in range(10):
            await asyncio.sleep(0)
        if self.server_state.connections or self.server_state.tasks:
            await self.shutdown(sockets=sockets)
            return
        for server in self.servers:
            server.close()
        await self.lifespan.shutdown()


@asynccontextmanager
async def running(folder: Path, **variables: str) -> AsyncIterator[Hub]:
    """The server in this loop, as `tokenhub serve` configures it, over a database in `folder`.

    `variables` are settings without their prefix: `PROVIDER_TIMEOUT_SECS="0.2"`.
    """
    chosen = settings.load(_variables(folder, variables), home=folder, data_writable=False)
    prepare(chosen)
    if "DB_DSN" not in variables:
        blank.lay(chosen.db_dsn)
    bound = bind(chosen.listen_addr)
    # Passwords cost as little as may be: what they cost in earnest is the matter of `child`.
    argon = Argon(least=CHEAP, least_s=0)
    server = _Guest(Server(chosen, started=lambda: None, stretcher=argon).config)
    await server.begin([bound])
    url = str(Address("127.0.0.1", bound.getsockname()[1]).local_url)
    try:
        async with _client(url) as http:
            yield Hub(url, http)
    finally:
        await server.end([bound])
        await argon.close()
        bound.close()


@asynccontextmanager
async def child(folder: Path, **variables: str) -> AsyncIterator[Child]:
    """`python -m tokenhub serve` over a database in `folder`, ready; killed at the block's end."""
    inherited = {k: v for k, v in os.environ.items() if "TOKENHUB" not in k}  # noqa: TID251 - a child's environment, no setting is read
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tokenhub",
        "serve",
        env=inherited | {"HOME": str(folder)} | _variables(folder, variables),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        url = await _greeting(process.stderr)
        async with _client(url) as http, asyncio.TaskGroup() as group:
            server = Child(url, http, process)
            reading = group.create_task(_read(process.stderr, server.said))
            group.create_task(_read(process.stdout, server.logged))
            assert "ok" == (await http.get("/healthz")).json()["status"]
            yield server
            await _ended(process)
            await reading
    finally:
        await _ended(process)


def _variables(folder: Path, given: Mapping[str, str]) -> dict[str, str]:
    own = {
        "LISTEN_ADDR": "127.0.0.1:0",
        "DB_DSN": str(folder / "data" / "tokenhub.sqlite"),
        "ADMIN_TOKEN": ADMIN_TOKEN,
        "CREDENTIALS_FILE": str(folder / "credentials"),
        "SHUTDOWN_DRAIN_SECS": "2",
        "RATE_LIMIT_RPS": "0",
        "ADMIN_RATE_LIMIT_RPS": "0",
        # Providers of tests are on this machine; nobody is refused since the machine is busy.
        "ALLOWED_PRIVATE_HOSTS": LOOPBACK,
        "OVERLOAD_LAG_MS": "0",
        # What arrives at a provider in a test is what the test sends.
        "HEALTH_PROBE_DISABLED": "true",
    }
    return {f"TOKENHUB_{name}": value for name, value in (own | dict(given)).items()}


def _client(url: str) -> httpx.AsyncClient:
    # No TLS here: to load the certificates takes longer than most tests.
    return httpx.AsyncClient(base_url=url, timeout=30.0, trust_env=False, verify=False)


async def _greeting(stderr: asyncio.StreamReader) -> str:
    """The URL that the server says it is ready at."""
    said = ""
    async for line in stderr:
        said += line.decode()
        _, mark, rest = line.decode().partition("ready at ")
        if mark:
            return rest.partition("/v1")[0]
    raise AssertionError(f"the server did not start: {said}")


async def _read(stderr: asyncio.StreamReader, said: list[str]) -> None:
    while line := await stderr.readline():
        said.append(line.decode())


async def _ended(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()
