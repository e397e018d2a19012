"""The whole server before simulated providers, on the loop that it runs on."""

import logging

import openai
import pytest

from tests.support.server import running
from tokenhub.sim.app import Sim
from tokenhub.sim.profile import Constant, Model, Profile

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


@pytest.fixture
def anyio_backend():
    return ("asyncio", {"use_uvloop": True})


@pytest.fixture(autouse=True)
def nothing_worse_than_a_warning(caplog):
    """What the server logs while a test runs is no error of its own, and holds no traceback."""
    yield
    records = caplog.get_records("setup") + caplog.get_records("call")
    ours = [r for r in records if r.getMessage() != "credential_out"]  # an alert, of a provider's
    assert [] == [r.getMessage() for r in ours if r.exc_info or r.levelno >= logging.ERROR]


@pytest.fixture
async def sim():
    async with Sim(PROFILE) as one:
        yield one


@pytest.fixture
async def second():
    async with Sim(PROFILE) as other:
        yield other


@pytest.fixture
async def hub(tmp_path):
    async with running(tmp_path) as server:
        yield server


@pytest.fixture
async def key(hub):
    return await hub.key()


@pytest.fixture
async def sdk(hub, key):
    """The official SDK, which tries once: how often it would retry is its own affair."""
    http = openai.DefaultAsyncHttpxClient(verify=False)  # there is no TLS to be verified
    async with openai.AsyncOpenAI(
        base_url=f"{hub.url}/v1", api_key=key, max_retries=0, timeout=20.0, http_client=http
    ) as client:
        yield client


@pytest.fixture
def ask(hub, key):
    """Asks for a chat completion; fields are put over those of `ASK`."""

    async def one(**fields):
        headers = {"authorization": f"Bearer {key}"}
        return await hub.http.post("/v1/chat/completions", json=ASK | fields, headers=headers)

    return one
