"""The official SDKs for Node, through TokenHub to a provider of each type."""

import asyncio
import base64
import fcntl
import shutil
import subprocess
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from tests.e2e.conftest import PROFILE
from tests.e2e.test_sdks import MODEL, NAMES, OFFERED, PICTURE, PNG, SEEN, THINKER
from tests.support.server import ADMIN_TOKEN
from tokenhub.sim.app import Sim
from tokenhub.sim.profile import Faults
from tokenhub.sim.sealed import signed

# An install is waited for, however slow the network is; the timeout of the suite is for tests.
pytestmark = [pytest.mark.anyio, pytest.mark.timeout(400)]

HERE = Path(__file__).parent / "node"
# Both SDKs name Node.js 20 as the oldest that they support (their READMEs, "Requirements").
OLDEST = 20
INSTALL_S = 300
EVENTS = [
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
]
IMAGES = [{"media": "image/png", "data": base64.b64encode(PNG).decode()}, {"url": PICTURE}]
SDKS = ("openai", "anthropic")
WAYS = ("whole", "streamed")
FINISH = {"openai": ["tool_calls", "stop"], "anthropic": ["tool_use", "end_turn"]}
ERRORS = [
    ("AuthenticationError", 401, "invalid_api_key", None),
    ("BadRequestError", 400, "invalid_request", None),
    ("NotFoundError", 404, "model_not_found", None),
    ("RateLimitError", 429, "upstream_throttled", "7"),
    ("InternalServerError", 502, "upstream_credential", None),
]
FAILING = ("throttled", "locked", "broken")
BROKEN = ("InternalServerError", 502, "upstream_invalid_response", None)


@pytest.fixture(scope="module")
def node():
    """The program, once its packages are here: the first run fetches them."""
    programs = {name: shutil.which(name) for name in ("node", "npm")}
    missing = [name for name, found in programs.items() if found is None]
    if missing:
        pytest.skip(f"not installed here: {' and '.join(missing)}")
    if (version := _version(programs["node"])) < OLDEST:
        pytest.skip(f"the SDKs need Node.js {OLDEST}, and here is {version}")
    wanted = (HERE / "package.json").read_bytes()
    # Several processes run the tests at once, and only one of them may install.
    with (HERE / ".installing").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = HERE / "node_modules" / ".installed"
        if not done.is_file() or done.read_bytes() != wanted:
            _install(programs["npm"], HERE)
            done.write_bytes(wanted)
    return programs["node"]


@pytest.mark.parametrize("kind", ["openai", "anthropic", "vllm"])
async def test_both_sdks_for_node_hear_what_the_provider_said(hub, key, node, kind, subtests):
    asked = {
        "url": hub.url,
        "key": key,
        "thinker": THINKER,
        "images": IMAGES,
        "admin": ADMIN_TOKEN,
        "failing": FAILING,
    }
    async with _upstreams(hub, kind) as sim:
        heard = await _heard(node, asked)

        for sdk in SDKS:
            for way in WAYS:
                for check in (_words, _called, _seen, _fitted, _thought, _errors):
                    with subtests.test(sdk=sdk, way=way, proof=check.__name__):
                        check(heard[sdk][way], sdk, way, sim)
    events = dict.fromkeys(heard["anthropic"]["events"])
    assert EVENTS == [event for event in events if event != "ping"]
    chunks = heard["openai"]["events"]
    assert (["stop"], 0) == (chunks["finish"], chunks["usage"])
    assert chunks["text"].startswith("Simulated answer:")
    assert [{"gpt", THINKER, *FAILING}] * 2 == [set(heard[sdk]["listed"]) for sdk in SDKS]


def test_an_install_that_fails_has_the_words_of_npm(tmp_path, node):
    (tmp_path / "package.json").write_text('{"dependencies": {"nothing": "file:./nowhere.tgz"}}')

    with pytest.raises(pytest.fail.Exception, match=r"npm (?s:.*)ENOENT(?s:.*)nowhere\.tgz"):
        _install(shutil.which("npm"), tmp_path)


