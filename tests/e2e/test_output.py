"""What a caller can make of an answer: its form, its length, and a JSON Schema that it must fit."""

import json

import msgspec
import pytest

from tests.e2e.conftest import PROFILE
from tests.support.server import running
from tokenhub.sim.app import Sim
from tokenhub.sim.fault import Fault
from tokenhub.sim.profile import Constant, Latency, Model

pytestmark = pytest.mark.anyio

HELLO = [{"role": "user", "content": "Hello"}]
BOOK = {
    "type": "object",
    "properties": {"author": {"type": "string"}, "year": {"type": "integer"}},
    "required": ["author", "year"],
    "additionalProperties": False,
}
# A model that is known to think within a budget.
THINKER = "claude-sonnet-4-5"
GOOD = '{"author":"Austen","year":1815}'
BAD = '{"author":"Austen","year":"then"}'
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]


@pytest.fixture
async def claude():
    """A simulated provider of the other vendor."""
    models = tuple(Model(id=name, context_tokens=4_000) for name in ("claude", THINKER))
    other = msgspec.structs.replace(PROFILE, dialect="anthropic", models=models)
    async with Sim(other) as one:
        yield one


@pytest.fixture
async def sims(hub, sim, claude):
    """The simulated providers by their model."""
    await hub.provider("one", sim, models=["gpt"])
    await hub.provider("two", claude, type="anthropic", models=["claude", THINKER])
    return {"gpt": sim, "claude": claude}


@pytest.fixture
def chat(hub, key, sims):
    """Asks /v1/chat; gives the response."""

    async def ask(model="gpt", *, parameters=None, **fields):
        body = {"messages": HELLO, "model_hint": model, "parameters": parameters or {}, **fields}
        return await hub.http.post("/v1/chat", json=body, headers={"x-api-key": key})

    return ask


class Told:
    """An answer of /v1/chat, whole or streamed, as one."""

    def __init__(self, answer):
        assert 200 == answer.status_code, answer.text
        if not answer.headers["content-type"].startswith("text/event-stream"):
            body = answer.json()["response"]
            choice = body["choices"][0]
            self.text = choice["message"]["content"]
            self.reasoning = reasoned([choice["message"]])
            self.calls = [call["function"] for call in choice["message"].get("tool_calls") or ()]
            self.finish, self.usage, self.id = choice["finish_reason"], body["usage"], body["id"]
            return
        *events, end, nothing = answer.text.split("\n\n")
        assert ("data: [DONE]", "") == (end, nothing)
        chunks = [json.loads(event.removeprefix("data: ")) for event in events]
        (self.id,) = {chunk["id"] for chunk in chunks}
        self.usage = next((c["usage"] for c in chunks if c.get("usage")), None)
        choices = [choice for chunk in chunks for choice in chunk["choices"]]
        deltas = [choice["delta"] for choice in choices]
        self.text = "".join(delta.get("content") or "" for delta in deltas)
        self.reasoning = reasoned(deltas)
        self.calls = gathered(call for d in deltas for call in d.get("tool_calls") or ())
        (self.finish,) = [c["finish_reason"] for c in choices if c.get("finish_reason")]


def reasoned(messages):
    """The text of the reasoning: signed, it is in the details."""
    details = [part for message in messages for part in message.get("reasoning_details") or ()]
    plain = [message.get("reasoning_content") or "" for message in messages]
    return "".join(plain) or "".join(part.get("text") or "" for part in details)


def gathered(pieces):
    calls = {}
    for piece in pieces:
        call = calls.setdefault(piece["index"], {"name": "", "arguments": ""})
        call["name"] += piece["function"].get("name") or ""
        call["arguments"] += piece["function"].get("arguments") or ""
    return list(calls.values())


both = pytest.mark.parametrize("model", ["gpt", "claude"])
either_way = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


# --- the form of a text


@both
@either_way
@pytest.mark.parametrize(
    ("form", "said", "expected"),
    [
        ({"type": "json"}, ("Here:\n``", '`json\n{"a"', ": 1}\n", "```\nDone."), '{"a": 1}'),
        ({"type": "json"}, (' {"a":', " 1} "), '{"a": 1}'),
        ({"type": "markdown"}, (" \n# A", " title\n", "\n"), "# A title"),
        ({"type": "text"}, ("# A ti", "tle\n* **bo", "ld** `x`\n"), "A title\nbold x"),
        ({"strip_think": True}, ("<thi", "nk>secret</th", "ink>\n\nopen"), "open"),
        ({"max_tokens": 2}, ("abc", "defgh", "ijk"), "abcdefgh..."),
        ({"type": "xml"}, (" <a>", "</a> "), " <a></a> "),
    ],
)
async def test_the_text_takes_its_form(chat, sims, *, model, stream, form, said, expected):
    sims[model].say(*said)

    told = Told(await chat(model, stream=stream, output_format=form))

    assert expected == told.text
    assert ("length" if "max_tokens" in form else "stop") == told.finish


