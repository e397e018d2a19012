"""What a caller meets when a provider fails before it has answered, and what the log says of it."""

import asyncio
import socket

import msgspec
import openai
import pytest

from tests.support.server import running
from tokenhub.sim.fault import Fault
from tokenhub.sim.profile import Constant, Latency

pytestmark = pytest.mark.anyio

HELLO = [{"role": "user", "content": "Hello"}]
JSON = "application/json"
DEADLINE_MS = 300
AMPLE_MS = 10_000
# What a request may take beyond its deadline.
GRACE_S = 0.25
OK = b"HTTP/1.1 200 OK\r\n"
REDIRECT = Fault.status(302, headers=(("location", "http://127.0.0.1:1/v1/"),))
GZIPPED = OK + b"content-encoding: gzip\r\ncontent-length: 3\r\n\r\n\x1f\x8b\x08"

# What the caller is told (status and code) and what each attempt was (class, state and status).
LATE = (504, "upstream_timeout", "timeout", "unknown", 0)
LOST = (502, "upstream_lost", "lost", "unknown", 0)
NO_HTTP = (502, "upstream_invalid_response", "broken", "unknown", 0)
BROKEN = (502, "upstream_invalid_response", "broken", "unknown", 200)
OVERLOADED = (503, "upstream_overloaded", "overloaded", "voided")
REFUSED = (502, "upstream_credential", "credential", "voided")
BEFORE = [
    pytest.param(Fault.hang(), LATE, id="hang"),
    pytest.param(Fault.slow_drip(0.05), LATE, id="slow drip of the head"),
    pytest.param(Fault.reset(), LOST, id="reset before the head"),
    pytest.param(Fault.reset(within_headers=True), LOST, id="reset within the head"),
    pytest.param(Fault.raw(OK + b"content-t"), LOST, id="closed within the head"),
    pytest.param(Fault.raw(b""), LOST, id="closed before the head"),
    pytest.param(Fault.raw(b"\0\1\2\r\n\r\n"), NO_HTTP, id="no HTTP"),
    pytest.param(Fault.raw(OK + b"x: a\0b\r\n\r\n"), NO_HTTP, id="NUL in a header"),
    pytest.param(Fault.raw(OK + b"x: " + b"a" * 400_000 + b"\r\n\r\n"), NO_HTTP, id="long head"),
    pytest.param(Fault.body(b"<html>a proxy</html>"), BROKEN, id="HTML"),
    pytest.param(Fault.body(b"<p>", content_type=JSON), BROKEN, id="HTML called JSON"),
    pytest.param(Fault.body(b"", content_type=JSON), BROKEN, id="empty"),
    pytest.param(Fault.body(b"null", content_type=JSON), BROKEN, id="null"),
    pytest.param(Fault.body(b"[" * 100_000, content_type=JSON), BROKEN, id="deep"),
    pytest.param(Fault.raw(GZIPPED), BROKEN, id="gzip"),
    pytest.param(REDIRECT, (*NO_HTTP[:3], "voided", 302), id="302"),
    pytest.param(Fault.status(500), (*OVERLOADED, 500), id="500"),
    pytest.param(Fault.overloaded(), (*OVERLOADED, 503), id="503"),
    pytest.param(Fault.status(529), (*OVERLOADED, 529), id="529"),
    pytest.param(Fault.status(401), (*REFUSED, 401), id="401"),
    pytest.param(Fault.status(403), (*REFUSED[:2], "forbidden", "voided", 403), id="403"),
]
# What only a whole answer can meet: in a stream, these come after its beginning.
WHOLE = [
    pytest.param(Fault.invalid_json(), BROKEN, id="invalid JSON"),
    pytest.param(Fault.cut("ended"), BROKEN, id="half a body"),
    pytest.param(Fault.cut("closed"), (*LOST[:4], 0), id="closed within the body"),
    pytest.param(Fault.cut("reset"), (*LOST[:4], 0), id="reset within the body"),
]
EVERY = [
    pytest.param(*param.values, stream, id=f"{param.id} {'streamed' if stream else 'whole'}")
    for stream in (False, True)
    for param in BEFORE + ([] if stream else WHOLE)
]


