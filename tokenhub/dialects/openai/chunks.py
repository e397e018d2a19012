"""Deltas, written as a stream of chat completion chunks."""

from collections.abc import Iterable

import msgspec

from tokenhub.core.outcome import Usage
from tokenhub.core.talk import (
    Began,
    CallBegan,
    CallPiece,
    Delta,
    Ended,
    RefusalPiece,
    Sealed,
    SealedPiece,
    SignaturePiece,
    TextPiece,
    Thinking,
    ThinkingPiece,
)
from tokenhub.dialects.openai import finish, reasoning
from tokenhub.dialects.openai.passing import DONE
from tokenhub.wire import openai as wire

_ENCODE = msgspec.json.Encoder().encode


class Writer:
    """Writes a stream of chunks: one per stream.

    All chunks begin with the same bytes, which are made once; a piece then costs the encoding of
    its own text. `created` is in Unix seconds. Usage comes in a chunk of its own if `show_usage`.
    `legacy` is for a caller who offered `functions`: it is told of its call by `function_call`, of
    which an answer has one.
    """

    __slots__ = (
        "_called",
        "_close",
        "_created",
        "_head",
        "_legacy",
        "_open",
        "_refused",
        "_show_usage",
        "_signed",
        "_thought",
        "_usage",
    )
    terminal = DONE

    def __init__(self, *, show_usage: bool, created: int, legacy: bool = False) -> None:
        self._show_usage = show_usage
        self._legacy = legacy
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
                said = self._arguments(delta)
            case CallBegan():
                self._called = True
                said = self._call(delta)
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

    def _call(self, delta: CallBegan) -> bytes:
        if not self._legacy:
            return _ENCODE({"tool_calls": [_call(delta)]})
        first = wire.Called(name=delta.name, arguments="")
        return _ENCODE({"function_call": first} if delta.index == 0 else {})

    def _arguments(self, delta: CallPiece) -> bytes:
        piece = _ENCODE(delta.arguments)
        if not self._legacy:
            said = b'{"tool_calls":[{"index":%d,"function":{"arguments":%b}}]}'
            return said % (delta.index, piece)
        return b'{"function_call":{"arguments":%b}}' % piece if delta.index == 0 else b"{}"

    def _reasoning(self, delta: ThinkingPiece | SignaturePiece | SealedPiece) -> bytes:
        """Text by both names, signatures and seals in the details, numbered by their block."""
        if isinstance(delta, ThinkingPiece):
            self._thought += self._signed
            self._signed = False
            detail = reasoning.entry(Thinking(text=delta.text))
        elif isinstance(delta, SignaturePiece):
            self._signed = True
            detail = wire.Reasoning(
                type="reasoning.text", signature=delta.signature, format=reasoning.FORMAT
            )
        else:
            self._thought += self._signed
            self._signed = True
            detail = reasoning.entry(Sealed(data=delta.data))
        detail.index = self._thought
        return _ENCODE(
            wire.ToldPiece(
                reasoning_content=detail.text,
                reasoning_details=[detail],
            )
        )

    def _ended(self, delta: Ended) -> bytes:
        word = finish.write(
            delta.finish, called=self._called, refused=self._refused, legacy=self._legacy
        )
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