@either_way
async def test_reasoning_is_stripped_where_that_is_asked(chat, sims, stream):
    """Reasoning that the provider sends apart from its text goes with the one in tags."""
    for _ in range(2):
        sims["claude"].say("4", thinking=["two and two"])

    asked = {"parameters": {"reasoning_effort": "high"}, "stream": stream}
    kept = Told(await chat(THINKER, **asked))
    stripped = Told(await chat(THINKER, **asked, output_format={"strip_think": True}))

    assert ("4", "two and two") == (kept.text, kept.reasoning)
    assert ("4", "") == (stripped.text, stripped.reasoning)


@both
@either_way
async def test_id_usage_and_calls_stay(chat, sims, model, stream):
    """Both are asked the same; only the one answer is shaped."""
    parameters = {"tools": TOOLS, "stream_options": {"include_usage": True}}
    if not stream:
        del parameters["stream_options"]
    told = []
    for form in (None, {"type": "text", "strip_think": True, "max_tokens": 1}):
        sims[model].say("# Looking ", "it up", calls=[("weather", '{"city":"Bern"}')])
        answer = await chat(model, stream=stream, parameters=parameters, output_format=form)
        told.append(Told(answer))

    plain, shaped = told
    assert ("# Looking it up", "Lo...") == (plain.text, shaped.text)
    assert [{"name": "weather", "arguments": '{"city":"Bern"}'}] == shaped.calls
    assert [plain.calls, "tool_calls"] == [shaped.calls, shaped.finish]
    counts = ("prompt_tokens", "completion_tokens", "total_tokens")
    assert [plain.usage[name] for name in counts] == [shaped.usage[name] for name in counts]
    assert shaped.usage["completion_tokens"] > 0
    assert shaped.id.startswith("chatcmpl-" if model == "gpt" else "msg_")


async def test_all_but_the_text_is_the_providers_own(chat, sims):
    """Two answers, and fields that nobody has heard of."""
    choices = [
        {
            "index": index,
            "message": {"role": "assistant", "content": f" {text} ", "annotations": [{"x": index}]},
            "logprobs": {"content": []},
            "finish_reason": "stop",
        }
        for index, text in enumerate(("first", "second"))
    ]
    said = {"id": "c", "model": "m", "created": 1, "service_tier": "flex", "choices": choices}
    said["usage"] = {"prompt_tokens": 3, "completion_tokens": 4, "prompt_tokens_details": {"x": 1}}
    body = json.dumps(said).encode()
    sims["gpt"].next(Fault.body(body, content_type="application/json"))

    answer = await chat(output_format={"type": "markdown"})

    for choice in choices:
        choice["message"]["content"] = choice["message"]["content"].strip()
    assert 200 == answer.status_code, answer.text
    assert said == answer.json()["response"]


async def test_all_but_the_text_of_a_stream_is_the_providers_own(hub, chat, sims):
    chunk = {"id": "c", "service_tier": "flex", "model": "m"}
    deltas = [(0, " a "), (1, " "), (1, "b"), (0, "\n")]
    chunks = [
        *[{"choices": [{"index": i, "delta": {"content": text}}]} for i, text in deltas],
        *[{"choices": [{"index": i, "delta": {}, "finish_reason": "stop"}]} for i in (0, 1)],
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}},
    ]
    events = "".join([f"data: {json.dumps({**chunk, **more})}\n\n" for more in chunks])
    body = f"{events}data: [DONE]\n\n".encode()
    sims["gpt"].next(Fault.body(body, content_type="text/event-stream"))

    answer = await chat(stream=True, output_format={"type": "markdown"})

    *told, end, _ = answer.text.split("\n\n")
    given = [json.loads(event.removeprefix("data: ")) for event in told]
    assert "data: [DONE]" == end
    assert {"flex"} == {event["service_tier"] for event in given}
    said = {0: "", 1: ""}
    for choice in [choice for event in given for choice in event["choices"]]:
        said[choice["index"]] += choice["delta"].get("content") or ""
    assert {0: "a", 1: "b"} == said
    assert 4 == (await hub.log(answer))["output_tokens"]


