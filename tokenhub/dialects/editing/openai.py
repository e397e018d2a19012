"""Chat completions with the texts of their choices put into shape, each by itself."""

from msgspec import Raw

from tokenhub.core.ask import Shape
from tokenhub.core.shaping import MAX_HELD, Flow
from tokenhub.dialects.decoding import MAX_ANSWERS
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

_REASONING = ("reasoning_content", "reasoning", "reasoning_details")
# What weighs more than the length of a text where an answer ends.
_OUTWEIGHS = ("tool_calls", "function_call", "refusal")
_UNCUT = (b"", b"null", b'"stop"')


def edited(body: bytes, shape: Shape) -> Edited:
    """The completion. Raises ValueError for what is none."""
    try:
        completion = FIELDS.decode(body)
        found = [(_Choice(shape), fields(raw)) for raw in items(completion.get("choices"))]
        completion["choices"] = encoded([choice.whole(raw) for choice, raw in found])
    except UNREADABLE as error:
        raise ValueError("not a chat completion") from error
    if not found:
        raise ValueError("a chat completion without a choice")
    return Edited(ENCODE(completion), found[0][0].said)


def events(body: bytes, *, show_usage: bool) -> bytes:
    """A whole completion as the stream that it would have been, without the terminal event."""
    completion = FIELDS.decode(body)
    usage = completion.pop("usage", NULL)
    choices = [fields(raw) for raw in items(completion.pop("choices"))]
    completion["object"] = Raw(b'"chat.completion.chunk"')
    chunks: list[Fields] = []
    for choice in choices:
        opened, closed = _halves(choice)
        chunks += [{**completion, "choices": encoded([half])} for half in (opened, closed)]
    if show_usage and holds(usage):
        chunks.append({**completion, "choices": Raw(b"[]"), "usage": usage})
    return b"".join([sse.event(ENCODE(chunk)) for chunk in chunks])


class Editor:
    """Edits a stream of chunks. Nothing of a choice is held for longer than to its end."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._choices: dict[int, _Choice] = {}
        self._frame: Fields = {}

    def event(self, event: bytes) -> bytes:
        data = sse.payload(event)
        if not data:
            return event
        try:
            chunk = FIELDS.decode(data)
            given = [fields(raw) for raw in items(chunk.get("choices"))]
            if not given:
                return event
            kept = [choice for choice in given if self._piece(choice)]
        except UNREADABLE as error:
            raise ValueError("not a chunk of a chat completion") from error
        if sum([choice.held for choice in self._choices.values()]) > MAX_HELD:
            raise ValueError("the answers hold back too much text to be shaped")
        self._frame = {**chunk, "usage": NULL}
        return sse.event(ENCODE({**chunk, "choices": kept})) if kept else b""

    def end(self) -> bytes:
        """The texts of choices that were given no reason for their end."""
        rests = [(index, choice.rest()) for index, choice in self._choices.items()]
        chunks = [{**self._frame, "choices": [_rest(index, rest)]} for index, rest in rests if rest]
        return b"".join([sse.event(ENCODE(chunk)) for chunk in chunks])

    def _piece(self, choice: Fields) -> bool:
        index = int(bytes(choice.get("index", b"0")))
        if not 0 <= index < MAX_ANSWERS:
            raise ValueError("a choice beyond those that can be")
        if index not in self._choices:
            self._choices[index] = _Choice(self._shape)
        return self._choices[index].piece(choice)


class _Choice:
    """One of the answers, on its way through its own flow."""

    def __init__(self, shape: Shape) -> None:
        self._flow = Flow(shape)
        self._strip_think = shape.strip_think
        self._outweighed = False
        self._ended = False
        self.said = ""

    @property
    def held(self) -> int:
        return self._flow.held

    def whole(self, choice: Fields) -> Fields:
        message = fields(choice.get("message"))
        self._edit(message, last=True)
        self._finish(choice)
        return {**choice, "message": encoded(message)}

    def piece(self, choice: Fields) -> bool:
        """Edits the fields; whether anything is left to be told."""
        delta = fields(choice.get("delta"))
        ends = holds(choice.get("finish_reason"))
        changed = self._edit(delta, last=ends and not self._ended)
        if delta or "delta" in choice:
            choice["delta"] = encoded(delta)
        if ends:
            self._ended = True
            self._finish(choice)
        says = any(holds(value) for value in delta.values())
        return ends or says or not changed or holds(choice.get("logprobs"))

    def rest(self) -> str:
        return "" if self._ended else self._flow.end()

    def _edit(self, message: Fields, *, last: bool) -> bool:
        """Whether something was taken away, or may have been changed."""
        self._outweighed = self._outweighed or any(holds(message.get(n)) for n in _OUTWEIGHS)
        thought = [name for name in _REASONING if name in message] if self._strip_think else []
        for name in thought:
            del message[name]
        given = message.get("content")
        parts = self._parts(given) if bytes(given or b"")[:1] == b"[" else None
        content = "" if parts is not None else self._fed(text(given))
        rest = self._flow.end() if last else ""
        self.said += rest
        if parts is not None:
            parts += [encoded({"type": "text", "text": rest})] if rest else []
            message["content"] = encoded(parts)
        elif holds(given) or content + rest:
            message["content"] = encoded(content + rest)
        return bool(thought) or holds(given)

    def _parts(self, given: Raw | None) -> list[Raw]:
        """Content in parts, as Mistral sends it where a model reasons."""
        kept: list[Raw] = []
        for raw in items(given):
            part = fields(raw)
            if "text" in part and (shaped := self._fed(text(part["text"]))):
                kept.append(encoded({**part, "text": shaped}))
            elif "text" not in part and not (self._strip_think and "thinking" in part):
                kept.append(raw)
        return kept

    def _fed(self, given: str) -> str:
        shaped = self._flow.feed(given) if given else ""
        self.said += shaped
        return shaped

    def _finish(self, choice: Fields) -> None:
        given = bytes(choice.get("finish_reason", b""))
        if self._flow.cut and given in _UNCUT and not self._outweighed:
            choice["finish_reason"] = Raw(b'"length"')
            if "stop_reason" in choice:
                choice["stop_reason"] = NULL


def _rest(index: int, text_: str) -> dict[str, object]:
    return {"index": index, "delta": {"content": text_}, "finish_reason": None}


def _halves(choice: Fields) -> tuple[Fields, Fields]:
    """A whole choice as the two of a stream that say the same: what was said, and why it ended."""
    delta = fields(choice.get("message"))
    if holds(delta.get("tool_calls")):
        calls = [fields(raw) for raw in items(delta["tool_calls"])]
        delta["tool_calls"] = encoded(
            [{"index": encoded(at), **call} for at, call in enumerate(calls)]
        )
    index = choice.get("index", Raw(b"0"))
    opened = {
        "index": index,
        "delta": encoded(delta),
        "logprobs": choice.get("logprobs", NULL),
        "finish_reason": NULL,
    }
    rest = {k: v for k, v in choice.items() if k not in {"index", "message", "logprobs"}}
    return opened, {"index": index, "delta": Raw(b"{}"), "logprobs": NULL, **rest}