@pytest.fixture
async def hub(tmp_path, request):
    """Patient, but for what is late: on a busy machine anything else would be late, too."""
    told = getattr(request.node, "callspec", None) and request.node.callspec.params.get("told")
    patience_s = "0.5" if told in {None, LATE} else str(AMPLE_MS / 1000)
    async with running(tmp_path, PROVIDER_TIMEOUT_SECS=patience_s) as server:
        yield server


@pytest.fixture
def ask(hub, key):
    """Asks by /v1/chat, which takes the deadline; gives the response and its seconds."""

    async def send(*, stream, deadline_ms=AMPLE_MS):
        body = {
            "request": {"messages": HELLO, "model_hint": "gpt", "stream": stream},
            "policy": {"max_latency_ms": deadline_ms},
        }
        began = asyncio.get_running_loop().time()
        answer = await hub.http.post("/v1/chat", json=body, headers={"x-api-key": key})
        return answer, asyncio.get_running_loop().time() - began

    return send


@pytest.fixture
def closed_port():
    """An address of this machine where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize(("fault", "told", "stream"), EVERY)
async def test_alone(hub, ask, sim, *, fault, told, stream):
    """An error in the dialect, by the deadline, that names the class; the log has the attempts."""
    status, code, kind, state, attempt_status = told
    deadline_ms = DEADLINE_MS if told is LATE else AMPLE_MS
    await hub.provider("one", sim, models=["gpt"])
    sim.next(fault, fault)

    answer, seconds = await ask(stream=stream, deadline_ms=deadline_ms)

    error = answer.json()["error"]
    row = await hub.log(answer)
    assert (status, code) == (answer.status_code, error["code"])
    assert {"message", "type", "param", "code", "attempts"} == set(error)
    assert seconds <= deadline_ms / 1000 + GRACE_S
    assert (status, code, stream) == (row["status_code"], row["error_class"], row["stream"])
    assert {(kind, state, attempt_status)} == {
        (a["error_class"], a["state"], a["status_code"]) for a in row["attempts"]
    }
    assert len(sim.requests) == len(row["attempts"]) == len(error["attempts"])
    charged = row["estimated_cost_usd"] > 0
    assert (state == "unknown") == charged


@pytest.mark.parametrize(("fault", "told", "stream"), EVERY)
async def test_with_a_second_provider(hub, ask, sim, second, *, fault, told, stream):
    """The answer comes from the other one, and the ledger has both calls."""
    await hub.provider("one", sim, models=["gpt"], model={"weight": 10})
    await hub.provider("two", second, models=["gpt"], model={"weight": 1})
    sim.next(fault)

    # A whole answer may take half of the time while there is another to turn to.
    answer, _ = await ask(stream=stream, deadline_ms=4 * DEADLINE_MS if told is LATE else AMPLE_MS)

    row = await hub.log(answer)
    assert 200 == answer.status_code
    assert ("2", "two") == (
        answer.headers["x-tokenhub-attempts"],
        answer.headers["x-tokenhub-provider"],
    )
    assert [("one", told[2], told[3]), ("two", "", "settled")] == [
        (a["provider_id"], a["error_class"], a["state"]) for a in row["attempts"]
    ]
    assert ("two", 200, "") == (row["provider_id"], row["status_code"], row["error_class"])
    assert row["estimated_cost_usd"] == pytest.approx(sum(a["cost_usd"] for a in row["attempts"]))
    assert (1, 1) == (len(sim.requests), len(second.requests))


@pytest.mark.parametrize("stream", [False, True])
async def test_a_closed_port_is_unreachable_and_costs_nothing(hub, ask, closed_port, stream):
    await hub.provider("one", closed_port, models=["gpt"])

    answer, _ = await ask(stream=stream)

    row = await hub.log(answer)
    assert (502, "upstream_unreachable") == (answer.status_code, answer.json()["error"]["code"])
    assert [("unreachable", "voided")] * 2 == [
        (a["error_class"], a["state"]) for a in row["attempts"]
    ]
    assert 0 == row["estimated_cost_usd"]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_closed_port_leaves_the_other_provider(hub, ask, closed_port, second, stream):
    await hub.provider("one", closed_port, models=["gpt"], model={"weight": 10})
    await hub.provider("two", second, models=["gpt"], model={"weight": 1})

    answer, _ = await ask(stream=stream)

    assert (200, "two") == (answer.status_code, answer.headers["x-tokenhub-provider"])


async def test_a_name_that_does_not_resolve_is_unreachable(hub, ask):
    await hub.provider("one", "http://no.such.host.invalid:9", models=["gpt"])

    answer, _ = await ask(stream=False, deadline_ms=5_000)

    assert "upstream_unreachable" == answer.json()["error"]["code"]


async def test_the_servers_own_deadline_holds_where_the_request_has_none(tmp_path, sim):
    sim.next(Fault.hang())
    async with running(tmp_path, DEFAULT_MAX_LATENCY_MS="200") as hub:
        await hub.provider("one", sim, models=["gpt"])
        began = asyncio.get_running_loop().time()

        answer = await hub.http.post(
            "/v1/chat/completions",
            json={"messages": HELLO},
            headers={"x-api-key": await hub.key()},
        )

        assert (504, "upstream_timeout") == (answer.status_code, answer.json()["error"]["code"])
        assert asyncio.get_running_loop().time() - began <= 0.2 + GRACE_S
    assert 1 == sim.hangups


async def test_the_deadline_of_a_stream_counts_from_its_request(tmp_path, sim):
    """A late head leaves less time for the rest."""
    slow = Latency(first_token_s=Constant(value=0.4), tokens_per_s=20.0)
    sim.profile = msgspec.structs.replace(sim.profile, latency=slow)
    async with running(tmp_path, DEFAULT_MAX_LATENCY_MS="500") as hub:
        await hub.provider("one", sim, models=["gpt"])
        key = await hub.key()
        began = asyncio.get_running_loop().time()

        answer = await hub.http.post(
            "/v1/chat", json={"messages": HELLO, "stream": True}, headers={"x-api-key": key}
        )

        assert asyncio.get_running_loop().time() - began <= 0.5 + GRACE_S
        assert "upstream_timeout" == (await hub.log(answer))["error_class"]
        assert b'"upstream_timeout"' in answer.content


@pytest.mark.parametrize("stream", [False, True])
async def test_a_refusal_of_the_request_reaches_one_provider(hub, ask, sim, second, stream):
    await hub.provider("one", sim, models=["gpt"])
    await hub.provider("two", second, models=["gpt"])
    for one in (sim, second):
        one.next(*[Fault.status(400, code="bad_thing", message="no such thing")] * 4)

    answer, _ = await ask(stream=stream)

    row = await hub.log(answer)
    assert (400, "bad_thing") == (answer.status_code, answer.json()["error"]["code"])
    assert 1 == len(sim.requests) + len(second.requests)
    assert [("client", "voided")] == [(a["error_class"], a["state"]) for a in row["attempts"]]


async def test_the_words_of_a_failing_provider_stay_here(hub, ask, sim):
    await hub.provider("one", sim, models=["gpt"])
    sim.next(Fault.status(401, message="bad key sk-upstream-secret"))

    answer, _ = await ask(stream=False)

    assert 502 == answer.status_code
    assert "sk-upstream-secret" not in answer.text


async def test_a_provider_without_its_key_is_no_401_of_ours(hub, sdk, sim):
    sim.profile = msgspec.structs.replace(sim.profile, api_key="sk-right")
    await hub.provider("one", sim, models=["gpt"], api_key="sk-wrong")

    with pytest.raises(openai.InternalServerError) as caught:
        await sdk.chat.completions.create(model="gpt", messages=HELLO)

    assert (502, "upstream_credential") == (caught.value.status_code, caught.value.code)
    assert "www-authenticate" not in caught.value.response.headers


async def test_a_dead_endpoint_of_two_is_left_for_the_other(hub, ask, sim, closed_port):
    """The endpoints take turns, so that the one repetition asks the living one."""
    await hub.provider("one", closed_port, sim, models=["gpt"])

    answers = [(await ask(stream=stream))[0] for stream in (False, True, False, True)]

    assert [200] * 4 == [answer.status_code for answer in answers]
    assert 4 == len(sim.requests)


async def test_a_hung_whole_answer_is_closed_at_the_provider(hub, ask, sim):
    await hub.provider("one", sim, models=["gpt"])
    sim.next(Fault.hang())

    await ask(stream=False, deadline_ms=DEADLINE_MS)

    async with asyncio.timeout(1):
        await sim.abandoned(1)
    assert 1 == sim.hangups


async def test_an_outage_is_not_hidden_by_a_provider_that_cannot_carry_the_request(hub, sim, key):
    """An SDK tries a 503 again, and a 400 never; a key of the caller's keeps neither."""
    await hub.provider("one", sim, models=["gpt"], model={"weight": 10})
    await hub.provider("two", sim, type="anthropic", models=["large"], model={"weight": 1})
    sim.next(Fault.overloaded(), Fault.overloaded())
    sound = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
    body = {"messages": [{"role": "user", "content": [sound]}]}
    headers = {"x-api-key": key, "idempotency-key": "order-7"}

    first, second = [
        await hub.http.post("/v1/chat/completions", json=body, headers=headers) for _ in range(2)
    ]

    assert (503, "upstream_overloaded") == (first.status_code, first.json()["error"]["code"])
    assert 200 == second.status_code
    assert "idempotency-replay" not in second.headers


