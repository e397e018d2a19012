"""The Anthropic format: a request for a message, or for the count of its tokens, to Ask."""

import msgspec
from msgspec import Raw

from tokenhub.core import tokens
from tokenhub.core.ask import Ask
from tokenhub.core.errors import BadRequest
from tokenhub.dialects.anthropic.errors import UNREADABLE
from tokenhub.dialects.anthropic.parts import DEEPEST
from tokenhub.dialects.bulk import weighed
from tokenhub.dialects.decoding import (
    LARGE_BYTES,
    check_counts,
    checked_limit,
    checked_name,
    decoded,
)
from tokenhub.dialects.fallbacks import with_fallbacks
from tokenhub.wire import anthropic as wire

_REQUEST = msgspec.json.Decoder(wire.MessageRequest)
_CONTENT: msgspec.json.Decoder[wire.Content] = msgspec.json.Decoder(wire.Content)
_SOURCE = msgspec.json.Decoder(wire.Source)
_LOOSE = msgspec.json.Decoder(wire.LooseRequest)
_OTHERS = msgspec.json.Decoder(wire.RestOfRequest)
_BLOCK = msgspec.json.Decoder(wire.Block)
_KIND = msgspec.json.Decoder(wire.Kind)

Features = tuple[tuple[str, str], ...]


def to_ask(body: bytes, *, substitute: str = "any", features: Features = ()) -> Ask:
    """Read a request for a message. Raises BadRequest naming the field."""
    request = _request(body)
    if request.max_tokens is None:
        raise BadRequest("max_tokens is required", field="max_tokens")
    ask = Ask(
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
    return with_fallbacks(weighed(ask), request.models)


def to_count(body: bytes, *, substitute: str = "any", features: Features = ()) -> Ask:
    """Read a request for the count of a prompt's tokens. Raises BadRequest naming the field."""
    request = _request(body)
    ask = Ask(
        payload=body,
        dialect="count_tokens",
        speech="anthropic",
        task="count",
        model=checked_name(request.model or "", field="model"),
        input_tokens=estimate(request),
        max_tokens=0,
        substitute=substitute,
        features=features,
    )
    return with_fallbacks(ask, request.models)


def estimate(request: wire.MessageRequest) -> int:
    """Tokens of the prompt, before the provider counts them."""
    total = tokens.PER_MESSAGE * len(request.messages) + tokens.of_bytes(_size(request.tools))
    if request.system:
        total += _content_tokens(request.system)
    for message in request.messages:
        total += _content_tokens(message.content)
    return total


def _request(body: bytes) -> wire.MessageRequest:
    try:
        request = decoded(_REQUEST, body)
    except BadRequest as refused:
        loose = _loosely(body) if refused.code == "invalid_type" else None
        if loose is None:
            raise
        request = loose
    if not request.messages:
        raise BadRequest("messages is required", field="messages")
    if len(body) > LARGE_BYTES:
        check_counts([message.content for message in request.messages], request.tools)
    return request


def _loosely(body: bytes) -> wire.MessageRequest | None:
    """A request with blocks that are new to us, known by their kind; None if it is just wrong.

    The vendor adds kinds of blocks, whose fields are its own matter.
    """
    try:
        loose, rest = _LOOSE.decode(body), _OTHERS.decode(body)
        return wire.MessageRequest(
            messages=[
                wire.Message(role=message.role, content=_known(message.content))
                for message in loose.messages
            ],
            system=None if loose.system is None else _known(loose.system),
            **{name: getattr(rest, name) for name in rest.__struct_fields__},
        )
    except UNREADABLE:
        return None


def _known(content: str | list[Raw]) -> wire.Content:
    return content if isinstance(content, str) else [_known_block(raw) for raw in content]


def _known_block(raw: Raw) -> wire.Block:
    try:
        return _BLOCK.decode(raw)
    except msgspec.ValidationError:
        kind = _KIND.decode(raw).type
        if not kind or kind in wire.KNOWN_BLOCKS:
            raise
        return wire.Block(type=kind, content=raw)


def _content_tokens(content: wire.Content, depth: int = 0) -> int:
    if isinstance(content, str):
        return tokens.of_text(content)
    return sum([_block_tokens(block, depth) for block in content])


def _block_tokens(block: wire.Block, depth: int) -> int:
    if block.text is not None:
        return tokens.of_text(block.text)
    match block.type:
        case "image":
            return tokens.PER_IMAGE
        case "document":
            return _document_tokens(block, depth)
        case "tool_result":
            return _inner_tokens(block.content, depth)
        case "thinking":
            return tokens.of_text(block.thinking or "")
    # Calls, sealed thinking, and what the vendor's own tools brought.
    size = len(block.name or "") + len(block.data or "")
    return tokens.of_bytes(size + _size(block.input) + _size(block.content))


def _document_tokens(block: wire.Block, depth: int) -> int:
    """Texts by their length. The pages of others are not counted: as much as a picture."""
    try:
        source = _SOURCE.decode(block.source)
    except UNREADABLE:
        return tokens.PER_IMAGE
    if source.type == "text":
        return tokens.of_text(source.data)
    return _inner_tokens(source.content, depth) or tokens.PER_IMAGE


def _inner_tokens(raw: Raw, depth: int) -> int:
    """Content within a block; of a form that we do not know, none: the provider is to judge it.

    What lies deeper than anything that the vendor takes is counted by its bytes.
    """
    if depth == DEEPEST:
        return tokens.of_bytes(_size(raw))
    try:
        return _content_tokens(_CONTENT.decode(raw), depth + 1)
    except UNREADABLE:
        return 0


def _size(raw: Raw) -> int:
    return len(memoryview(raw))
