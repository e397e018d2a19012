"""Every drill of the simulation, from both kinds of caller to both kinds of provider.

A drill is met by eight requests at once: OpenAI's and Anthropic's format, each to a provider of
the same format (bytes pass) and of the other (translated), whole and streamed.
"""

import asyncio
import json
from typing import NamedTuple

import pytest

from tests.support.server import running
from tokenhub.sim.drills import DRILLS, WORDS
from tokenhub.sim.fault import Fault

pytestmark = pytest.mark.anyio

HELLO = [{"role": "user", "content": "Hello"}]
PATHS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}
MODELS = {"openai": "gpt", "anthropic": "large"}
IDLE_S = 0.3
DEADLINE_S = 0.9
# The Retry-After of a drill, which is waited for where nobody else is left.
NAMED_S = {"throttled": 2.0}
# Where no limit of time is met, so that a busy machine meets none either.
AMPLE_S = 10.0
# What eight requests at once may take beyond their deadline on a busy machine.
GRACE_S = 0.6

# What each class is for the caller: status, and code.
TOLD = {
    "throttled": (429, "upstream_throttled"),
    "overloaded": (503, "upstream_overloaded"),
    "credential": (502, "upstream_credential"),
    "context": (400, "context_length_exceeded"),
    "timeout": (504, "upstream_timeout"),
    "lost": (502, "upstream_lost"),
    "broken": (502, "upstream_invalid_response"),
}
# The vendors' types of an error, by its status.
TYPES = {
    "openai": {429: "rate_limit_error", 400: "invalid_request_error"},
    "anthropic": {
        400: "invalid_request_error",
        429: "rate_limit_error",
        503: "overloaded_error",
        504: "timeout_error",
    },
}
OTHER_TYPE = {"openai": "server_error", "anthropic": "api_error"}
# By drill: the class of a whole answer and of a stream; none where it is answered. "+": after the
# answer has begun. "|": whichever limit, of size or time, or packet is the first to come.
CLASSES = {
    "throttled": ("throttled", "throttled"),
    "overloaded": ("overloaded", "overloaded"),
    "server error": ("overloaded", "overloaded"),
    "wrong key": ("credential", "credential"),
    "context overflow": ("context", "context"),
    "hang": ("timeout", "timeout"),
    "reset": ("lost", "lost"),
    "reset in the head": ("lost", "lost"),
    "closed in the head": ("lost", "lost"),
    "long header": ("broken", "broken"),
    "head drip": ("timeout", "timeout"),
    "web page": ("broken", "broken"),
    "null": ("broken", "broken"),
    "long line": ("broken", "broken"),
    "gzip bomb": ("broken", "broken"),
    "endless comments": ("timeout", "timeout|broken"),
    "endless pings": ("timeout", "timeout"),
    "bad chunk": ("broken", "broken|+broken"),
    "body drip": ("timeout", "timeout"),
    "garbage": ("broken", "+broken"),
    "half an event": ("broken", "+broken"),
    "cut by reset": ("lost", "+lost"),
    "cut by close": ("lost", "+lost"),
    "cut but ended": ("broken", "+lost"),
    "error event": ("broken", "+overloaded"),
    "throttled midway": ("throttled", "+throttled"),
    "stall": ("timeout", "+timeout"),
    "no last event": ("", "+lost"),
}


class Ask(NamedTuple):
    """A request's way: the caller's format, the provider's, and whether it is streamed."""

    speech: str
    provider: str
    stream: bool


EIGHT = [
    Ask(speech, provider, stream)
    for speech in PATHS
    for provider in MODELS
    for stream in (False, True)
]


def early(name):
    """The requests that fail before the answer has begun."""
    return [ask for ask in EIGHT if (kind := CLASSES[name][ask.stream]) and "+" not in kind]


class Ended(NamedTuple):
    """How it went, and what the log says of it."""

    ask: Ask
    answer: object
    seconds: float
    row: dict