def _words(told, sdk, way, sim):
    said = told["words"]
    assert said["text"].startswith("Simulated answer:")
    assert FINISH[sdk][1] == said["finish"]
    assert 12 == said["usage"]["completion_tokens" if sdk == "openai" else "output_tokens"]


def _called(told, sdk, way, sim):
    called = told["called"]
    assert FINISH[sdk] == called["finish"]
    assert (NAMES, [["city"]] * 2) == (tuple(called["names"]), called["fields"])
    assert 2 == len(set(called["ids"]))
    second = next(
        request.body.decode()
        for request in reversed(sim.requests)
        if all(id_.encode() in request.body for id_ in called["ids"])
    )
    assert all(f"It is {name}." in second for name in NAMES)


def _seen(told, sdk, way, sim):
    assert SEEN in told["seen"]


def _fitted(told, sdk, way, sim):
    assert (["city"], FINISH[sdk][1]) == (told["fitted"]["fields"], told["fitted"]["finish"])


def _thought(told, sdk, way, sim):
    """Of the two turns, the second has the thinking of the first, signed where that is done."""
    thought = told["thought"]
    assert thought["text"].startswith("Simulated answer:")
    assert FINISH[sdk][1] == thought["finish"]
    if "openai" == sim.profile.dialect:  # which shows no thinking
        assert not thought["thinking"]
        return
    assert thought["thinking"].startswith("Simulated thinking:")
    turns = [r.json()["messages"] for r in sim.requests if b"And then?" in r.body]
    before = turns[len(WAYS) * SDKS.index(sdk) + WAYS.index(way)][1]
    if "anthropic" == sim.profile.dialect:
        block = before["content"][0]
        assert signed(block["thinking"], block["signature"])
        before["reasoning_content"] = block["thinking"]
    assert thought["thinking"] == before["reasoning_content"]


def _errors(told, sdk, way, sim):
    *refused, broken = [
        (error["class"], error["status"], error["code"], error["retryAfter"])
        for error in told["errors"]
    ]
    assert ERRORS == refused
    assert all(error["message"] for error in told["errors"])
    if way == "whole":
        assert BROKEN == broken
        return
    # Told among the events: the status was sent before.
    assert ("APIError", None, "upstream_lost", None) == broken
    assert "broke off in the middle" in told["errors"][-1]["message"]


@asynccontextmanager
async def _upstreams(hub, kind):
    """A good provider of this type, and three on which every request fails in its own way."""
    plain = replace(PROFILE, dialect=kind, models=OFFERED)
    async with (
        Sim(plain) as good,
        Sim(_failing(plain, "throttled", rate_limited=1.0)) as throttled,
        Sim(replace(_failing(plain, "locked"), api_key="sk-another")) as locked,
        Sim(_failing(plain, "broken", cut_ended=1.0)) as broken,
    ):
        await hub.provider("good", good, type=kind, models=["gpt"], model=MODEL)
        await hub.model(THINKER, "good", max_context_tokens=64_000)
        for name, sim in zip(FAILING, (throttled, locked, broken), strict=True):
            await hub.provider(name, sim, type=kind, models=[name], model=MODEL)
        yield good


def _failing(profile, model_id, **rates):
    model = replace(profile.models[0], id=model_id)
    return replace(profile, models=(model,), faults=Faults(**rates), retry_after_s=7)


def _version(node):
    """The major version, of the `v20.1.2` that Node.js says."""
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
    return int(told.stdout.removeprefix("v").partition(".")[0])


def _install(npm, folder):
    """Let npm fetch the packages. Where it cannot, the test fails with what it said."""
    flags = ["--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
    flags += ["--fetch-retries=1"]  # with npm's own two, it is minutes until it gives up
    try:
        subprocess.run(
            [npm, "install", *flags],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
            timeout=INSTALL_S,
        )
    except subprocess.CalledProcessError as error:
        pytest.fail(f"npm could not fetch the packages:\n{error.stderr[-2000:]}", pytrace=False)
    except subprocess.TimeoutExpired:
        pytest.fail(f"npm has not fetched the packages in {INSTALL_S} s", pytrace=False)


async def _heard(node, asked):
    process = await asyncio.create_subprocess_exec(
        node,
        "proofs.mjs",
        msgspec.json.encode(asked).decode(),
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
