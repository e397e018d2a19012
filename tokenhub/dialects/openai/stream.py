"""A stream of chat completion chunks as Deltas, and Deltas as a stream of chunks."""

from collections.abc import Iterable

import msgspec

from tokenhub.core.outcome import Usage
from tokenhub.core.talk import (
    Began,
    CallBegan,
    CallPiece,
    Delta,
    Ended,
    Refusal,
    RefusalPiece,
    Sealed,
    SealedPiece,
    SignaturePiece,
    Text,
    TextPiece,
    Thinking,
    ThinkingPiece,
)
from tokenhub.dialects.openai import finish, reasoning
from tokenhub.dialects.openai.answer import content_of
from tokenhub.dialects.openai.calls import Calls
from tokenhub.dialects.openai.passing import DONE, error_of, read_usage
from tokenhub.dialects.told import ToldError
from tokenhub.wire import openai as wire
from tokenhub.wire import sse

_CHUNK = msgspec.json.Decoder(wire.FullChunk)
_ENCODE = msgspec.json.Encoder().encode


class Reader:
    """Reads a provider's stream: sans-IO, one per stream.

    `done` turns true with `[DONE]`, and only then comes Ended, since usage comes after the reason.
    """

    __slots__ = ("_began", "_calls", "_reason", "_refused", "_splitter", "_stop", "_usage", "done")

    def __init__(self) -> None:
        self._splitter = sse.Splitter()
        self._calls = Calls()
        self._began = False
        self._reason: object = None
        self._stop = ""
        self._refused = False
        self._usage: Usage | None = None
        self.done = False

    def feed(self, data: bytes) -> list[Delta]:
        """What these bytes say.

        Raises ValueError for what is no event of this format, and ToldError for an error event.
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
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            if data.strip() != b"[DONE]":
                raise ValueError("not a chunk of a chat completion") from error
            self._finish(deltas)
            return
        if chunk.error is not None:
            raise ToldError(error_of(data))
        if chunk.usage is not None:
            self._usage = read_usage(chunk.usage) or self._usage
        # Azure begins with a chunk of what its filters found, which has neither id nor choices.
        if not self._began and (chunk.choices or chunk.id):
            self._begin(chunk.id or "", chunk.model or "", deltas)
        for choice in chunk.choices or ():
            if choice.index == 0:
                self._follow(choice, deltas)

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
            if said.refusal:
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
        self.done = True
        if not self._began:
            self._begin("", "", deltas)
        self._calls.end(deltas)
        reason = finish.read(
            self._reason, stop=self._stop, called=self._calls.count > 0, refused=self._refused
        )
        deltas.append(Ended(finish=reason, stop=self._stop, usage=self._usage))


def _thought(said: wire.Answered) -> list[Delta]:
    """Reasoning as it comes. Where it is told twice, as text and in details, it is read once."""
    details = said.reasoning_details or ()
    text = reasoning.aloud(said)
    twice = any(detail.text or detail.summary for detail in details)
    deltas: list[Delta] = [ThinkingPiece(text)] if text and not twice else []
    for detail in details:
        if words := detail.text or detail.summary:
            deltas.append(ThinkingPiece(words))
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


class Writer:
    """Writes a stream of chunks: one per stream.

    All chunks begin with the same bytes, which are made once; a piece then costs the encoding of
    its own text. `created` is in Unix seconds. Usage comes in a chunk of its own if `show_usage`.
    """

    __slots__ = (
        "_called",
        "_close",
        "_created",
        "_head",
        "_open",
        "_refused",
        "_show_usage",
        "_signed",
        "_thought",
        "_usage",
    )
    terminal = DONE

    def __init__(self, *, show_usage: bool, created: int) -> None:
        self._show_usage = show_usage
        self._created = created
        # OpenAI tells those who asked for usage in each chunk that it is not there yet.
        usage = b',"usage":null' if show_usage else b""
        self._close = b',"logprobs":null,"finish_reason":null}]' + usage + b"}\n\n"
        self._called = False
        self._refused = False
        self._thought = 0
        self._signed = False
        self._usage: Usage | None = None
        self._frame("", "")

    def write(self, deltas: Iterable[Delta]) -> bytes:
        """The chunks for these, without the terminal event."""
        return b"".join([self._chunk(delta) for delta in deltas])

    def _chunk(self, delta: Delta) -> bytes:
        if isinstance(delta, TextPiece):
            return self._open + b'{"content":' + _ENCODE(delta.text) + b"}" + self._close
        match delta:
            case CallPiece():
                piece = _ENCODE(delta.arguments)
                said = b'{"tool_calls":[{"index":%d,"function":{"arguments":%b}}]}' % (
                    delta.index,
                    piece,
                )
            case CallBegan():
                self._called = True
                said = _ENCODE({"tool_calls": [_call(delta)]})
            case ThinkingPiece() | SignaturePiece() | SealedPiece():
                said = self._reasoning(delta)
            case RefusalPiece():
                self._refused = True
                said = _ENCODE({"refusal": delta.text})
            case Began():
                self._usage = delta.usage
                self._frame(delta.id or f"chatcmpl-{self._created}", delta.model)
                said = b'{"role":"assistant","content":"","refusal":null}'
            case _:
                return self._ended(delta)
        return self._open + said + self._close

    def _frame(self, id_: str, model: str) -> None:
        self._head = (
            b'data: {"id":%b,"object":"chat.completion.chunk","created":%d,"model":%b,"choices":['
            % (_ENCODE(id_), self._created, _ENCODE(model))
        )
        self._open = self._head + b'{"index":0,"delta":'

    def _reasoning(self, delta: ThinkingPiece | SignaturePiece | SealedPiece) -> bytes:
        """Text by both names, signatures and seals in the details, numbered by their block."""
        if isinstance(delta, ThinkingPiece):
            self._thought += self._signed
            self._signed = False
            detail = reasoning.entry(Thinking(text=delta.text))
        elif isinstance(delta, SignaturePiece):
            self._signed = True
            detail = wire.Reasoning(type="reasoning.text", signature=delta.signature)
        else:
            self._thought += self._signed
            self._signed = True
            detail = reasoning.entry(Sealed(data=delta.data))
        detail.index = self._thought
        return _ENCODE(
            wire.Answered(
                reasoning_content=detail.text,
                reasoning_details=[detail],
            )
        )

    def _ended(self, delta: Ended) -> bytes:
        word = finish.write(delta.finish, called=self._called, refused=self._refused)
        close = self._close.replace(b'"finish_reason":null', b'"finish_reason":' + _ENCODE(word))
        last = self._open + b"{}" + close
        usage = finish.usage(delta.usage or self._usage)
        if not self._show_usage or usage is None:
            return last
        return last + self._head + b'],"usage":' + _ENCODE(usage) + b"}\n\n"


def _call(began: CallBegan) -> wire.ToolCall:
    return wire.ToolCall(
        index=began.index,
        id=began.id,
        type="function",
        function=wire.Called(name=began.name, arguments=""),
    )
