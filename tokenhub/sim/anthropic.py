"""Anthropic's bodies and events: Messages, its stream, its errors and its list of models.

Formats: docs.anthropic.com, Messages API version 2023-06-01, streaming and errors pages, as of
January 2026. Written without `tokenhub.wire`, so that a mistake there does not find its twin here.
"""

from typing import Any, Literal

import msgspec

from tokenhub.sim import framing
from tokenhub.sim.answer import Part
from tokenhub.sim.fault import Headers
from tokenhub.sim.profile import Model
from tokenhub.sim.script import Turn

CREATED_AT = "2026-01-01T00:00:00Z"
FINISH = {
    "stop": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "context": "model_context_window_exceeded",
    "tool": "tool_use",
    "refusal": "refusal",
    "filter": "refusal",
    "pause": "pause_turn",
}
GAP = "@@"

# Status -> type, message.
ERRORS = {
    400: ("invalid_request_error", "The request is not valid."),
    401: ("authentication_error", "invalid x-api-key"),
    402: ("billing_error", "Your credit balance is too low."),
    403: ("permission_error", "Your API key may not use the specified resource."),
    404: ("not_found_error", "Not found"),
    405: ("invalid_request_error", "Method Not Allowed"),
    413: ("request_too_large", "Request exceeds the maximum size"),
    429: ("rate_limit_error", "This request would exceed your organization's rate limit."),
    504: ("timeout_error", "The request timed out."),
    529: ("overloaded_error", "Overloaded"),
}
FAILED = ("api_error", "Internal server error")


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    input_tokens: int
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0
    output_tokens: int
    service_tier: str = "standard"


class Text(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="text"):
    text: str


class ToolUse(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="tool_use"):
    id: str
    name: str
    input: msgspec.Raw


class Thinking(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="thinking"):
    thinking: str
    signature: str


class Redacted(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="redacted_thinking"
):
    data: str


Block = Text | ToolUse | Thinking | Redacted


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="message"):
    id: str
    role: Literal["assistant"] = "assistant"
    model: str
    content: tuple[Block, ...]
    stop_reason: str | None
    stop_sequence: str | None = None
    usage: Usage


class MessageStart(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="message_start"
):
    message: Message


class BlockStart(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="content_block_start"
):
    index: int = 0
    content_block: Block


class TextDelta(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="text_delta"):
    text: str


class JsonDelta(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="input_json_delta"
):
    partial_json: str


class ThinkingDelta(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="thinking_delta"
):
    thinking: str


class SignatureDelta(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="signature_delta"
):
    signature: str


class BlockDelta(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="content_block_delta"
):
    index: int = 0
    delta: TextDelta | JsonDelta | ThinkingDelta | SignatureDelta


class Stopped(msgspec.Struct, frozen=True, kw_only=True):
    stop_reason: str
    stop_sequence: str | None = None


class OutputUsage(msgspec.Struct, frozen=True, kw_only=True):
    output_tokens: int


