"""Bodies and events of Anthropic's format, for tests."""

import json
from typing import Any

from tokenhub.core.talk import Call, Result, Talk, Turn


def body(*messages: Any, **fields: Any) -> bytes:
    """A request with these messages; a text is a user's."""
    said = [m if isinstance(m, dict) else {"role": "user", "content": m} for m in messages]
    return json.dumps({"max_tokens": 9, "messages": said or [user("hi")], **fields}).encode()


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def assistant(content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content}


def event(name: str, **fields: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n".encode()


def delta(kind: str, name: str, value: str, *, index: int = 0) -> bytes:
    return event("content_block_delta", index=index, delta={"type": kind, name: value})


def text(value: str, *, index: int = 0) -> bytes:
    return delta("text_delta", "text", value, index=index)


def start(index: int, **block: Any) -> bytes:
    return event("content_block_start", index=index, content_block=block)


def stop(index: int) -> bytes:
    return event("content_block_stop", index=index)


def began(**usage: int) -> bytes:
    message = {"id": "msg_1", "type": "message", "model": "m", "content": [], "usage": usage}
    return event("message_start", message=message)


def ended(reason: str = "end_turn", **usage: int) -> bytes:
    return event("message_delta", delta={"stop_reason": reason}, usage=usage)


MESSAGE_STOP = event("message_stop")
PING = event("ping")


def normal(talk: Talk) -> Talk:
    """The talk with its calls named by their order: unique ids are for the writer to make."""
    return Talk(turns=_renamed(talk.turns), **_rest(talk))


def _rest(talk: Talk) -> dict[str, Any]:
    return {name: getattr(talk, name) for name in talk.__struct_fields__ if name != "turns"}


def _renamed(turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    renamed: list[Turn] = []
    names: dict[str, str] = {}
    count = 0
    for turn in turns:
        if turn.role == "assistant":
            names = {}
        parts: list[Any] = []
        for part in turn.parts:
            if isinstance(part, Call):
                names[part.id] = f"call_{count}"
                count += 1
                parts.append(Call(id=names[part.id], name=part.name, arguments=part.arguments))
            elif isinstance(part, Result):
                id_ = names.get(part.id, part.id)
                parts.append(Result(id=id_, parts=part.parts, error=part.error))
            else:
                parts.append(part)
        renamed.append(Turn(role=turn.role, parts=tuple(parts)))
    return tuple(renamed)
