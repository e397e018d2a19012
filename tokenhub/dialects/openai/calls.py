"""The calls of a stream, put together from what servers make of OpenAI's format.

OpenAI sends id and name with the first piece of a call and an index with each. Others repeat id
and name in every piece, cut the name, leave the index out, or count every call as 0. A call
therefore begins only when its name is whole: with the first of its arguments, with the next call,
or with the end.
"""

from collections.abc import Iterable

import msgspec

from tokenhub.core.talk import CallBegan, CallPiece, Delta
from tokenhub.dialects.openai.answer import call_id
from tokenhub.dialects.openai.messages import arguments
from tokenhub.wire import openai as wire


class _Open(msgspec.Struct):
    """A call that has been heard of; `number` counts them from 0 in their order."""

    number: int
    id: str
    name: str = ""
    began: bool = False


class Calls:
    """Follows the calls of one answer. `answer_id` is for the ids of calls that have none."""

    __slots__ = ("_at", "_last", "answer_id", "count")

    def __init__(self) -> None:
        self._at: dict[int, _Open] = {}
        self._last: _Open | None = None
        self.answer_id = ""
        self.count = 0

    def feed(self, said: wire.Answered, deltas: list[Delta]) -> None:
        """Add what these pieces of calls say."""
        for piece in _given(said):
            called = piece.function or wire.Called()
            call = self._of(piece, called.name or "", deltas)
            if not call.began and called.name:
                call.name = _name(call.name, called.name)
            if words := arguments(called):
                self._begin(call, deltas)
                deltas.append(CallPiece(call.number, words))

    def end(self, deltas: list[Delta]) -> None:
        """Begin the call that has had no arguments, if there is one."""
        if self._last is not None:
            self._begin(self._last, deltas)

    def _of(self, piece: wire.ToolCall, name: str, deltas: list[Delta]) -> _Open:
        """The call that a piece belongs to; a new one if it is the first of it."""
        known = self._last if piece.index is None else self._at.get(piece.index)
        if known is not None and not _is_another(known, piece.id, name):
            known.id = known.id or piece.id or ""
            return known
        self.end(deltas)
        call = _Open(number=self.count, id=piece.id or "")
        self.count += 1
        self._last = call
        if piece.index is not None:
            self._at[piece.index] = call
        return call

    def _begin(self, call: _Open, deltas: list[Delta]) -> None:
        if not call.began:
            call.began = True
            id_ = call_id(call.id or None, answer_id=self.answer_id, index=call.number)
            deltas.append(CallBegan(call.number, id_, call.name))


def _given(said: wire.Answered) -> Iterable[wire.ToolCall]:
    if said.tool_calls:
        return said.tool_calls
    return () if said.function_call is None else [wire.ToolCall(function=said.function_call)]


def _is_another(known: _Open, id_: str | None, name: str) -> bool:
    """Whether a piece with this id begins another call than the one its index says.

    Only with a name: some servers make up a new id for every piece.
    """
    return bool(id_ and known.id and id_ != known.id and name)


def _name(so_far: str, given: str) -> str:
    """The name with what came now: the next piece of it, or all of it over again."""
    return given if given.startswith(so_far) else so_far + given
