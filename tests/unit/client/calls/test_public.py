"""Each public endpoint once: method, path, body, and the type of its answer."""

import msgspec
import pytest

from tokenhub.client.call import Call
from tokenhub.client.calls import info, public, raw
from tokenhub.client.errors import BadCall
from tokenhub.wire import anthropic, openai
from tokenhub.wire.asking import Asked, Asking, Planning, Steps
from tokenhub.wire.feedback import FeedbackGiven, FeedbackIn
from tokenhub.wire.ledger import Usage
from tokenhub.wire.native import PlanAnswer, PolicyIn, Routed

HELLO = [openai.FullMessage(role="user", content="Hello")]
COMPLETION = openai.FullRequest(messages=HELLO)
ASKING = Asking(request=Asked(messages=HELLO), policy=PolicyIn(mode="cheap"))
PLANNING = Planning(request=Asked(messages=HELLO), orchestration=Steps(mode="vote"))
MESSAGE = anthropic.Request(model="m", max_tokens=5, messages=())
EMBEDDING = openai.EmbeddingRequest(input="x", model="m")
JUDGED = FeedbackIn(request_id="r", score=1.0)

CALLS = [
    (public.list_models(), "GET", "/v1/models", None, openai.ModelList),
    (public.get_model("a/b"), "GET", "/v1/models/a/b", None, openai.ModelCard),
    (
        public.complete(COMPLETION),
        "POST",
        "/v1/chat/completions",
        COMPLETION,
        openai.FullCompletion,
    ),
    (public.chat(ASKING), "POST", "/v1/chat", ASKING, Routed),
    (public.plan(PLANNING), "POST", "/v1/plan", PLANNING, PlanAnswer),
    (public.message(MESSAGE), "POST", "/v1/messages", MESSAGE, anthropic.Answer),
    (
        public.count_tokens(MESSAGE),
        "POST",
        "/v1/messages/count_tokens",
        MESSAGE,
        anthropic.Counted,
    ),
    (public.embed(EMBEDDING), "POST", "/v1/embeddings", EMBEDDING, openai.Embeddings),
    (public.judge(JUDGED), "POST", "/v1/feedback", JUDGED, FeedbackGiven),
    (public.usage(), "GET", "/v1/usage", None, Usage),
    (info.metrics(), "GET", "/metrics", None, bytes),
]


@pytest.mark.parametrize(("call", "method", "path", "body", "returns"), CALLS)
def test_call_is_what_the_endpoint_wants(
    call: Call[object], method: str, path: str, body: object, returns: type
) -> None:
    assert (method, path, body, returns) == (call.method, call.path, call.body, call.returns)


def test_what_asks_a_model_changes_nothing_of_the_server() -> None:
    asking = [call for call, *_ in CALLS if not call.changes]

    assert [public.judge(JUDGED)] == [call for call, *_ in CALLS if call not in asking]


def test_a_policy_stands_in_headers() -> None:
    call = public.complete(COMPLETION, headers=[("X-TokenHub-Mode", "cheap")])

    assert (("X-TokenHub-Mode", "cheap"),) == call.headers


def test_any_request_can_be_sent() -> None:
    call = raw.request("patch", "models/gpt?a=1&b=", body=b"{}", headers=[("If-Match", '"3"')])

    assert ("PATCH", "/admin/v1/models/gpt") == (call.method, call.path)
    assert (("a", "1"), ("b", "")) == call.query
    assert (msgspec.Raw(b"{}"), True) == (call.body, call.changes)
    assert not raw.request("get", "/v1/models").changes


@pytest.mark.parametrize("path", ["http://elsewhere/x", "//elsewhere/x", "", "?a=1"])
def test_a_token_goes_to_no_other_server(path: str) -> None:
    with pytest.raises(BadCall, match="no path on the server"):
        raw.request("GET", path)
