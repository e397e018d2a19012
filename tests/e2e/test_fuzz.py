"""Requests that nobody would send on purpose: a 4xx in the route's dialect, never a 5xx.

Case n is made of the seed and n alone, so a failure names what to run again. 1,500 of them run
with the other tests; `just fuzz` runs 10,000 (reliability.md F33).
"""

import asyncio
import json
import os
import random
from collections import Counter
from contextlib import closing
from copy import deepcopy

import httptools
import msgspec
import pytest

from tests.e2e.conftest import PROFILE
from tests.support.server import running
from tokenhub.sim.app import Sim
from tokenhub.sim.profile import Model

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]

COUNT = int(os.environ.get("FUZZ_REQUESTS", "1500"))  # noqa: TID251 - of the test, no setting
SEED = int(os.environ.get("FUZZ_SEED", "3"))  # noqa: TID251 - of the test, no setting
AT_ONCE = 8

COMPLETIONS, CHAT, EMBEDDINGS = "/v1/chat/completions", "/v1/chat", "/v1/embeddings"
MESSAGES, COUNT_TOKENS, MODELS = "/v1/messages", "/v1/messages/count_tokens", "/v1/models"
PLAN = "/v1/plan"
ASKING = (COMPLETIONS, CHAT, EMBEDDINGS, MESSAGES, COUNT_TOKENS, PLAN)
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
ARGUMENTS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}

# --- what is changed: every kind of part that a body can have


OPENAI_BODY = {
    "messages": [
        {"role": "system", "content": "Be short. @@tokenhub mode=cheap min_weight=5"},
        {"role": "developer", "content": [{"type": "text", "text": "And kind."}]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
                {"type": "image_url", "image_url": {"url": "https://pictures.test/a.png"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "weather", "arguments": '{"city":"Bern"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
        {"role": "user", "content": "And then? As JSON."},
    ],
    "tools": [{"type": "function", "function": {"name": "weather", "parameters": ARGUMENTS}}],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "response_format": {"type": "json_object"},
    "stop": ["END"],
    "temperature": 0.5,
    "top_p": 0.9,
    "max_tokens": 20,
    "n": 1,
    "reasoning_effort": "low",
    "user": "u",
    "metadata": {"a": "b"},
    "stream": False,
}
ANTHROPIC_BODY = {
    "max_tokens": 20,
    "system": [{"type": "text", "text": "Be short.", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "@@tokenhub mode=cheap\nWhat is this?"},
                {
                    "type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": PIXEL},
                },
                {
                    "type": "document",
                    "source": {"type": "text", "media_type": "text/plain", "data": "words"},
                    "title": "a page",
                },
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Bern"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_1",
                    "content": [{"type": "text", "text": "sunny"}],
                    "is_error": False,
                }
            ],
        },
    ],
    "tools": [{"name": "weather", "description": "how it is", "input_schema": ARGUMENTS}],
    "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    "stop_sequences": ["END"],
    "temperature": 0.5,
    "top_k": 5,
    "thinking": {"type": "disabled"},
    "metadata": {"user_id": "u"},
    "stream": False,
}
NATIVE_BODY = {
    "request": {
        "id": "one",
        "messages": [{"role": "user", "content": "Hello"}],
        "model_hint": "gpt",
        "estimated_input_tokens": 20,
        "parameters": {"temperature": 0.5, "max_tokens": 20},
        "stream": False,
        "meta": {"a": 1},
    },
    "policy": {"mode": "cheap", "max_budget_usd": 0.5, "min_weight": 3},
    "output_format": {"type": "text", "strip_think": True, "max_tokens": 9},
}
EMBEDDINGS_BODY = {
    "model": "gpt",
    "input": ["one", "two"],
    "encoding_format": "float",
    "dimensions": 8,
    "user": "u",
}
COUNT_BODY = {name: ANTHROPIC_BODY[name] for name in ("system", "messages", "tools", "tool_choice")}
PLAN_BODY = {
    **NATIVE_BODY,
    "orchestration": {
        "mode": "refine",
        "iterations": 1,
        "primary_min_weight": 0,
        "review_min_weight": 0,
        "primary_model_id": "gpt",
        "review_model_id": "claude",
        "return_plan_only": False,
    },
}
BODIES = {
    COMPLETIONS: OPENAI_BODY,
    CHAT: NATIVE_BODY,
    EMBEDDINGS: EMBEDDINGS_BODY,
    MESSAGES: ANTHROPIC_BODY,
    COUNT_TOKENS: COUNT_BODY,
    PLAN: PLAN_BODY,
}

