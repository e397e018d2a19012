"""Simulated providers on loopback, on both event loops they may run on."""

import aiohttp
import pytest

from tokenhub.sim.app import Sim
from tokenhub.sim.profile import Constant, Model, Profile

PROFILE = Profile(
    name="test",
    dialect="openai",
    seed=3,
    models=(Model(id="sim-large"), Model(id="org/small", context_tokens=100)),
    answer_tokens=Constant(value=12),
    drip_s=0.0001,
)


@pytest.fixture(
    params=[("asyncio", {"use_uvloop": False}), ("asyncio", {"use_uvloop": True})],
    ids=["asyncio", "uvloop"],
)
def anyio_backend(request):
    return request.param


@pytest.fixture
async def sim():
    async with Sim(PROFILE) as running:
        yield running


@pytest.fixture
async def http(sim):
    async with aiohttp.ClientSession(sim.url) as session:
        yield session


@pytest.fixture
def chat():
    return {"model": "sim-large", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
def message(chat):
    return {**chat, "max_tokens": 100}
