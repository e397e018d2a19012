"""Messages with their text put into shape: it is one, whichever blocks it is told in."""

from msgspec import Raw

from tokenhub.core.ask import Shape
from tokenhub.core.shaping import Flow
from tokenhub.dialects.editing.edited import (
    ENCODE,
    FIELDS,
    NULL,
    UNREADABLE,
    Edited,
    Fields,
    encoded,
    fields,
    holds,
    items,
    text,
)
from tokenhub.wire import sse

_THOUGHTS = ("thinking", "redacted_thinking")
_UNCUT = ("", "end_turn", "stop_sequence")
# What a stream tells of a message only at its end.
_LATE = ("stop_reason", "stop_sequence", "container")


def edited(body: bytes, shape: Shape) -> Edited:
    """The message. Raises ValueError for what is none."""
    try:
        message = FIELDS.decode(body)
        flow = Flow(shape)
        blocks = [fields(raw) for raw in items(message.get("content"))]
        kept, said = _blocks(blocks, flow, shape)
        message["content"] = encoded(kept)
        if flow.cut and text(message.get("stop_reason")) in _UNCUT:
            message |= {"stop_reason": Raw(b'"max_tokens"'), "stop_sequence": NULL}
    except UNREADABLE as error:
        raise ValueError("not a message") from error
    return Edited(ENCODE(message), said)


def events(body: bytes) -> bytes:
    """A whole message as the stream that it would have been, without the terminal event."""
    message = FIELDS.decode(body)
    blocks = [fields(raw) for raw in items(message["content"])]
    late = {name: message[name] for name in _LATE if name in message}
    usage = message.get("usage", Raw(b"{}"))
    opening = {**message, **dict.fromkeys(late, NULL), "content": Raw(b"[]")}
    told = [_event("message_start", message=opening)]
    for index, block in enumerate(blocks):
        start, deltas = _pieces(block)
        told.append(_event("content_block_start", index=index, content_block=start))
        told += [_event("content_block_delta", index=index, delta=delta) for delta in deltas]
        told.append(_event("content_block_stop", index=index))
    return b"".join([*told, _event("message_delta", delta=late, usage=usage)])


def _blocks(blocks: list[Fields], flow: Flow, shape: Shape) -> tuple[list[Fields], str]:
    """The blocks that are left, and their text."""
    texts = [block for block in blocks if _kind(block) == "text"]
    for block in texts:
        shaped = flow.feed(text(block.get("text")))
        block["text"] = encoded(shaped + flow.end() if block is texts[-1] else shaped)
    kept = [
        block
        for block in blocks
        if not (shape.strip_think and _kind(block) in _THOUGHTS)
        # The vendor refuses an empty text when it comes back in the next turn.
        and (_kind(block) != "text" or holds(block["text"]))
    ]
    return kept or texts[-1:], "".join([text(block["text"]) for block in texts])


def _pieces(block: Fields) -> tuple[Fields, list[Fields]]:
    """How a block begins in a stream, and the deltas that make it whole."""
    match _kind(block):
        case "text":
            cited = items(block.get("citations"))
            deltas = [_delta("text_delta", "text", block["text"])]
            deltas += [_delta("citations_delta", "citation", raw) for raw in cited]
            empty = {**block, "text": Raw(b'""')}
            return {**empty, "citations": Raw(b"[]")} if cited else empty, deltas
        case "thinking":
            names = [name for name in ("thinking", "signature") if holds(block.get(name))]
            deltas = [_delta(f"{name}_delta", name, block[name]) for name in names]
            return {**block, **dict.fromkeys(names, Raw(b'""'))}, deltas
        case _ if holds(block.get("input")):
            pieces = encoded(bytes(block["input"]).decode())
            start = {**block, "input": Raw(b"{}")}
            return start, [_delta("input_json_delta", "partial_json", pieces)]
        case _:
            return block, []


def _kind(block: Fields) -> str:
    return text(block.get("type"))


def _delta(kind: str, name: str, value: Raw) -> Fields:
    return {"type": encoded(kind), name: value}


def _event(kind: str, **fields_: object) -> bytes:
    return sse.event(ENCODE({"type": kind, **fields_}), name=kind)