@either_way
async def test_several_answers_cannot_fit_a_schema(chat, sims, stream):
    answer = await chat(stream=stream, parameters={"n": 2}, output_schema=BOOK)

    error = answer.json()["error"]
    assert (400, "n", "invalid_value") == (answer.status_code, error["param"], error["code"])
    assert [] == sims["gpt"].requests


@either_way
async def test_what_a_provider_does_not_count_is_shown_as_it_is_charged(hub, key, sims, stream):
    sims["gpt"].say("word " * 50)
    sims["gpt"].next(Fault.no_usage())
    body = {"model": "gpt", "messages": HELLO, "max_tokens": 500, "stream": stream}

    answer = await hub.http.post("/v1/messages", json=body, headers={"x-api-key": key})

    assert 200 == answer.status_code, answer.text
    row = await hub.log(answer)
    if stream:
        lines = answer.text.splitlines()
        events = [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
        (usage,) = [event["usage"] for event in events if event["type"] == "message_delta"]
        assert row["output_tokens"] == usage["output_tokens"]
    else:
        usage = answer.json()["usage"]
    assert usage["output_tokens"] > 0
    assert row["input_tokens"] == usage["input_tokens"] > 0


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"type": "yaml"}, "output_format.type"),
        ({"type": 5}, "output_format.type"),
        ({"max_tokens": -1}, "output_format.max_tokens"),
        ({"max_tokens": "5"}, "output_format.max_tokens"),
        ({"strip_think": "yes"}, "output_format.strip_think"),
        ({"indent": 2}, "output_format.indent"),
        ([], "output_format"),
    ],
)
async def test_a_form_that_cannot_be_names_its_field(chat, sims, form, field):
    answer = await chat(output_format=form)

    assert (400, field) == (answer.status_code, answer.json()["error"]["param"])
    assert [] == sims["gpt"].requests


# --- a schema


@both
@either_way
@pytest.mark.parametrize("said", [GOOD, f"```json\n{GOOD}\n```", f"\n {GOOD} "])
async def test_an_answer_that_fits_comes_as_it_is(chat, sims, model, stream, said):
    sims[model].say(said)

    told = Told(await chat(model, stream=stream, output_schema=BOOK))

    assert json.loads(GOOD) == json.loads(told.text)
    assert ("stop", 1) == (told.finish, len(sims[model].requests))


@both
async def test_the_provider_is_asked_in_its_own_way(chat, sims, model):
    """A closed schema with all members required is in both vendors' structured output."""
    sims[model].say(GOOD)

    Told(await chat(model, stream=True, output_schema=BOOK))

    sent = sims[model].requests[0].json()
    if model == "gpt":
        form = sent["response_format"]["json_schema"]
        assert (BOOK, True) == (form["schema"], form["strict"])
    else:
        assert {"type": "json_schema", "schema": BOOK} == sent["output_config"]["format"]
    assert not sent.get("stream")


@both
@either_way
async def test_a_second_try_mends_an_answer(hub, chat, sims, model, stream):
    sims[model].say(BAD)
    sims[model].say(GOOD)

    answer = await chat(model, stream=stream, output_schema=BOOK)

    assert GOOD == Told(answer).text
    first, second = (request.json() for request in sims[model].requests)
    *before, said, wish = second["messages"]
    assert before == first["messages"]
    assert "assistant" == said["role"]
    assert "year" in json.dumps(said)
    assert "/year" in json.dumps(wish)
    row = await hub.log(answer)
    assert_both_charged(row)
    assert (200, None) == (row["status_code"], row["error_class"] or None)


@both
@either_way
async def test_two_answers_that_do_not_fit_are_charged_and_refused(hub, chat, sims, model, stream):
    sims[model].say(BAD)
    sims[model].say("no JSON at all")

    answer = await chat(model, stream=stream, output_schema=BOOK)

    error = answer.json()["error"]
    assert (502, "output_schema_failed") == (answer.status_code, error["code"])
    assert 2 == len(error["attempts"]) == len(sims[model].requests)
    assert "Austen" not in answer.text
    row = await hub.log(answer)
    assert_both_charged(row)
    assert (502, "output_schema_failed") == (row["status_code"], row["error_class"])


