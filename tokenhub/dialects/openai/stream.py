"""A stream of chat completion chunks, read into Deltas."""

import msgspec

from tokenhub.core.outcome import Usage
from tokenhub.core.talk import (
    Began,
    Delta,
    Ended,
    Refusal,
    RefusalPiece,
    SealedPiece,
    SignaturePiece,
    Text,
    TextPiece,
    Thinking,
    ThinkingPiece,
)
from tokenhub.dialects.following import prompt_only
from tokenhub.dialects.openai import finish, reasoning
from tokenhub.dialects.openai.answer import content_of
from tokenhub.dialects.openai.calls import Calls
from tokenhub.dialects.openai.chunks import Writer
from tokenhub.dialects.openai.passing import error_of, mended_chunk, read_usage
from tokenhub.dialects.told import ToldError
from tokenhub.wire import openai as wire
from tokenhub.wire import sse

__all__ = ["Reader", "Writer"]

# The index of the only answer, as servers tell it.
_FIRST = (0, None, "0")
_CHUNK = msgspec.json.Decoder(wire.FullChunk)


class Reader:
    """Reads a provider's stream: sans-IO, one per stream.

    `done` turns true with `[DONE]`, and only then comes Ended, since usage comes after the reason.
    """

    __slots__ = (
        "_began",
        "_calls",
        "_counted",
        "_reason",
        "_refused",
        "_splitter",
        "_started",
        "_stop",
        "_usage",
        "done",
    )

    def __init__(self) -> None:
        self._splitter = sse.Splitter()
        self._calls = Calls()
        self._began = False
        self._reason: object = None
        self._stop = ""
        self._refused = False
        self._usage: Usage | None = None
        self._counted = True
        self._started = False
        self.done = False

    def feed(self, data: bytes) -> list[Delta]:
        """What these bytes say.

        Raises ValueError for what is no event of this format, and for the end of an answer that
        has not begun; ToldError for an error event.
        """
        deltas: list[Delta] = []
        for event in self._splitter.feed(data):
            self._read(event, deltas)
        return deltas

    def end(self) -> list[Delta]:
        """The same for what came without a blank line at the very end. Raises as `feed` does."""
        deltas: list[Delta] = []
        if rest := self._splitter.rest.strip():
            self._read(rest + b"\n\n", deltas)
        return deltas

    def _read(self, event: bytes, deltas: list[Delta]) -> None:
        data = sse.payload(event)
        if not data or self.done:
            return
        try:
            chunk = _CHUNK.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            if data.strip() == b"[DONE]":
                self._finish(deltas)
                return
            chunk = mended_chunk(_CHUNK, data)
        if chunk.error is not None:
            raise ToldError(error_of(data))
        self._hear(chunk, deltas)

    def _hear(self, chunk: wire.FullChunk, deltas: list[Delta]) -> None:
        if chunk.usage is not None:
            self._usage = read_usage(chunk.usage) or self._usage
        # Azure begins with a chunk of what its filters found, which has neither id nor choices.
        if not self._began and (chunk.choices or chunk.id):
            self._begin(wire.text(chunk.id), wire.text(chunk.model), deltas)
        before = len(deltas)
        for choice in chunk.choices or ():
            if choice.index in _FIRST:
                self._follow(choice, deltas)
        if len(deltas) > before:
            self._started = True
            self._counted = False
        if chunk.usage is not None:
            self._counted = True

    def _begin(self, id_: str, model: str, deltas: list[Delta]) -> None:
        self._began = True
        self._calls.answer_id = id_
        deltas.append(Began(id=id_, model=model, usage=self._usage))

    def _follow(self, choice: wire.FullChunkChoice, deltas: list[Delta]) -> None:
        said = choice.delta
        if said is not None:
            if said.reasoning_details or said.reasoning_content or said.reasoning:
                deltas += _thought(said)
            content = said.content
            if content and isinstance(content, str):
                deltas.append(TextPiece(content))
            elif content:
                deltas += _pieces(content)
            if said.refusal and isinstance(said.refusal, str):
                self._refused = True
                deltas.append(RefusalPiece(said.refusal))
            if said.tool_calls or said.function_call is not None:
                self._calls.feed(said, deltas)
        if choice.finish_reason is not None:
            self._reason = choice.finish_reason
            self._calls.end(deltas)
        if isinstance(choice.stop_reason, str):
            self._stop = choice.stop_reason

    def _finish(self, deltas: list[Delta]) -> None:
        before = len(deltas)
        self._calls.end(deltas)
        if not self._started and self._reason is None and len(deltas) == before:
            raise ValueError("a stream without an answer")
        self.done = True
        reason = finish.read(
            self._reason, stop=self._stop, called=self._calls.count > 0, refused=self._refused
        )
        # Some send usage ahead of the answer, or with each piece of it.
        usage = self._usage
        if usage is not None and not self._counted:
            usage = prompt_only(usage)
        deltas.append(Ended(finish=reason, stop=self._stop, usage=usage))


def _thought(said: wire.Answered) -> list[Delta]:
    """Reasoning as it comes. Where it is told twice, as text and in details, it is read once."""
    found = reasoning.details(said)
    text = reasoning.aloud(said)
    twice = any(detail.text for detail in found)
    deltas: list[Delta] = [ThinkingPiece(text)] if text and not twice else []
    for detail in found:
        if detail.text:
            deltas.append(ThinkingPiece(detail.text))
        if detail.signature:
            deltas.append(SignaturePiece(detail.signature))
        if detail.data:
            deltas.append(SealedPiece(detail.data))
    return deltas


def _pieces(content: str | list[wire.Content]) -> list[Delta]:
    deltas: list[Delta] = []
    for part in content_of(content):
        match part:
            case Text(text=text):
                deltas.append(TextPiece(text))
            case Thinking(text=text):
                deltas.append(ThinkingPiece(text))
            case Refusal(text=text):
                deltas.append(RefusalPiece(text))
    return deltas