# --- what it is changed to


class Raw(bytes):
    """Bytes that stand in the body as they are, JSON or none."""

    __slots__ = ()


DEEP = tuple(
    Raw(begin * depth + b"1" + end * depth)
    for depth in (70, 500, 1_000, 1_100, 30_000)
    for begin, end in ((b"[", b"]"), (b'{"a":', b"}"))
)
# Parts in parts: the vendors' formats end after three, and a reader must not follow all the way.
RESULTS = tuple(
    Raw(begin * depth + b'{"type":"text","text":"@@tokenhub mode=cheap"}' + b"]}" * depth)
    for depth in (3, 4, 300, 1_000)
    for begin in (
        b'{"type":"tool_result","tool_use_id":"toolu_1","content":[',
        b'{"type":"search_result","source":"u","title":"t","content":[',
    )
)
VALUES = (
    *DEEP,
    *RESULTS,
    *(Raw(b"[" + result + b"]") for result in RESULTS),
    *map(Raw, (b"NaN", b"-Infinity", b"1e400", b"-1e400", b"9" * 400, b"-0", b"01", b"1.", b"")),
    *map(Raw, (b'"\xff\xfe"', b'"\xed\xa0\x80"', b'"\xc0\xaf"', b'"\n"', b'"\0"', b"'x'")),
    *map(Raw, (rb'"\ud800"', rb'"\udc00\ud800"', rb'"a\ud83d"', rb'"\u0000"', rb'"\x"')),
    *map(Raw, (b"[1,]", b'{"a":1,}', b'{"a":1,"a":2}', b"{5:5}", b"/**/1", b"undefined")),
    *(None, True, False, 0, -1, 0.5, -0.0, 1e-320, 1e308),
    *(2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, 2**64, 10**30, -(2**63) - 1),
    *(
        "",
        " ",
        "x",
        "5",
        "null",
        "true",
        "\x7f",
        "\u202e",
        "\U0001f469\u200d\U0001f4bb",
        "a" * 5_000,
    ),
    *("\0", "a\r\nx-evil: b", "\x1b[2J", "\u2028", "a\tb", "\U000e0001", "\ufeff"),
    *("user", "assistant", "tool", "system", "auto", "none", "required", "any", "json_schema"),
    *("text", "image_url", "image", "document", "tool_use", "tool_result", "thinking", "base64"),
    *("url", "file", "input_audio", "redacted_thinking", "server_tool_use", "search_result"),
    *("data:image/png;base64,", "data:;base64,%%%", "file:///etc/passwd", "http://[::1", "\\"),
    *("@@tokenhub", "@@tokenhub mode=", "@@tokenhub\nmode=cheap", "@@tokenhub budget=1e400"),
    *("@@tokenhub min_weight=99999", "@@tokenhub \ufeff=1", "@@tokenhub x=y\n@@end\n@@end"),
    *([], {}, [[]], [None], [{}], {"": ""}, {"type": None}, {"type": "object"}, [0] * 300),
    *({"type": "text"}, {"type": "text", "text": None}, {"type": "image_url", "image_url": {}}),
    *({"type": "thinking", "thinking": "hm", "signature": "c2ln"}, {"type": "refusal"}),
    *({"type": "function"}, {"type": "tool", "name": "absent"}, {"type": "enabled"}),
    *({"type": "enabled", "budget_tokens": 2**70}, {"$ref": "#"}, {"function": {"name": ""}}),
)
# A field of any object: what one vendor has and the other not, and what nobody has.
NAMES = (
    *("model", "messages", "stream", "stream_options", "max_completion_tokens", "logprobs", "n"),
    *("logit_bias", "seed", "audio", "modalities", "prediction", "functions", "function_call"),
    *("system", "top_k", "thinking", "output_config", "service_tier", "container", "betas"),
    *("cache_control", "citations", "role", "content", "type", "id", "name", "input", "index"),
    *("tool_calls", "refusal", "reasoning_content", "x_unknown", "__proto__", "", "\0", "a" * 999),
    *("a\r\nb", "x-\x7f", "\x1b[2J", "\u2028", "\u202e", "title", "context", "a" * 20_000),
)
# More messages, parts, tools, inputs or parameters than any request has.
MANY, MANY_BYTES = 12_000, 300_000
SCHEMAS = (
    *map(Raw, (b"5", b"[]", b"NaN", b'"{"', b'"5"', b'{"type":5}', b'{"$ref":"http://h.test/"}')),
    *map(Raw, (b'{"pattern":"("}', b'{"$ref":"#/absent"}', b'{"required":[1]}', b'{"$id":5}')),
    *(depth for depth in DEEP if len(depth) > 2_000),
)
# What a latency budget cannot be; what it can be is about time, and not about form.
LATENCIES = (-1, 300_001, 2**70, "5", [], 0.5, Raw(b"NaN"), Raw(b"1e400"))
HEADERS = (
    b"content-type: text/plain",
    b"content-type: application/json; charset=utf-16",
    b"content-type: \xff",
    b"content-type:",
    b"content-encoding: gzip",
    b"content-encoding: \xfe",
    b"authorization: Basic eDp5",
    b"authorization: Bearer",
    b"authorization: Bearer \xff\xfe",
    b"authorization: Bearer thk_" + b"a" * 4_000,
    b"x-api-key: ",
    b"x-api-key: \xe9",
    b"x-tokenhub-substitute: never",
    b"x-tokenhub-substitute: same-model",
    b"x-tokenhub-substitute: perhaps",
    b"x-tokenhub-substitute: \xff",
    b"anthropic-version: 2023-06-01",
    b"anthropic-version: 1",
    b"anthropic-version: \xff",
    b"anthropic-beta: " + b"a," * 900,
    b"anthropic-beta: \t\x7f",
    b"anthropic-beta: context-1m",
    b"idempotency-key: a",
    b"idempotency-key: ",
    b'idempotency-key: "',
    b'idempotency-key: "a\\"',
    b"idempotency-key: \xff",
    b"idempotency-key: " + b"k" * 256,
    b"x-idempotency-key: b",
    b"idempotency-retry: force",
    b"idempotency-retry: please",
    b"x-request-id: " + b"\xff" * 50,
    b"x-forwarded-for: ::1, \xff",
    b"forwarded: for=unknown",
    b"accept: application/xml",
    b"accept-encoding: br;q=\xff",
    b"range: bytes=5-",
    b"if-none-match: *",
    b"cookie: " + b"a=b; " * 500,
    b"upgrade: websocket",
    b"connection: close, upgrade",
    b"expect: 100-continue",
    b"transfer-encoding: identity",
    b"content-length: -1",
    b"content-length: 5, 5",
    b"no colon",
    b"\xff: \xff",
    b" folded: line",
)
PATHS = (
    *("/v1", "/v1/", "/v1//chat", "/v1/chat/", "/v1/models/", "/v1/completions", "/v1/responses"),
    *(
        "/v1/models/gpt",
        "/v1/models/claude",
        "/v1/models/%00",
        "/v1/models/%FF",
        "/v1/models/a%2Fb",
    ),
    *("/v1/models/..%2f..", "/v1/models/\xff", "/v1/models?limit=1", "/v1/models?limit=-1"),
    *("/v1/models?limit=%FF", "/v1/models?after_id=gpt", "/v1/models?before_id=absent&limit=1e9"),
    *("/v1/models?limit=" + "9" * 5_000, "/v1/messages/", "/v1/messages/batches", "/v1/%63hat"),
    *("/v1/messages/count_tokens/x", "/v1/chat/completions?beta=true", "/v1/embeddings/%0d%0aa:b"),
)
OFFERS = (b"websocket", b"h2c", b"h2c, websocket", b"TLS/1.0", b"", b"\xff", b"a" * 2_000)
METHODS = ("GET", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "POST")


