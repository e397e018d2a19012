"""`tokenhub demo`: a server before three simulated providers, with traffic. All of it here."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Generator, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import httpx
import msgspec
import uvloop

from tokenhub import settings
from tokenhub.app import start_logging
from tokenhub.commands.environment import complain
from tokenhub.commands.serve import Server, bind, prepare
from tokenhub.commands.traffic import HEAD, Traffic, questions
from tokenhub.core.errors import TokenHubError, Unavailable
from tokenhub.ports.hiding import Hide
from tokenhub.settings import Address, Settings
from tokenhub.sim import profile
from tokenhub.sim.app import Sim
from tokenhub.sim.profile import Profile
from tokenhub.wire.keys import ApiKeyIssued

PROFILES = ("openai", "anthropic", "vllm")
WEIGHTS = {"sim-opal": 9, "sim-atlas": 8, "sim-atlas-mini": 5, "sim-reed-8b": 4}
PREFERRED = Address("127.0.0.1", 8080)
BANNER = """
This is a SIMULATION: the server is real, its three providers are simulated in this process,
their answers are random words, and their prices cost nobody anything.{moved}

  URL        {url}/v1
  API key    {key}
  data       {data}{kept}

Ask something yourself:

  curl -s {url}/v1/chat/completions \\
    -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \\
    -d '{{"model": "auto", "messages": [{{"role": "user", "content": "Hello!"}}]}}'

Look inside, from another terminal:

  export TOKENHUB_URL={url} TOKENHUB_ADMIN_TOKEN=$(cat {token_file})
  {tui}
  {ctl} status
  {ctl} model list
  {ctl} logs
  {ctl} top
  {ctl} events

The first is the console; the web dashboard does not exist yet. Ctrl-C stops everything.
"""


class Embedded(Server):
    """The server as a guest: the demo handles the signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def run(*, data: str | None, once: int | None, quiet: bool) -> int:
    """Run until Ctrl-C, or until `once` requests are through.

    Exit code 1 where it cannot start, or where none of them was answered.
    """
    code = 0
    try:
        with _folder(data) as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            demo = Demo(folder, kept=data is not None, quiet=quiet)
            code = runner.run(demo.play(once))
    except* KeyboardInterrupt:
        code = 130
    except* TokenHubError as group:
        complain(*(str(error) for error in _leaves(group)))
        code = 1
    return code


class Demo:
    """One run of the demo, in one folder."""

    def __init__(self, folder: Path, *, kept: bool, quiet: bool) -> None:
        self._folder = folder
        self._kept = kept
        self._quiet = quiet

    async def play(self, once: int | None) -> int:
        """Start, register, send; gives the exit code."""
        stop = asyncio.Event()
        for number in _ends():
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        bound = _port()
        chosen = _settings(self._folder, bound)
        prepare(chosen)
        async with contextlib.AsyncExitStack() as stack:
            log = stack.enter_context((self._folder / "tokenhub.log").open("a", encoding="utf-8"))
            redaction = start_logging(chosen.log_level, stream=log)
            sims = [await stack.enter_async_context(Sim(p, record=False)) for p in _profiles()]
            await stack.enter_async_context(_serving(chosen, bound, redaction.hide))
            client = await stack.enter_async_context(
                httpx.AsyncClient(base_url=chosen.listen_addr.local_url, timeout=130.0)
            )
            token = chosen.admin_token_file.read_text(encoding="ascii").strip()
            key = await _register(client, sims, admin_token=token)
            print(self._banner(chosen, key), flush=True)
            self._tell(HEAD)
            traffic = Traffic(client, key=key, admin_token=token, tell=self._tell)
            models = tuple(model.id for sim in sims for model in sim.profile.models)
            await traffic.flow(questions(models), stop=stop, limit=once)
            print("Stopping.", flush=True)
        return 0 if traffic.answered or once is None else 1

    def _tell(self, line: str) -> None:
        if not self._quiet:
            print(line, flush=True)

    def _banner(self, chosen: Settings, key: str) -> str:
        moved = chosen.listen_addr != PREFERRED
        return BANNER.format(
            url=chosen.listen_addr.local_url,
            key=key,
            data=self._folder,
            kept="" if self._kept else " (removed at the end)",
            token_file=chosen.admin_token_file,
            tui=_beside("tokenhub-tui"),
            ctl=_beside("tokenhubctl"),
            moved=f"\nPort {PREFERRED.port} is taken, so it listens on another." if moved else "",
        )


