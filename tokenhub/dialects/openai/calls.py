"""The calls of a stream, put together from what servers make of OpenAI's format.

OpenAI sends id and name with the first piece of a call and an index with each. Others repeat id
and name in every piece, cut the name, leave index and id out, or count every call as 0. A call
therefore begins only when its name is whole: with the first of its arguments, with the next call,
or with the end. And where nothing else tells two calls apart, their arguments do: nothing can
follow the end of a JSON object but another one.
"""

import re
from collections.abc import Iterable

import msgspec

from tokenhub.core.talk import CallBegan, CallPiece, Delta
from tokenhub.dialects.openai.answer import arguments, call_id
from tokenhub.wire import openai as wire

# No function's name is as long. It keeps a name that never ends from growing without bound.
MAX_NAME_CHARS = 1024


class Calls:
    """Follows the calls of one answer. `answer_id` is for the ids of calls that have none."""

    __slots__ = ("_at", "_last", "answer_id", "count")

    def __init__(self) -> None:
        self._at: dict[int, _Open] = {}
        self._last: _Open | None = None
        self.answer_id = ""
        self.count = 0

    def feed(self, said: wire.Answered, deltas: list[Delta]) -> None:
        """Add what these pieces of calls say. Raises ValueError for a name without an end."""
        for piece in _given(said):
            called = piece.function or wire.AnsweredFunction()
            name, words = wire.text(called.name), arguments(called.arguments)
            call = self._of(piece, name, words, deltas)
            if not call.began and name:
                call.name = _name(call.name, name)
            if words:
                self._begin(call, deltas)
                call.so_far.add(words)
                deltas.append(CallPiece(call.number, words))

    def end(self, deltas: list[Delta]) -> None:
        """Begin the call that has had no arguments, if there is one."""
        if self._last is not None:
            self._begin(self._last, deltas)

    def _of(self, piece: wire.AnsweredCall, name: str, words: str, deltas: list[Delta]) -> "_Open":
        """The call that a piece belongs to; a new one if it is the first of it."""
        index, id_ = wire.number(piece.index), wire.text(piece.id)
        known = self._last if index is None else self._at.get(index)
        if known is not None and not _is_another(known, id_, name, words):
            known.id = known.id or id_
            return known
        self.end(deltas)
        # What comes without a name, after a whole call, is a call of the same function.
        call = _Open(number=self.count, id=id_, name=known.name if known and not name else "")
        self.count += 1
        self._last = call
        if index is not None:
            self._at[index] = call
        return call

    def _begin(self, call: "_Open", deltas: list[Delta]) -> None:
        if not call.began:
            call.began = True
            id_ = call_id(call.id, answer_id=self.answer_id, index=call.number)
            deltas.append(CallBegan(call.number, id_, call.name))


class _Object:
    """A JSON object in pieces, and whether it is whole.

    It is read only when that is asked, and no piece of it twice.
    """

    __slots__ = ("_depth", "_escaped", "_opened", "_pieces", "_quoted")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._depth = 0
        self._opened = False
        self._quoted = False
        self._escaped = False

    def add(self, piece: str) -> None:
        self._pieces.append(piece)

    @property
    def whole(self) -> bool:
        """Whether its braces are closed."""
        if self._pieces:
            self._read("".join(self._pieces))
            self._pieces.clear()
        return self._opened and self._depth == 0 and not self._quoted

    def _read(self, text: str) -> None:
        start = 1 if self._escaped else 0
        self._escaped = False
        for mark in _MARKS.finditer(text, start):
            sign = mark.group()
            if sign[0] == "\\":
                self._escaped = len(sign) == 1
            elif sign == '"':
                self._quoted = not self._quoted
            elif not self._quoted:
                self._depth += 1 if sign in "{[" else -1
                self._opened = True


_MARKS = re.compile(r'\\.?|["{}\[\]]', re.DOTALL)


class _Open(msgspec.Struct):
    """A call that has been heard of; `number` counts them from 0 in their order."""

    number: int
    id: str
    name: str = ""
    began: bool = False
    so_far: _Object = msgspec.field(default_factory=_Object)


def _given(said: wire.Answered) -> Iterable[wire.AnsweredCall]:
    if said.tool_calls:
        return said.tool_calls
    if said.function_call is None:
        return ()
    return [wire.AnsweredCall(function=said.function_call)]


def _is_another(known: _Open, id_: str, name: str, words: str) -> bool:
    """Whether a piece begins another call than the one its index says.

    A new id does so only with a name: some servers make up a new one for every piece. The same id,
    and a name over again without arguments, belong to the call that they name.
    """
    if id_ and known.id and name:
        return id_ != known.id
    if id_ and id_ == known.id:
        return False
    begins = words.lstrip().startswith("{") or (name not in {"", known.name})
    return known.began and begins and known.so_far.whole


def _name(so_far: str, given: str) -> str:
    """The name with what came now: the next piece of it, or all of it over again."""
    name = given if given.startswith(so_far) else so_far + given
    if len(name) > MAX_NAME_CHARS:
        raise ValueError("a call whose name does not end")
    return name