async def test_what_no_provider_can_carry_is_looked_at_anew(hub, sim, second, key):
    """Once a provider is there that can, the same request with the same key is answered."""
    await hub.provider("one", sim, type="anthropic", models=["large"])
    sound = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
    body = {"messages": [{"role": "user", "content": [sound]}]}
    headers = {"x-api-key": key, "idempotency-key": "order-7"}

    refused = await hub.http.post("/v1/chat/completions", json=body, headers=headers)
    await hub.provider("two", second, models=["gpt"])
    answer = await hub.http.post("/v1/chat/completions", json=body, headers=headers)

    assert (400, "unsupported_content") == (refused.status_code, refused.json()["error"]["code"])
    assert (200, "two") == (answer.status_code, answer.headers["x-tokenhub-provider"])


@pytest.mark.parametrize("stream", [False, True])
async def test_an_empty_account_is_no_mistake_of_the_callers(hub, key, sim, second, stream):
    await hub.provider("one", sim, type="anthropic", models=["large"], model={"weight": 10})
    await hub.provider("two", second, models=["gpt"], model={"weight": 1})
    said = "Your credit balance is too low to access the Anthropic API. Please go to Plans."
    sim.next(*[Fault.status(400, message=said)] * 2)
    body = {"messages": HELLO, "stream": stream}

    answer = await hub.http.post("/v1/chat", json=body, headers={"x-api-key": key})

    row = await hub.log(answer)
    assert (200, "two") == (answer.status_code, answer.headers["x-tokenhub-provider"])
    assert ["exhausted", ""] == [attempt["error_class"] for attempt in row["attempts"]]


