"""The OpenAI format: a chat completion request to Ask."""

import msgspec
from msgspec import Raw

from tokenhub.core import tokens
from tokenhub.core.ask import Ask
from tokenhub.core.errors import BadRequest
from tokenhub.dialects.bulk import weighed
from tokenhub.dialects.decoding import (
    LARGE_BYTES,
    answers,
    check_count,
    check_counts,
    checked_limit,
    checked_name,
    decoded,
)
from tokenhub.dialects.fallbacks import with_fallbacks
from tokenhub.wire import openai as wire

# OpenAI's own limit of texts, and of tokens of a text, in one request.
MAX_INPUTS = 8192

_REQUEST = msgspec.json.Decoder(wire.ChatRequest)
_EMBEDDINGS = msgspec.json.Decoder(wire.EmbeddingRequest)


def to_ask(body: bytes, *, substitute: str = "any") -> Ask:
    """Read a chat completion request. Raises BadRequest naming the field."""
    request = decoded(_REQUEST, body)
    if not request.messages:
        raise BadRequest("messages is required", field="messages")
    if len(body) > LARGE_BYTES:
        check_counts([message.content for message in request.messages], request.tools)
    options = request.stream_options
    ask = Ask(
        payload=body,
        model=checked_name(request.model or "", field="model"),
        stream=bool(request.stream),
        wants_usage=options is not None and bool(options.include_usage),
        input_tokens=estimate(request.messages, request.tools),
        answers=answers(request.n),
        max_tokens=longest_of(request),
        substitute=substitute,
    )
    return with_fallbacks(weighed(ask), request.models)


def from_embeddings(body: bytes, *, substitute: str = "any") -> Ask:
    """Read a request for embeddings. Raises BadRequest naming the field.

    Vectors of two models have nothing to do with each other: the model must be named, and only
    another provider of the same one may take its place.
    """
    request = decoded(_EMBEDDINGS, body)
    model = checked_name(request.model or "", field="model").strip()
    if model in {"", "*"}:
        raise BadRequest(
            "model is required: vectors of one model mean nothing to another", field="model"
        )
    if not request.input:
        raise BadRequest("input must not be empty", field="input")
    if isinstance(request.input, list):
        check_count(len(request.input), MAX_INPUTS, field="input")
    return Ask(
        payload=body,
        dialect="embeddings",
        task="embeddings",
        model=model,
        input_tokens=_input_tokens(request.input),
        max_tokens=0,
        substitute="same-model" if substitute == "any" else substitute,
    )


def limit_of(request: wire.ChatRequest | wire.FullRequest) -> int | None:
    """The most tokens that the answer may have; the newer of the two names counts."""
    if request.max_completion_tokens is None:
        return checked_limit(request.max_tokens)
    return checked_limit(request.max_completion_tokens, field="max_completion_tokens")


def longest_of(request: wire.ChatRequest) -> int | None:
    """The most tokens that an answer may have wherever it is made: both names may go out.

    A server that knows only the older one goes by that.
    """
    limit = limit_of(request)
    older = None if limit is None else checked_limit(request.max_tokens)
    return limit if limit is None or older is None else max(limit, older)


def estimate(messages: list[wire.Message], tools: Raw) -> int:
    """Tokens of the prompt, before the provider counts them."""
    total = tokens.PER_MESSAGE * len(messages) + tokens.of_bytes(len(memoryview(tools)))
    for message in messages:
        content = message.content
        if isinstance(content, str):
            total += tokens.of_text(content)
        elif content:
            total += sum(_part_tokens(part) for part in content)
        if message.tool_calls:
            total += sum(tokens.of_bytes(len(memoryview(call))) for call in message.tool_calls)
    return total


def _part_tokens(part: wire.Part) -> int:
    return tokens.of_text(part.text) if part.text is not None else tokens.PER_IMAGE


def _input_tokens(given: str | list[str | int | list[int]]) -> int:
    if isinstance(given, str):
        return tokens.of_text(given)
    sizes = (
        tokens.of_text(one) if isinstance(one, str) else len(one) if isinstance(one, list) else 1
        for one in given
    )
    return sum(sizes)
