"""The Anthropic format: a request for a message, or for the count of its tokens, to Ask."""

import msgspec
from msgspec import Raw

from tokenhub.core import tokens
from tokenhub.core.ask import Ask
from tokenhub.core.errors import BadRequest
from tokenhub.dialects.decoding import checked_limit, checked_name, decoded
from tokenhub.wire import anthropic as wire

_REQUEST = msgspec.json.Decoder(wire.MessageRequest)
_CONTENT: msgspec.json.Decoder[wire.Content] = msgspec.json.Decoder(wire.Content)
_SOURCE = msgspec.json.Decoder(wire.Source)

Features = tuple[tuple[str, str], ...]


def to_ask(body: bytes, *, substitute: str = "any", features: Features = ()) -> Ask:
    """Read a request for a message. Raises BadRequest naming the field."""
    request = _request(body)
    if request.max_tokens is None:
        raise BadRequest("max_tokens is required", field="max_tokens")
    return Ask(
        payload=body,
        dialect="messages",
        speech="anthropic",
        model=checked_name(request.model or "", field="model"),
        stream=bool(request.stream),
        # The format shows usage in every stream.
        wants_usage=True,
        input_tokens=estimate(request),
        max_tokens=checked_limit(request.max_tokens),
        substitute=substitute,
        features=features,
    )


def to_count(body: bytes, *, substitute: str = "any", features: Features = ()) -> Ask:
    """Read a request for the count of a prompt's tokens. Raises BadRequest naming the field."""
    request = _request(body)
    return Ask(
        payload=body,
        dialect="messages",
        speech="anthropic",
        task="count",
        model=checked_name(request.model or "", field="model"),
        input_tokens=estimate(request),
        max_tokens=0,
        substitute=substitute,
        features=features,
    )


def estimate(request: wire.MessageRequest) -> int:
    """Tokens of the prompt, before the provider counts them."""
    total = tokens.PER_MESSAGE * len(request.messages) + tokens.of_bytes(_size(request.tools))
    if request.system:
        total += _content_tokens(request.system)
    for message in request.messages:
        total += _content_tokens(message.content)
    return total


def _request(body: bytes) -> wire.MessageRequest:
    request = decoded(_REQUEST, body)
    if not request.messages:
        raise BadRequest("messages is required", field="messages")
    return request


def _content_tokens(content: wire.Content) -> int:
    if isinstance(content, str):
        return tokens.of_text(content)
    return sum([_block_tokens(block) for block in content])


def _block_tokens(block: wire.Block) -> int:
    if block.text is not None:
        return tokens.of_text(block.text)
    match block.type:
        case "image":
            return tokens.PER_IMAGE
        case "document":
            return _document_tokens(block)
        case "tool_result":
            return _content_tokens(_inner(block.content))
        case "thinking":
            return tokens.of_text(block.thinking or "")
    # Calls, sealed thinking, and what the vendor's own tools brought.
    size = len(block.name or "") + len(block.data or "")
    return tokens.of_bytes(size + _size(block.input) + _size(block.content))


def _document_tokens(block: wire.Block) -> int:
    """Texts by their length. The pages of others are not counted: as much as a picture."""
    try:
        source = _SOURCE.decode(block.source)
    except msgspec.DecodeError:
        return tokens.PER_IMAGE
    if source.type == "text":
        return tokens.of_text(source.data)
    return _content_tokens(_inner(source.content)) or tokens.PER_IMAGE


def _inner(raw: Raw) -> wire.Content:
    """Content within a block; of a form that we do not know, none: the provider is to judge it."""
    try:
        return _CONTENT.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def _size(raw: Raw) -> int:
    return len(memoryview(raw))