@pytest.fixture
async def hub(tmp_path, request):
    name = request.node.callspec.params.get("name")
    late = "timeout" in "".join(CLASSES.get(name, ()))
    limits = {
        "PROVIDER_TIMEOUT_SECS": str(IDLE_S if late else AMPLE_S),
        "DEFAULT_MAX_LATENCY_MS": str(int((DEADLINE_S if late else AMPLE_S) * 1000)),
    }
    async with running(tmp_path, **limits) as server:
        yield server


@pytest.fixture
def registered(hub):
    """Registers a simulation as a provider of each format."""

    async def register(place, suffix, **model):
        for speech, name in MODELS.items():
            await hub.provider(f"{speech}-{suffix}", place, models=[name], model=model, type=speech)

    return register


@pytest.fixture
def asked(hub, key):
    """Sends these requests; gives how they ended.

    Those to one provider come one after the other, each to a provider that is not known to be bad.
    """

    async def one(ask):
        body = {"model": MODELS[ask.provider], "messages": HELLO, "max_tokens": 64}
        headers = {"x-api-key": key, "x-tokenhub-substitute": "same-model"}
        began = asyncio.get_running_loop().time()
        answer = await hub.http.post(
            PATHS[ask.speech], json=body | {"stream": ask.stream}, headers=headers
        )
        return answer, asyncio.get_running_loop().time() - began

    async def in_turn(asks):
        ends = []
        for ask in asks:
            for suffix in await hub.providers():
                if suffix.startswith(ask.provider):
                    await hub.forget(suffix)
            ends.append(await one(ask))
        return ends

    async def every(asks):
        queues = [[ask for ask in asks if ask.provider == name] for name in MODELS]
        found = await asyncio.gather(*map(in_turn, queues))
        ended = {
            ask: end
            for queue, ends in zip(queues, found, strict=True)
            for ask, end in zip(queue, ends, strict=True)
        }
        ends = [ended[ask] for ask in asks]
        rows = [await hub.log(answer) for answer, _ in ends]
        return [
            Ended(ask, answer, seconds, row)
            for ask, (answer, seconds), row in zip(asks, ends, rows, strict=True)
        ]

    return every


def test_every_drill_has_its_class() -> None:
    bad = {name for name, drill in DRILLS.items() if "error" in (drill.whole, drill.streamed)}

    assert bad == set(CLASSES)
    assert len(DRILLS) >= 20


@pytest.mark.parametrize("name", CLASSES)
async def test_alone(asked, registered, sim, name):
    """An error of its class in the caller's dialect, in time; never a clean end."""
    await registered(sim, "one")
    sim.next(*[DRILLS[name].fault] * 40)

    ends = await asked(EIGHT)

    for end in ends:
        assert end.seconds <= DEADLINE_S + GRACE_S + NAMED_S.get(name, 0.0)
        kind = met(end, CLASSES[name][end.ask.stream])
        if not kind:
            assert_good(end)
        elif kind.startswith("+"):
            assert_told_midway(end, kind[1:])
        else:
            assert_refused(end, kind)


@pytest.mark.parametrize("name", [name for name in CLASSES if early(name)])
async def test_with_a_second_provider(asked, registered, sim, second, name):
    """Before the first content the other one answers; the ledger has both."""
    await registered(sim, "one", weight=10, max_context_tokens=4_000)
    await registered(second, "two", weight=1, max_context_tokens=64_000)
    sim.next(*[DRILLS[name].fault] * 40)

    ends = await asked(early(name))

    for end in ends:
        kind = met(end, CLASSES[name][end.ask.stream])
        assert_good(end)
        assert end.seconds <= DEADLINE_S + GRACE_S
        assert [(f"{end.ask.provider}-one", kind), (f"{end.ask.provider}-two", "")] == [
            (attempt["provider_id"], attempt["error_class"]) for attempt in end.row["attempts"]
        ]