class MessageDelta(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="message_delta"
):
    delta: Stopped
    usage: OutputUsage


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of count_tokens."""

    input_tokens: int


class Error(msgspec.Struct, frozen=True, kw_only=True):
    type: str
    message: str


class Failure(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="error"):
    error: Error
    request_id: str | msgspec.UnsetType = msgspec.UNSET


class ShownModel(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="model"):
    id: str
    display_name: str
    created_at: str = CREATED_AT


class ModelList(msgspec.Struct, frozen=True, kw_only=True):
    data: tuple[ShownModel, ...]
    has_more: bool = False
    first_id: str
    last_id: str


PING = b'event: ping\ndata: {"type": "ping"}\n\n'
BLOCK_STOP = b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n'
MESSAGE_STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


class Anthropic:
    """The dialect of /v1/messages."""

    overloaded = 529

    def headers(self, id_: str) -> Headers:
        return (("request-id", f"req_{id_}"), ("anthropic-organization-id", "sim-organization"))

    def whole(self, turn: Turn) -> bytes:
        content = tuple([_block(part, part.text()) for part in _shown(turn)])
        message = _message(turn, content, FINISH[turn.finish], turn.spent.completion)
        return msgspec.json.encode(message)

    def events(self, turn: Turn) -> list[bytes]:
        # The vendor counts the first token already in the opening event.
        pending = _sse(
            MessageStart(message=_message(turn, (), None, min(1, turn.spent.completion)))
        )
        events: list[bytes] = []
        encode = msgspec.json.encode
        for index, part in enumerate(_shown(turn)):
            pending += _sse(BlockStart(index=index, content_block=_block(part, "")))
            pending += b"" if index else PING
            if part.kind == "use":  # the vendor's first piece of JSON is an empty one
                pending += _sse(BlockDelta(index=index, delta=JsonDelta(partial_json="")))
            gap = _sse(BlockDelta(index=index, delta=_delta(part.kind)))
            before, after = gap.split(b'"%b"' % GAP.encode())
            first = len(events)
            events += [b"".join((before, encode(piece), after)) for piece in part.pieces]
            if len(events) > first:
                events[first] = pending + events[first]
                pending = b""
            if part.kind == "thinking":
                signed = SignatureDelta(signature=part.signature)
                pending += _sse(BlockDelta(index=index, delta=signed))
            pending += BLOCK_STOP % index
        end = MessageDelta(
            delta=Stopped(stop_reason=FINISH[turn.finish], stop_sequence=turn.stop or None),
            usage=OutputUsage(output_tokens=turn.spent.completion),
        )
        return [*events, pending + framing.closing(turn.fault, _sse(end), b"", MESSAGE_STOP)]

    def counted(self, tokens: int) -> bytes:
        """The body of /v1/messages/count_tokens."""
        return msgspec.json.encode(Counted(input_tokens=tokens))

    def error(
        self, status: int, id_: str, *, code: str = "", message: str = "", param: str | None = None
    ) -> bytes:
        if param:  # the vendor names the field in its text, as `messages: Field required`
            message = f"{param}: {message}"
        kind, text = ERRORS.get(status, FAILED)
        error = Error(type=code or kind, message=message or text)
        return msgspec.json.encode(Failure(error=error, request_id=f"req_{id_}"))

    def unknown_model(self, model: str, id_: str) -> bytes:
        """The body of the 404 for a model that is not on offer."""
        return self.error(404, id_, message=f"model: {model}")

    def overflow(self, turn: Turn) -> bytes:
        asked, room = turn.call.prompt_tokens, turn.model.context_tokens
        text = f"prompt is too long: {max(asked, room + 1)} tokens > {room} maximum"
        return self.error(400, turn.id, message=text)

    def broken(self, status: int = 529) -> bytes:
        kind, text = ERRORS.get(status, FAILED)
        return _event("error", Failure(error=Error(type=kind, message=text)))

    def ping(self) -> bytes:
        return PING

    def nonsense(self) -> bytes:
        return b'event: content_block_delta\ndata: {"type":"content_block_delta","ind\n\n'

    def models(self, models: tuple[Model, ...]) -> bytes:
        """GET /v1/models, in one page."""
        shown = tuple(ShownModel(id=model.id, display_name=model.id) for model in models)
        return msgspec.json.encode(
            ModelList(data=shown, first_id=shown[0].id, last_id=shown[-1].id)
        )

    def one_model(self, model: Model) -> bytes:
        """GET /v1/models/{id}."""
        return msgspec.json.encode(ShownModel(id=model.id, display_name=model.id))


def _shown(turn: Turn) -> tuple[Part, ...]:
    """The parts that become blocks; reasoning only where the request allowed it."""
    if turn.call.thinks or (len(turn.parts) == 1 and turn.parts[0].kind == "text"):
        return turn.parts
    return tuple([part for part in turn.parts if part.kind not in {"thinking", "sealed"}])


def _block(part: Part, text: str) -> Block:
    """The part as a block with this text, which is empty where it only begins."""
    match part.kind:
        case "use":
            raw = msgspec.Raw(text.encode() or b"{}")
            return ToolUse(id=f"toolu_{part.id}", name=part.name, input=raw)
        case "thinking":
            return Thinking(thinking=text, signature=part.signature if text else "")
        case "sealed":
            return Redacted(data=part.signature)
        case _:
            return Text(text=text)


def _delta(kind: str) -> JsonDelta | ThinkingDelta | TextDelta:
    if kind == "use":
        return JsonDelta(partial_json=GAP)
    return ThinkingDelta(thinking=GAP) if kind == "thinking" else TextDelta(text=GAP)


def _message(
    turn: Turn, content: tuple[Block, ...], stop_reason: str | None, output_tokens: int
) -> Message:
    spent = turn.spent
    return Message(
        id=f"msg_{turn.id[:24]}",
        model=turn.call.model,
        content=content,
        stop_reason=stop_reason,
        stop_sequence=(turn.stop or None) if stop_reason else None,
        usage=Usage(
            input_tokens=spent.prompt - spent.cached - spent.written,
            cache_creation_input_tokens=spent.written,
            cache_read_input_tokens=spent.cached,
            output_tokens=output_tokens,
        ),
    )


def _sse(event: MessageStart | BlockStart | BlockDelta | MessageDelta) -> bytes:
    return _event(str(event.__struct_config__.tag), event)


def _event(name: str, data: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(data))
