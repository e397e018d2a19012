"""The official SDKs for Node, through TokenHub to a provider of each type."""

import asyncio
import fcntl
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from tests.e2e.conftest import PROFILE
from tokenhub.sim.app import Sim

pytestmark = pytest.mark.anyio

HERE = Path(__file__).parent / "node"
NAMES = ["weather", "clock"]
EVENTS = [
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
]
ERRORS = [
    ("AuthenticationError", 401, "invalid_api_key"),
    ("BadRequestError", 400, "invalid_request"),
    ("NotFoundError", 404, "model_not_found"),
]


@pytest.fixture(scope="module")
def node():
    """The program, once its packages are here: the first run fetches them."""
    programs = {name: shutil.which(name) for name in ("node", "npm")}
    missing = [name for name, found in programs.items() if found is None]
    if missing:
        pytest.skip(f"not installed here: {' and '.join(missing)}")
    wanted = (HERE / "package.json").read_bytes()
    # Several processes run the tests at once, and only one of them may install.
    with (HERE / ".installing").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = HERE / "node_modules" / ".installed"
        if not done.is_file() or done.read_bytes() != wanted:
            _install(programs["npm"])
            done.write_bytes(wanted)
    return programs["node"]


@pytest.mark.parametrize("kind", ["openai", "anthropic", "vllm"])
async def test_both_sdks_for_node_hear_what_the_provider_said(hub, key, node, kind):
    async with Sim(replace(PROFILE, dialect=kind)) as sim:
        await hub.provider("one", sim, type=kind, models=["gpt"])

        heard = await _heard(node, hub.url, key)

    ours, theirs = heard["openai"], heard["anthropic"]
    assert ("stop", 12) == (ours["whole"]["finish"], ours["whole"]["usage"])
    assert ("end_turn", 12) == (theirs["whole"]["finish"], theirs["whole"]["usage"])
    assert (["stop"], 0) == (ours["streamed"]["finish"], ours["streamed"]["usage"])
    events = [event for event in theirs["streamed"]["events"] if event != "ping"]
    assert EVENTS == list(dict.fromkeys(events))
    assert ["tool_calls", "stop"] == ours["tools"]["finish"]
    assert ["tool_use", "end_turn"] == theirs["tools"]["finish"]
    assert ["city"] == ours["schema"]
    for sdk in (ours, theirs):
        assert sdk["whole"]["text"].startswith("Simulated answer:")
        assert sdk["streamed"]["text"].startswith("Simulated answer:")
        assert (NAMES, [["city"]] * 2) == (sdk["tools"]["names"], sdk["tools"]["fields"])
        assert ["gpt"] == sdk["models"]
        assert ERRORS == [(e["class"], e["status"], e["code"]) for e in sdk["errors"]]
        assert all(error["message"] for error in sdk["errors"])


def _install(npm):
    flags = ["--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(
        [npm, "install", *flags], cwd=HERE, capture_output=True, text=True, check=False, timeout=300
    )
    if done.returncode:
        pytest.skip(f"npm could not fetch the packages: {done.stderr[-500:]}")


async def _heard(node, url, key):
    process = await asyncio.create_subprocess_exec(
        node,
        "proofs.mjs",
        url,
        key,
        cwd=HERE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        said, wrong = await asyncio.wait_for(process.communicate(), timeout=60)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert 0 == process.returncode, wrong.decode()
    return msgspec.json.decode(said)
