"""An event of Anthropic's stream, understood.

The vendor may add kinds of events, of blocks and of deltas at any time (its page on versions), and
name their fields as it likes. What is new is no fault: it is told by its kind alone, so that its
reader passes over it.
"""

import msgspec

from tokenhub.dialects.anthropic.errors import UNREADABLE, TypedError, error_of
from tokenhub.dialects.told import Told
from tokenhub.wire import anthropic as wire
from tokenhub.wire import sse

MESSAGE_STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'

_EVENT = msgspec.json.Decoder(wire.Event)
_KINDS = msgspec.json.Decoder(wire.EventKinds)
_KIND = msgspec.json.Decoder(wire.Kind)
_OPENING = msgspec.json.Decoder(wire.Opening)
_NOTHING = (b"", b"null")
_CR = 13
_EVENTS = frozenset(
    ("message_start", "message_delta", "message_stop", "ping",
     "content_block_start", "content_block_delta", "content_block_stop")
)  # fmt: skip
_DELTAS = frozenset(
    ("text_delta", "input_json_delta", "thinking_delta", "signature_delta", "citations_delta")
)


def read_event(event: bytes) -> wire.Event | None:
    """An event as it is to be understood; None for a comment.

    Raises ValueError for what is none of this format, and ToldError for an error.
    """
    data = _data(event)
    if not data:
        return None
    try:
        told = _EVENT.decode(data)
    except msgspec.ValidationError as error:
        told = _by_kind(data, error)
    except UNREADABLE as error:
        raise ValueError("not an event of a message") from error
    if told.type not in _EVENTS or memoryview(told.error):
        return _odd(event, data, told)
    delta = told.delta
    if delta is not None and delta.type is not None and delta.type not in _DELTAS:
        return wire.Event(type=told.type, index=told.index)
    return told


def opening(told: wire.Event) -> wire.Opening:
    """The message that `message_start` opens with. Raises ValueError."""
    try:
        return _OPENING.decode(told.message)
    except UNREADABLE as error:
        raise ValueError("not the opening of a message") from error


def _by_kind(data: bytes, error: msgspec.ValidationError) -> wire.Event:
    """An event whose fields are not of the types that we know: it may be told so by its kind."""
    try:
        kinds = _KINDS.decode(data)
        if kinds.type not in _EVENTS:
            return wire.Event(type=kinds.type, error=kinds.error)
        if kinds.type == "content_block_delta" and _is_new(kinds.delta, _DELTAS):
            return wire.Event(type=kinds.type)
        if kinds.type == "content_block_start" and _is_new(kinds.content_block, wire.KNOWN_BLOCKS):
            return wire.Event(type=kinds.type, content_block=wire.Block(type="new"))
    except UNREADABLE:
        raise ValueError("not an event of a message") from error
    raise ValueError("not an event of a message") from error


def _is_new(raw: msgspec.Raw, known: frozenset[str]) -> bool:
    kind = _KIND.decode(raw).type
    return bool(kind) and kind not in known


def _odd(event: bytes, data: bytes, told: wire.Event) -> wire.Event:
    """An event that is new to us or holds an error. Raises as `read_event` does."""
    failed = told.type.endswith("error") or event.startswith(b"event: error")
    is_new = bool(told.type) and told.type not in _EVENTS
    if not failed and (is_new or (told.type and bytes(told.error) in _NOTHING)):
        return wire.Event(type=told.type) if is_new else told
    said = error_of(data)
    if failed or said != Told():
        raise TypedError(said)
    raise ValueError("not an event of a message")


def _data(event: bytes) -> bytes:
    """The data of an event, quickly for the form that the vendor sends."""
    start = event.find(b"\n")
    if (
        event.startswith(b"event: ")
        and event.startswith(b"\ndata: ", start)
        and event.find(b"\n", start + 1) == len(event) - 2
        and event[-3] != _CR
    ):
        return event[start + 7 : -2]
    return sse.payload(event)