# --- how


class Case:
    """Request `number`: its method, path and bytes."""

    def __init__(self, number, key):
        self._random = random.Random(f"{SEED} {number}")
        self.method, self.path = "POST", self._random.choice(ASKING)
        if self._random.random() < 0.12:
            self.path = self._random.choice((*PATHS, MODELS, *ASKING))
            self.method = self._random.choice(METHODS if self.path in BODIES else ("GET", "POST"))
        self.headers = [
            b"host: 127.0.0.1",
            b"connection: close",
            b"authorization: Bearer " + key.encode(),
            b"content-type: application/json",
        ]
        body = self._body(BODIES.get(self.path, EMBEDDINGS_BODY))
        if self.path.startswith(MODELS) and self._random.random() < 0.5:
            self.headers.append(b"anthropic-version: 2023-06-01")
        self.headers.append(b"content-length: %d" % len(body))
        while self._random.random() < 0.2:
            self._odd_header()
        if self._random.random() < 0.05:
            offer = self._random.choice(OFFERS)
            self.headers += [b"Connection: close, Upgrade", b"Upgrade: " + offer]
        head = f"{self.method} {self.path} HTTP/1.1".encode("latin-1")
        self.wire = b"\r\n".join([head, *self.headers]) + b"\r\n\r\n" + body

    @property
    def dialect(self):
        if self.path.startswith(MESSAGES):
            return "anthropic"
        versioned = any(header.startswith(b"anthropic-version:") for header in self.headers)
        return "anthropic" if self.path.startswith(MODELS) and versioned else "openai"

    def _body(self, base):
        """The base with a few changes; now and then with none, or with its bytes disturbed."""
        pick = self._random
        body = deepcopy(base)
        body["model"] = pick.choice(["gpt", "claude", "gpt", "claude", "absent", ""])
        if self.path not in {COUNT_TOKENS, EMBEDDINGS}:
            body["stream"] = pick.random() < 0.3
        if "request" in body:
            body["request"] |= {"model_hint": body.pop("model"), "stream": body.pop("stream")}
        if self.path == PLAN:
            body["orchestration"]["mode"] = pick.choice(["planning", "adversarial", "vote"])
        for _ in range(pick.choice([0, 1, 1, 1, 1, 1, 2, 2, 3, 6])):
            self._change(body)
        if self.path == CHAT and pick.random() < 0.1:
            body["output_format"] = {"schema": pick.choice(SCHEMAS)}
        if self.path == CHAT and pick.random() < 0.1:
            body["policy"] = {"max_latency_ms": pick.choice(LATENCIES)}
            return encoded(body)
        data = encoded(body)
        return self._disturbed(data) if pick.random() < 0.25 else data

    def _change(self, body):
        """Replace, drop, wrap, double or add one thing anywhere in a body."""
        pick = self._random
        found = list(places(body))
        holder, name = pick.choice(found)
        # Doubles of doubles would soon be larger than any memory.
        copies = pick.choice([1, 2, 40]) if len(found) < 200 else 0
        value = deepcopy(pick.choice(VALUES))
        match pick.choice(["replace"] * 5 + ["drop", "wrap", "double", "add", "swap", "many"]):
            case "replace":
                holder[name] = value
            case "drop":
                del holder[name]
            case "wrap":
                holder[name] = pick.choice([[holder[name]], {"a": holder[name]}])
            case "double" if isinstance(holder, list):
                holder.extend(deepcopy([holder[name]] * copies))
            case "many" if isinstance(holder, list):
                one = encoded(holder[name])
                holder[name:] = [
                    Raw(b",".join([one] * min(MANY, MANY_BYTES // (len(one) + 1) + 1)))
                ]
            case "many":
                holder[name] = {f"{name} {number}": number for number in range(MANY // 10)}
            case "add" if isinstance(holder, dict):
                holder[pick.choice(NAMES)] = value
            case _:
                other, place = pick.choice(found)
                holder[name] = deepcopy(other[place]) if copies else value

    def _disturbed(self, data):
        pick = self._random
        at = pick.randrange(len(data) + 1)
        until = min(len(data), at + pick.choice([1, 1, 2, 9, 100]))
        match pick.randrange(5):
            case 0:
                return data[:at]
            case 1:
                return data[:at] + data[until:]
            case 2:
                return data[:at] + pick.randbytes(pick.choice([1, 2, 8])) + data[until:]
            case 3:
                return data[:until] + data[at:]
            case _:
                return data[:at] + pick.choice([b"\xef\xbb\xbf", b"\0", b'"', b"}", b"\xf4\x90"])

    def _odd_header(self):
        """One more, or another one in the place of what is there; the length stays true."""
        odd = self._random.choice(HEADERS)
        name = odd.partition(b":")[0] + b":"
        if name != b"content-length:" and self._random.random() < 0.7:
            self.headers = [header for header in self.headers if not header.startswith(name)]
        self.headers.insert(self._random.randrange(len(self.headers) + 1), odd)


def places(value):
    """Every (holder, key) in a body."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for name, held in list(inner):
        yield value, name
        if isinstance(held, dict | list):
            yield from places(held)


def encoded(value):
    """JSON, with the Raw ones as they are."""
    match value:
        case Raw():
            return bytes(value)
        case dict():
            pairs = (encoded(name) + b":" + encoded(held) for name, held in value.items())
            return b"{" + b",".join(pairs) + b"}"
        case list():
            return b"[" + b",".join(map(encoded, value)) + b"]"
        case _:
            return json.dumps(value).encode()


class Heard:
    """A response, read to its end."""

    def __init__(self, raw):
        self.body, self.headers, self.whole, self.answers = b"", {}, False, 0
        parser = httptools.HttpResponseParser(self)
        parser.feed_data(raw)
        self.status = parser.get_status_code()

    def on_header(self, name, value):
        self.headers[name.decode().lower()] = value.decode("latin-1")

    def on_body(self, data):
        self.body += data

    def on_message_begin(self):
        self.answers += 1

    def on_message_complete(self):
        self.whole = True


class Talking(asyncio.Protocol):
    """Sends a request and gathers what comes, also where a reset ends it."""

    def __init__(self, wire):
        self.heard = bytearray()
        self.over = asyncio.get_running_loop().create_future()
        self._wire = wire

    def connection_made(self, transport):
        transport.write(self._wire)

    def data_received(self, data):
        self.heard += data

    def connection_lost(self, error):
        if not self.over.done():
            self.over.set_result(None)


async def asked(port, wire):
    loop = asyncio.get_running_loop()
    transport, talking = await loop.create_connection(lambda: Talking(wire), "127.0.0.1", port)
    with closing(transport):
        async with asyncio.timeout(20):
            await talking.over
    return bytes(talking.heard)


# --- what must hold


def verdict(case, raw):
    """The status, once all that was promised holds. Raises AssertionError."""
    while raw.startswith(b"HTTP/1.1 100"):
        raw = raw.partition(b"\r\n\r\n")[2]
    heard = Heard(raw)
    assert heard.status < 500
    assert 1 == heard.answers
    assert heard.whole
    assert b"Traceback" not in heard.body
    kind = heard.headers["content-type"]
    if kind.startswith("text/plain"):  # no HTTP, and so no route
        assert (400, b"Invalid HTTP request received.") == (heard.status, heard.body)
        return heard.status
    assert heard.headers["x-request-id"].startswith("req_")
    assert (case.dialect == "anthropic") == ("request-id" in heard.headers)
    assert all(len(value) < 1_100 for value in heard.headers.values())
    if kind.startswith("text/event-stream"):
        assert 200 == heard.status
        assert_ended(case, heard.body)
        return heard.status
    assert "application/json" == kind
    body = json.loads(heard.body)
    if heard.status == 200:
        assert_answer(case, body)
    else:
        assert_error(case.dialect, body)
    return heard.status


def assert_error(dialect, body):
    error = body["error"]
    assert error["message"]
    assert error["type"]
    if dialect == "anthropic":
        assert "error" == body["type"]
        assert body["request_id"].startswith("req_")
    else:
        assert {"error"} == set(body)
        assert {"message", "type", "param", "code"} <= set(error)


def assert_answer(case, body):
    path = case.path.partition("?")[0]
    if path == PLAN:
        assert {"orchestration_id", "mode", "partial", "error", "steps"} < set(body)
        assert body["partial"] == (body["error"] is not None)
        return
    if path == CHAT:
        assert {"negotiated_model", "estimated_cost_usd", "routing_reason", "response"} == set(body)
        body, path = body["response"], COMPLETIONS
    match path:
        case "/v1/chat/completions":
            assert "chat.completion" == body["object"]
        case "/v1/embeddings":
            assert "list" == body["object"]
        case "/v1/messages":
            assert "message" == body["type"]
        case "/v1/messages/count_tokens":
            assert body["input_tokens"] > 0
        case "/v1/models":
            assert ("first_id" if case.dialect == "anthropic" else "object") in body
        case _:
            assert body["id"] in {"gpt", "claude"}


def assert_ended(case, body):
    *_, last, nothing = body.split(b"\n\n")
    assert b"" == nothing
    if case.path == PLAN:
        assert last.startswith((b"event: plan_finished\n", b'data: {"error":'))
    elif case.dialect == "anthropic":
        assert last.startswith(b"event: message_stop\n")
    else:
        assert b"data: [DONE]" == last


@pytest.fixture
async def served(tmp_path):
    """One provider of each vendor's type; nothing but a request's form can be refused."""
    free = {"weight": 10, "input_per_1k": 0, "output_per_1k": 0}
    other = msgspec.structs.replace(
        PROFILE, dialect="anthropic", models=(Model(id="claude", context_tokens=4_000),)
    )
    async with (
        Sim(PROFILE, record=False) as openai,
        Sim(other, record=False) as anthropic,
        running(tmp_path) as hub,
    ):
        await hub.provider("one", openai, models=["gpt"], model=free)
        await hub.provider("two", anthropic, type="anthropic", models=["claude"], model=free)
        yield hub


async def test_no_request_makes_the_server_fail(served):
    key = await served.key("chat", "plan", "embeddings")
    statuses, failures, numbers = Counter(), [], iter(range(COUNT))

    async def work():
        for number in numbers:
            case = Case(number, key)
            try:
                status = verdict(case, await asked(served.port, case.wire))
            except (AssertionError, KeyError, ValueError, httptools.HttpParserError) as error:
                failures.append((number, case.method, case.path, repr(error)[:300]))
            else:
                statuses[case.path if case.path in BODIES else "other", status] += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(work())

    print(*(f"{path} {status}: {n}" for (path, status), n in sorted(statuses.items())), sep="\n")
    assert [] == failures[:5]
    assert COUNT == sum(statuses.values())
    # A mutation that only ever meets the first check would prove little.
    assert all(statuses[path, 200] and statuses[path, 400] for path in ASKING)
