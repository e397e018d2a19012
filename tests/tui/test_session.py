"""A whole day at the console: one session in a real terminal of 80x24, by keys alone.

The server is real, in a process of its own; the provider is simulated, and so are the requests.
"""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.support.server import ADMIN_TOKEN, child
from tests.support.tmux import Terminal
from tokenhub.sim.app import Sim
from tokenhub.sim.profile import Constant, Model, Profile

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

PASSWORD = "correct-horse-battery"
PROFILE = Profile(
    name="simulated",
    dialect="openai",
    seed=7,
    models=(Model(id="gpt", context_tokens=4_000), Model(id="large", context_tokens=64_000)),
    answer_tokens=Constant(value=12),
)


class Console:
    """The console in its terminal; other tasks go on while somebody waits for it."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    async def press(self, *keys: str) -> None:
        await asyncio.to_thread(self._terminal.press, *keys)

    async def type(self, text: str) -> None:
        await asyncio.to_thread(self._terminal.type, text)

    async def seen(self, *wanted: str, gone: Sequence[str] = ()) -> str:
        return await asyncio.to_thread(partial(self._terminal.seen, *wanted, gone=gone))

    async def over(self) -> int:
        return await asyncio.to_thread(self._terminal.over)


@asynccontextmanager
async def asking(url: str, key: str) -> AsyncIterator[None]:
    """Callers that go on asking, also for a model that is not there, whatever they are told."""

    async def ask(http: httpx.AsyncClient) -> None:
        headers = {"authorization": f"Bearer {key}"}
        turns = [{"role": "user", "content": "Hello"}]
        for number in range(10_000):
            body = {"model": "auto", "messages": turns, "max_tokens": 4}
            wrong = number % 7 == 3
            only = {"x-tokenhub-substitute": "never"} if wrong else {}
            with suppress(httpx.HTTPError):
                await http.post(
                    "/v1/chat/completions",
                    json=body | ({"model": "nobody-has-this"} if wrong else {}),
                    headers=headers | only,
                )
            await asyncio.sleep(0.2)

    async with httpx.AsyncClient(base_url=url, trust_env=False, verify=False) as http:
        going = asyncio.create_task(ask(http))  # noqa: TID251 - callers outlive the server
        try:
            yield
        finally:
            going.cancel()


async def test_a_session_by_keys_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    async with Sim(PROFILE) as sim, child(tmp_path, VAULT_ENABLED="true") as server:
        environment = {
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "TOKENHUB_URL": server.url,
            "TOKENHUB_ADMIN_TOKEN": ADMIN_TOKEN,
        }
        line = [sys.executable, "-m", "tokenhub_tui"]
        with Terminal(line, 80, 24, environment, tmp_path) as terminal:
            console = Console(terminal)
            await _sets_up_the_vault(console)
            await _adds_a_provider(console, sim.url)
            key = await _makes_a_key(console)
            async with asking(server.url, key):
                await _watches_requests(console)
                await _changes_a_weight(console)
                await _compares_policies(console)
                await _reads_the_log(console, home)
                await _loses_the_server(console, server, tmp_path)


async def _sets_up_the_vault(console: Console) -> None:
    await console.seen("● live", "no vault", "No request yet")
    await console.press("u")
    await console.seen("Set up the vault")
    await console.type(PASSWORD)
    await console.press("Tab")
    await console.type(PASSWORD)
    await console.press("Enter")
    await console.seen("Recovery key", "I stored it")
    await console.press("Tab", "Enter")
    await console.seen("vault", gone=["no vault", "Recovery key"])
    await console.press("u")
    await console.seen("Lock")
    await console.press("l")
    await console.seen("No provider has its key in it")
    await console.press("Tab", "Enter")
    await console.seen("vault locked")
    await console.press("u")
    await console.seen("Unlock vault")
    await console.type(PASSWORD)
    await console.press("Enter")
    await console.seen("vault", gone=["vault locked", "Unlock vault"])


async def _adds_a_provider(console: Console, url: str) -> None:
    await console.press("4")
    await console.seen("No provider yet")
    await console.press("n")
    await console.seen("1 of 5")
    await console.press("Enter")
    await console.seen("●●○○○")
    await console.type("mine")
    await console.press("Tab")
    await console.type(url)
    await console.press("C-s")
    await console.seen("●●●○○")
    await console.type("sk-simulated")
    await console.press("Enter")
    await console.seen("✓ mine answered", "it offers 2 models")
    await console.press("Enter")
    await console.seen("●●●●●", "0 to register of 2")
    await console.press("a", "C-s")
    await console.seen("✓ mine is there", "tokenhubctl provider add")
    await console.press("Escape")
    await console.seen("Providers 1", "Models 2", "vault")


async def _makes_a_key(console: Console) -> str:
    await console.press("5")
    await console.seen("No API key yet")
    await console.press("n")
    await console.seen("New API key")
    await console.type("first")
    await console.press("C-s")
    shown = await console.seen("New key first", "tokenhub_", "I stored it")
    flat = "".join(part.strip("│ ") for part in shown.splitlines())
    key = re.search(r"tokenhub_[A-Za-z0-9]{39}", flat)
    assert key, shown
    await console.press("Tab", "Enter")
    await console.seen("1 key", gone=["I stored it"])
    return key[0]


async def _watches_requests(console: Console) -> None:
    await console.press("1")
    await console.seen("✓", "mine/gpt", "mine/large", "best of 2")
    await console.press("/")
    await console.seen("model:…")
    await console.type("status:ok")
    await console.press("Enter")
    await console.seen("filter: status:ok", "best of 2")
    await console.press("Enter")
    await console.seen("Attempts", "Candidates", "mine/gpt", "mine/large")
    await console.press("Escape")
    await console.seen("Decisions")
    await console.press("Escape")
    await console.seen("Decisions", gone=["filter:"])


async def _changes_a_weight(console: Console) -> None:
    """The model in the second place goes to the first."""
    await console.press("3")
    before = await console.seen("A default", "mine/gpt", "mine/large")
    first = _first(before)
    other = "large" if first == "gpt" else "gpt"
    await console.press("4")
    await console.seen("Models 2")
    await console.press("Tab")
    await console.seen("weight", "context")
    await _weighs(console, other, "+", 10)
    await _weighs(console, first, "-", 0)
    await console.press("3")
    shown = await console.seen(f"▶ mine/{other}")

    assert other == _first(shown)


async def _weighs(console: Console, model: str, key: str, weight: int) -> None:
    """Press a key for as long as it takes from 5 to `weight`, on one model alone."""
    await console.press("/")
    await console.seen("model:…")
    await console.type(f"model={model}")
    await console.press("Enter")
    await console.seen("1 of 2", model)
    await console.press(*[key] * 5)
    await console.seen(f"→ {weight}")
    await console.seen(f"{weight} ", gone=[f"→ {weight}"])
    await console.press("Escape")
    await console.seen("Models 2", gone=["filter:"])


def _first(shown: str) -> str:
    """The model in the first place of the first policy."""
    found = re.search(r"▶ (?:mine/)?(\w+)", shown)
    assert found, shown
    return found[1]


async def _compares_policies(console: Console) -> None:
    await console.seen("A default", "B cheap", "vs A")
    await console.press("p")
    await console.seen("was→would")
    await console.press("Escape")
    await console.seen("vs A")


async def _reads_the_log(console: Console, home: Path) -> None:
    await console.press("7")
    await console.seen("Requests", "requests", "newest first")
    await console.press("/")
    await console.seen("model:…")
    await console.type("status:error")
    await console.press("Enter")
    await console.seen("status:error", "404")
    await console.press("E")
    await console.seen("To the file", "requests-2")
    await console.press("C-u")
    await console.seen("To the file", gone=["requests-2"])
    await console.type(str(home / "errors.csv"))
    await console.press("Enter")
    await console.seen("Exported", gone=["To the file"])
    for _ in range(100):
        if (home / "errors.csv").is_file():
            break
        await asyncio.sleep(0.05)
    assert "404" in (home / "errors.csv").read_text()
    await console.press("Escape")
    await console.seen("200", gone=["filter:"])


async def _loses_the_server(console: Console, server: object, folder: Path) -> None:
    await server.kill()
    await console.press("1")
    await console.seen("retry")
    async with child(folder, VAULT_ENABLED="true", LISTEN_ADDR=f"127.0.0.1:{server.port}"):
        await console.seen("● live", "vault locked")
        await console.press("u")
        await console.seen("Unlock vault")
        await console.type(PASSWORD)
        await console.press("Enter")
        await console.seen("✓", "vault", gone=["vault locked", "Unlock vault"])
        await console.press("q")
        assert 0 == await console.over()
