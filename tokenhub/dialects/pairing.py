"""The turns of a talk with every call answered right after it, and no result without its call.

Both vendors refuse anything else, and an interrupted session leaves just that.

    calls of the assistant -> their results, failed ones for those missing -> all else that was said
                              until the assistant's next turn
"""

from collections import deque
from collections.abc import Callable, Iterable
from itertools import groupby

from msgspec.structs import replace

from tokenhub.core.talk import Call, Part, Result, Text, Turn

INTERRUPTED = "No result: the session was interrupted before this tool had answered."
EMPTY_RESULT = "(an empty result)"

# By the id of a call, the ids that its calls are told by and that wait for a result.
_Open = dict[str, deque[str]]


def paired(turns: Iterable[Turn], *, named: Callable[[str], str]) -> list[Turn]:
    """The turns, matched. `named` gives an id in the letters of whoever is to read it.

    A result without its call, or a second one, becomes plain content: it is still worth reading.
    Two calls of one id in a turn get two ids, and turns of the assistant in a row, with a call
    among them, become one.
    """
    matched: list[Turn] = []
    open_: _Open = {}
    for called, group in groupby(turns, key=_is_assistant):
        run = list(group)
        matched += _called(run, open_, named) if called else _answered(run, open_)
        if not called:
            open_ = {}
    return matched + (_answered([], open_) if open_ else [])


def _is_assistant(turn: Turn) -> bool:
    return turn.role == "assistant"


def _called(run: list[Turn], open_: _Open, named: Callable[[str], str]) -> list[Turn]:
    if not any(isinstance(part, Call) for turn in run for part in turn.parts):
        return run
    used: set[str] = set()
    parts = [
        _renamed(part, used, open_, named) if isinstance(part, Call) else part
        for turn in run
        for part in turn.parts
    ]
    return [Turn(role="assistant", parts=tuple(parts))]


def _renamed(call: Call, used: set[str], open_: _Open, named: Callable[[str], str]) -> Call:
    waiting = open_.setdefault(call.id, deque())
    number = len(waiting) + 1
    id_ = named(call.id)
    while id_ in used:
        id_ = named(f"{call.id}_{number}")
        number += 1
    used.add(id_)
    waiting.append(id_)
    return call if id_ == call.id else replace(call, id=id_)


def _answered(run: list[Turn], open_: _Open) -> list[Turn]:
    results: list[Part] = []
    rest = [_without_results(turn, open_, results) for turn in run]
    results += [
        Result(id=id_, parts=(Text(text=INTERRUPTED),), error=True)
        for waiting in open_.values()
        for id_ in waiting
    ]
    # A turn of results only has become part of the one at the beginning.
    left = [now for now, before in zip(rest, run, strict=True) if now.parts or not before.parts]
    if not results:
        return left
    if left and left[0].role == "user":
        results += left.pop(0).parts
    return [Turn(role="user", parts=tuple(results)), *left]


def _without_results(turn: Turn, open_: _Open, results: list[Part]) -> Turn:
    """The rest of a turn, whose results are put to the others."""
    rest: list[Part] = []
    for part in turn.parts:
        if not isinstance(part, Result):
            rest.append(part)
        elif waiting := open_.get(part.id):
            results.append(replace(part, id=waiting.popleft()))
        else:
            rest += part.parts or (Text(text=EMPTY_RESULT),)
    return (
        turn
        if len(rest) == len(turn.parts) and tuple(rest) == turn.parts
        else replace(turn, parts=tuple(rest))
    )
