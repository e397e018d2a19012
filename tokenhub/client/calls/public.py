"""Calls that take an API key in place of the admin token: what callers of the server do."""

from collections.abc import Sequence

from tokenhub.client.call import Call, item
from tokenhub.wire.anthropic import Answer, Counted
from tokenhub.wire.anthropic import Request as MessagesRequest
from tokenhub.wire.asking import Asking, Planning
from tokenhub.wire.feedback import FeedbackGiven, FeedbackIn
from tokenhub.wire.ledger import Usage
from tokenhub.wire.native import PlanAnswer, Routed
from tokenhub.wire.openai import (
    EmbeddingRequest,
    Embeddings,
    FullCompletion,
    FullRequest,
    ModelCard,
    ModelList,
)

MODELS = "/v1/models"
Headers = Sequence[tuple[str, str]]


def list_models() -> Call[ModelList]:
    """What can be asked for; open to all, unless the server is set otherwise."""
    return Call(method="GET", path=MODELS, returns=ModelList)


def get_model(model_id: str) -> Call[ModelCard]:
    """One model that can be asked for."""
    return Call(method="GET", path=item(MODELS, model_id), returns=ModelCard)


def complete(asked: FullRequest, *, headers: Headers = ()) -> Call[FullCompletion]:
    """An answer in OpenAI's format. `headers` may bring a policy (docs/user/chat.md)."""
    return Call(
        method="POST",
        path="/v1/chat/completions",
        body=asked,
        headers=tuple(headers),
        returns=FullCompletion,
        asks=True,
    )


def chat(asked: Asking) -> Call[Routed]:
    """An answer with how it was chosen and what it cost."""
    return Call(method="POST", path="/v1/chat", body=asked, returns=Routed, asks=True)


def plan(asked: Planning) -> Call[PlanAnswer]:
    """An answer in several steps."""
    return Call(method="POST", path="/v1/plan", body=asked, returns=PlanAnswer, asks=True)


def message(asked: MessagesRequest) -> Call[Answer]:
    """An answer in Anthropic's format."""
    return Call(method="POST", path="/v1/messages", body=asked, returns=Answer, asks=True)


def count_tokens(asked: MessagesRequest) -> Call[Counted]:
    """How many tokens a prompt has."""
    return Call(
        method="POST", path="/v1/messages/count_tokens", body=asked, returns=Counted, asks=True
    )


def embed(asked: EmbeddingRequest) -> Call[Embeddings]:
    """Embeddings, the vectors unread."""
    return Call(method="POST", path="/v1/embeddings", body=asked, returns=Embeddings, asks=True)


def judge(sent: FeedbackIn) -> Call[FeedbackGiven]:
    """How good an answer was, from the key that asked for it."""
    return Call(method="POST", path="/v1/feedback", body=sent, returns=FeedbackGiven)


def usage() -> Call[Usage]:
    """What the key has spent this month, and may still."""
    return Call(method="GET", path="/v1/usage", returns=Usage)