@pytest.mark.parametrize("name", sorted(DRILLS.keys() - CLASSES))
async def test_what_is_odd_but_good_is_answered(asked, registered, sim, name):
    await registered(sim, "one")
    sim.next(*[DRILLS[name].fault] * 8)

    ends = await asked(EIGHT)

    for end in ends:
        assert_good(end)
        assert end.row["input_tokens"] > 0
        if name == "split bytes":
            assert WORDS in text(end)
        if name == "no usage":
            assert any(attempt["estimated"] for attempt in end.row["attempts"])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(asked, registered, sim, second, status):
    await registered(sim, "one")
    sim.next(*[Fault.redirect(f"{second.url}/v1/", status=status)] * 8)

    ends = await asked(EIGHT)

    for end in ends:
        assert_refused(end, "broken")
    assert [] == second.requests


def met(end, kinds):
    """Of these classes the one that the first attempt was, else the first of them."""
    begun = end.answer.status_code == 200 and len(end.row["attempts"]) == 1
    kind = "+" * begun + end.row["attempts"][0]["error_class"]
    return kind if kind in kinds.split("|") else kinds.split("|")[0]


def assert_refused(end, kind):
    """An error as a status, before anything was said."""
    status, code = TOLD[kind]
    assert (status, "application/json") == (
        end.answer.status_code,
        end.answer.headers["content-type"],
    ), end
    assert_error(end.answer.json(), end.ask.speech, kind)
    assert_logged(end.row, kind)
    assert code == end.row["error_class"]


def assert_told_midway(end, kind):
    """Some of the answer, then an error event as the last, and no clean end."""
    events = events_of(end)
    said = end.answer.text

    assert 200 == end.answer.status_code, end
    assert text(end) or end.row["output_tokens"]
    assert "[DONE]" not in said
    assert "message_stop" not in said
    assert_error(events[-1], end.ask.speech, kind)
    assert all("error" not in event for event in events[:-1])
    assert ("event: error\n" in said) == (end.ask.speech == "anthropic")
    assert_logged(end.row, kind)


def assert_error(body, speech, kind):
    status, code = TOLD[kind]
    error = body["error"]
    assert code == error["code"], body
    assert TYPES[speech].get(status, OTHER_TYPE[speech]) == error["type"]
    assert error["message"]
    if speech == "anthropic":
        assert "error" == body["type"]
        assert body["request_id"]
    if kind != "context":
        assert {kind} == {attempt["class"] for attempt in error["attempts"]}


def assert_logged(row, kind):
    status, code = TOLD[kind]
    assert (status, code) == (row["status_code"], row["error_class"])
    assert {kind} == {attempt["error_class"] for attempt in row["attempts"]}


def assert_good(end):
    """A whole answer with its end in the caller's dialect, settled once."""
    said = end.answer.text
    assert 200 == end.answer.status_code, end
    assert text(end)
    assert ("", 200) == (end.row["error_class"], end.row["status_code"])
    assert "settled" == end.row["attempts"][-1]["state"]
    assert end.row["output_tokens"] > 0
    if not end.ask.stream:
        return
    events = events_of(end)
    assert all("error" not in event for event in events)
    if end.ask.speech == "openai":
        assert said.endswith("data: [DONE]\n\n")
        assert 1 == said.count("[DONE]")
    else:
        assert {"type": "message_stop"} == events[-1]
        assert 1 == said.count("event: message_stop")
    # Between equals the provider's bytes stay as they came, a second finish among them.
    if end.ask.speech != end.ask.provider:
        assert 1 == sum(finished(event) for event in events)


def events_of(end):
    lines = end.answer.text.splitlines()
    data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    return [json.loads(one) for one in data if one != "[DONE]"]


def finished(event):
    if event.get("type") == "message_delta":
        return bool(event["delta"]["stop_reason"])
    return any(choice.get("finish_reason") for choice in event.get("choices", ()))


def text(end):
    """What the model said, from either dialect."""
    if end.ask.stream:
        return "".join(map(_piece, events_of(end)))
    body = end.answer.json()
    if end.ask.speech == "openai":
        return body["choices"][0]["message"]["content"]
    return "".join(block.get("text", "") for block in body["content"])


def _piece(event):
    if event.get("type") == "content_block_delta":
        return event["delta"].get("text", "")
    return "".join(choice["delta"].get("content") or "" for choice in event.get("choices", ()))
