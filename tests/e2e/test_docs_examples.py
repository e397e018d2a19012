"""The examples on the pages for application developers, run before simulated providers.

What a fenced block is, its first line says:

    ```json POST /v1/chat -> 200; Name: value    a request; headers of it, or of its answer
    ```json POST /v1/feedback -> 200             of the request before, whatever id is shown
    ```json answer                               what the answer before looks like
    ```text user message -> 200                  words of a user's turn in a chat
    ```text events, ```text last event           of the stream before: its events, its last line
    ```python, ```sh curl ...                    run, and meant to end well
"""

import asyncio
import re
import shlex
from pathlib import Path

import msgspec
import pytest

from tokenhub.sim.app import Sim
from tokenhub.sim.profile import Constant, Model, Profile

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs/user"
TRIED = (
    "chat",
    "plan",
    "messages",
    "translation",
    "embeddings",
    "streaming",
    "errors",
    "limits-and-retries",
    "directives",
    "output-formats",
    "feedback",
    "quickstart",
    "../../README",
)
HERE = "http://localhost:8080"
BLOCK = re.compile(
    r"^```(?P<kind>\w+)?(?P<what>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
REQUEST = re.compile(r"POST (?P<path>/v1/[\w/]+) -> (?P<status>\d+)(?P<headers>.*)")
SHOWN_ID = re.compile(r"req_[0-9a-f]{28}")
SPOKEN = re.compile(r"user message -> (?P<status>\d+)")
# What an example shows as it is; all else in it is of one run, and only has to be there.
TOLD = {"type", "code", "param", "message", "object", "role", "negotiated_model", "routing_reason"}
OPENAI = Profile(
    name="openai",
    dialect="openai",
    models=tuple(
        Model(id=id_, context_tokens=64_000) for id_ in ("gpt-4o-mini", "text-embedding-3-small")
    ),
    answer_tokens=Constant(value=8),
)
ANTHROPIC = Profile(
    name="anthropic",
    dialect="anthropic",
    models=(Model(id="claude-sonnet-4-5", context_tokens=64_000),),
    answer_tokens=Constant(value=8),
)


class Examples:
    """Runs the blocks of a page in their order; `answer` is what came last."""

    def __init__(self, http, key):
        self.http = http
        self.key = key
        self.answer = None
        self.asked = ""

    async def post(self, path, body, headers=None):
        sent = {
            "authorization": f"Bearer {self.key}",
            "content-type": "application/json",
            **(headers or {}),
        }
        self.answer = await self.http.post(path, content=body, headers=sent)

    async def run(self, kind, what, text):
        if request := REQUEST.fullmatch(what):
            await self.request(request, text)
        elif spoken := SPOKEN.fullmatch(what):
            turns = [{"role": "user", "content": text}]
            body = msgspec.json.encode({"model": "gpt-4o-mini", "messages": turns})
            await self.post("/v1/chat/completions", body)
            assert int(spoken["status"]) == self.answer.status_code, self.answer.text
        elif what == "answer":
            assert_resembles(msgspec.json.decode(text), self.answer.json())
        elif what == "events":
            assert text.split("\n")[:-1] == events(self.answer.text)
        elif what == "last event":
            assert self.answer.text.rstrip().endswith(f"\n{text.rstrip()}")
        elif kind == "python":
            program = compile(text.replace(HERE, str(self.http.base_url).rstrip("/")), what, "exec")
            await asyncio.to_thread(exec, program, {"__name__": "example"})
        elif text.startswith("curl "):
            await self.curl(text)
        else:
            assert (kind, what) != ("json", ""), f"nobody tries this example: {text}"

    async def request(self, request, text):
        """The headers after the status are the request's, and those of an answer what it has."""
        told = dict(part.split(": ") for part in request["headers"].split("; ")[1:])
        if request["path"] == "/v1/feedback" and request["status"] == "200":
            text = SHOWN_ID.sub(self.asked, text)
        await self.post(request["path"], text, told)
        if request["path"] != "/v1/feedback":
            self.asked = self.answer.headers["x-request-id"]
        assert int(request["status"]) == self.answer.status_code, self.answer.text
        for name in told.keys() & {"X-TokenHub-Dropped-Params", "Idempotency-Replay"}:
            assert told[name] == self.answer.headers[name]

    async def curl(self, text):
        words = shlex.split(text.replace("\\\n", " "))
        url = next(word for word in words if word.startswith(HERE))
        await self.post(url.removeprefix(HERE), words[words.index("-d") + 1])
        assert 200 == self.answer.status_code, self.answer.text


@pytest.fixture
async def examples(hub, monkeypatch):
    """Two vendors with a model or two each, and a key that may all."""
    key = await hub.key("chat", "embeddings", "plan")
    monkeypatch.setenv("TOKENHUB_API_KEY", key)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    async with Sim(OPENAI) as openai, Sim(ANTHROPIC) as anthropic:
        for profile, sim in ((OPENAI, openai), (ANTHROPIC, anthropic)):
            models = [model.id for model in profile.models]
            await hub.provider(
                profile.name,
                sim,
                type=profile.dialect,
                models=models,
                model={"max_context_tokens": 64_000, "weight": 6},
            )
        # Where an example names no model, the better one answers, whoever was quicker before.
        await hub.admin("PATCH", "models/gpt-4o-mini?provider_id=openai", {"weight": 10})
        yield Examples(hub.http, key)


@pytest.mark.parametrize("page", TRIED)
async def test_every_example_of_a_page_does_what_it_says(examples, page):
    blocks = list(BLOCK.finditer((PAGES / f"{page}.md").read_text(encoding="utf-8")))
    assert blocks

    for block in blocks:
        await examples.run(block["kind"], block["what"].strip(), block["text"])


def test_every_page_with_requests_is_tried():
    written = {
        page.stem
        for page in PAGES.glob("*.md")
        if re.search(
            r"^```(python|json POST|sh\ncurl )", page.read_text(encoding="utf-8"), re.MULTILINE
        )
    }

    assert set() == written - set(TRIED)


def assert_resembles(shown, real):
    """The real answer has all that is shown of it."""
    for name, value in shown.items():
        assert name in real
        if isinstance(value, dict):
            assert_resembles(value, real[name])
        elif name in TOLD:
            assert value == real[name]


def events(text):
    """The names of events, each run of one once, without the pings."""
    names = re.findall(r"^event: (?!ping).*$", text, re.MULTILINE)
    return [name for at, name in enumerate(names) if not at or name != names[at - 1]]