def _ends() -> list[signal.Signals]:
    """The signals that end it: SIGHUP is the terminal that was closed, unless nohup hides it."""
    ends = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        ends.append(signal.SIGHUP)
    return ends


@contextlib.contextmanager
def _folder(data: str | None) -> Iterator[Path]:
    if data is not None:
        yield Path(data).absolute()
        return
    with tempfile.TemporaryDirectory(prefix="tokenhub-demo-") as name:
        yield Path(name)


def _port() -> socket.socket:
    try:
        return bind(PREFERRED)
    except Unavailable:
        return bind(Address(PREFERRED.host, 0))


def _settings(folder: Path, bound: socket.socket) -> Settings:
    """A server of its own: neither the environment nor the operator's files take part."""
    env = {
        "TOKENHUB_LISTEN_ADDR": f"{PREFERRED.host}:{bound.getsockname()[1]}",
        "TOKENHUB_DB_DSN": str(folder / "tokenhub.sqlite"),
        "TOKENHUB_CREDENTIALS_FILE": str(folder / "credentials"),
        "TOKENHUB_SHUTDOWN_DRAIN_SECS": "2",
        # Its providers are simulations on this machine.
        "TOKENHUB_ALLOWED_PRIVATE_HOSTS": "127.0.0.1",
    }
    return settings.load(env, home=folder, data_writable=False)


@contextlib.asynccontextmanager
async def _serving(chosen: Settings, bound: socket.socket, hide: Hide) -> AsyncIterator[None]:
    ready = asyncio.Event()
    server = Embedded(chosen, started=ready.set, hide=hide)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve(sockets=[bound]))
        await ready.wait()
        try:
            yield
        finally:
            server.should_exit = True


def _profiles() -> Iterator[Profile]:
    for name in PROFILES:
        file = resources.files("tokenhub.sim") / "profiles" / f"{name}.json"
        yield profile.decode(file.read_bytes())


async def _register(client: httpx.AsyncClient, sims: list[Sim], *, admin_token: str) -> str:
    """Put the simulated providers into the catalog; gives a key for callers."""
    headers = {"authorization": f"Bearer {admin_token}"}

    async def create(noun: str, body: dict[str, Any]) -> bytes:
        answer = await client.post(f"/admin/v1/{noun}", json=body, headers=headers)
        if not answer.is_success:
            raise Unavailable(f"the server refused {noun} of the demo: {answer.text}")
        return answer.content

    for sim in sims:
        shape = sim.profile
        row = {"id": shape.name, "type": shape.dialect, "base_url": sim.url}
        await create("providers", row)
        for model in shape.models:
            body = {"id": model.id, "provider_id": shape.name, "weight": WEIGHTS[model.id]}
            body |= {"max_context_tokens": model.context_tokens}
            body |= {"input_per_1k": model.input_per_1k, "output_per_1k": model.output_per_1k}
            await create("models", body)
    issued = await create("apikeys", {"name": "demo", "scopes": ["chat"]})
    return msgspec.json.decode(issued, type=ApiKeyIssued).key


def _beside(program: str) -> str:
    """A program of ours beside this Python, as it can be typed from here."""
    beside = Path(sys.executable).parent / program
    return os.path.relpath(beside) if beside.is_relative_to(Path.cwd()) else str(beside)


def _leaves(group: BaseExceptionGroup[Any]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