async def test_a_second_try_that_fails_charges_the_first(hub, chat, sims):
    sims["gpt"].say(BAD)
    sims["gpt"].next(Fault.none(), Fault.status(400))

    answer = await chat(output_schema=BOOK)

    row = await hub.log(answer)
    assert (502, "output_schema_failed") == (answer.status_code, row["error_class"])
    assert ["settled", "voided"] == [attempt["state"] for attempt in row["attempts"]]
    assert row["estimated_cost_usd"] > 0


async def test_no_second_try_without_the_budget_for_it(hub, chat, sims):
    """The first call is booked at what it cost, and nothing is left for another one."""
    sims["gpt"].say(*BAD)
    budget = {"max_budget_usd": 0.00014}

    answer = await chat(output_schema=BOOK, policy=budget, parameters={"max_tokens": 50})

    assert (502, 1) == (answer.status_code, len(sims["gpt"].requests))
    assert 1 == len((await hub.log(answer))["attempts"])


@pytest.mark.parametrize("place", ["request", "form"])
@pytest.mark.parametrize(
    "schema",
    [
        5,
        [],
        "no schema",
        {"type": "text"},
        {"$ref": "http://127.0.0.1:9/secrets.json"},
        {"$ref": "file:///etc/passwd"},
        {"$ref": "#/$defs/absent"},
        {"pattern": "(a+)+(?=b)"},
        {"enum": ["x" * 70_000]},
        {"properties": {"a": {"$id": "http://h.test/"}}},
        {"allOf": [{"type": "string"}] * 1_200},
    ],
)
async def test_a_hostile_schema_is_refused_before_the_call(hub, chat, sims, place, schema):
    fields = {"output_schema": schema} if place == "request" else {}
    form = {"output_format": {"schema": schema}} if place == "form" else {}

    answer = await chat(**fields, **form)

    error = answer.json()["error"]
    where = "output_schema" if place == "request" else "output_format.schema"
    assert (400, "invalid_schema", where) == (answer.status_code, error["code"], error["param"])
    assert [] == sims["gpt"].requests


async def test_two_schemas_that_differ_are_refused(chat):
    answer = await chat(output_schema=BOOK, output_format={"schema": {"type": "object"}})

    assert (400, "output_format.schema") == (answer.status_code, answer.json()["error"]["param"])


def assert_both_charged(row):
    """Two attempts are settled, and their cost is the request's."""
    attempts = row["attempts"]
    assert ["settled", "settled"] == [attempt["state"] for attempt in attempts]
    costs = [attempt["cost_usd"] for attempt in attempts]
    assert all(cost > 0 for cost in costs)
    assert sum(costs) == pytest.approx(row["estimated_cost_usd"])


# --- parameters without a counterpart, and pauses


async def test_what_a_provider_has_no_words_for_is_told(chat, sims):
    answer = await chat("claude", parameters={"seed": 5, "logit_bias": {"5": 1}})

    dropped = answer.headers["x-tokenhub-dropped-params"]
    assert (200, {"seed", "logit_bias"}) == (answer.status_code, set(dropped.split(", ")))
    assert "seed" not in sims["claude"].requests[0].json()


@either_way
async def test_it_is_refused_where_that_is_asked(tmp_path, claude, stream):
    body = {"model": "claude", "messages": HELLO, "seed": 5, "stream": stream}
    async with running(tmp_path, STRICT_PARAMS="true") as hub:
        await hub.provider("two", claude, type="anthropic", models=["claude"])
        headers = {"x-api-key": await hub.key()}

        answer = await hub.http.post("/v1/chat/completions", json=body, headers=headers)

    error = answer.json()["error"]
    assert (400, "unsupported_parameter") == (answer.status_code, error["code"])
    assert "seed" == error["param"]
    assert [] == claude.requests


async def test_a_pause_in_a_stream_has_heartbeats(tmp_path, sim):
    slow = Latency(tokens_per_s=5)
    sim.profile = msgspec.structs.replace(
        sim.profile, latency=slow, answer_tokens=Constant(value=3)
    )
    body = {"model": "gpt", "messages": HELLO, "stream": True}
    async with running(tmp_path, HEARTBEAT_SECS="0.05") as hub:
        await hub.provider("one", sim, models=["gpt"])
        headers = {"x-api-key": await hub.key()}

        answer = await hub.http.post("/v1/chat/completions", json=body, headers=headers)

    events = answer.text.removesuffix("\n\n").split("\n\n")
    beats = [event for event in events if event.startswith(":")]
    assert 4 <= len(beats) <= 14
    assert "data: [DONE]" == events[-1]
    assert all(event in beats or event.startswith("data: ") for event in events)