async def test_a_stream_of_nothing_but_its_end_leaves_the_other_provider(hub, ask, sim, second):
    await hub.provider("one", sim, models=["gpt"], model={"weight": 10})
    await hub.provider("two", second, models=["gpt"], model={"weight": 1})
    sim.next(Fault.body(b"data: [DONE]\n\n", content_type="text/event-stream"))

    answer, _ = await ask(stream=True)

    row = await hub.log(answer)
    assert (200, "two") == (answer.status_code, answer.headers["x-tokenhub-provider"])
    assert ["broken", ""] == [attempt["error_class"] for attempt in row["attempts"]]


async def test_a_count_that_is_late_is_free(hub, sim, key):
    await hub.provider("one", sim, type="anthropic", models=["large"])
    sim.next(Fault.hang(), Fault.hang())
    body = {"model": "large", "messages": [{"role": "user", "content": "x" * 40_000}]}

    answer = await hub.http.post("/v1/messages/count_tokens", json=body, headers={"x-api-key": key})

    row = await hub.log(answer)
    assert (200, 10_000) == (answer.status_code, answer.json()["input_tokens"] // 1000 * 1000)
    assert 0 == row["estimated_cost_usd"]
    assert {"voided"} == {attempt["state"] for attempt in row["attempts"]}


async def test_what_a_provider_echoes_does_not_reach_the_log(hub, ask, sim):
    await hub.provider("one", sim, models=["gpt"])
    echoed = "the caller's own words " * 500
    sim.next(Fault.status(400, code=echoed, message="no"))

    answer, _ = await ask(stream=False)

    row = await hub.log(answer)
    assert (400, "invalid_request") == (answer.status_code, answer.json()["error"]["code"])
    assert "upstream_refused" == row["error_class"]
