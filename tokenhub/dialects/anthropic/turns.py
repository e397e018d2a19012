"""The turns of a talk as Anthropic wants them: alternating, begun by the user, every call answered.

    turns -> blocks, blank ones left out -> neighbours of one role merged -> calls and results
    matched -> a user turn put first where there is none

OpenAI asks for none of this, so that its conversations are mended and not refused.
"""

import re
from collections import deque
from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec.structs import replace

from tokenhub.core.talk import Text, Turn
from tokenhub.dialects.anthropic.blocks import block
from tokenhub.dialects.anthropic.ids import is_valid_name, valid_id, valid_name
from tokenhub.dialects.pairing import EMPTY_RESULT, INTERRUPTED
from tokenhub.dialects.translation import Unsayable
from tokenhub.wire import anthropic as wire

# What a conversation opens with where the assistant spoke first, or nobody did: the vendor wants a
# user's turn there, and these words ask for what such a conversation wants, its beginning.
OPENING = "(The conversation begins.)"
# The tags that a system turn amid the conversation is told by.
_FORGED = re.compile(r"<(?=\s*/?\s*system\b)", re.IGNORECASE)


class _Said(msgspec.Struct):
    """A turn in the making."""

    role: Literal["user", "assistant"]
    blocks: list[wire.Written]


def system(turns: tuple[Turn, ...]) -> tuple[list[str], tuple[Turn, ...]]:
    """The texts of the system turns that come first, and the turns after them."""
    texts: list[str] = []
    for index, turn in enumerate(turns):
        if turn.role != "system":
            return texts, turns[index:]
        texts += _texts(turn)
    return texts, ()


def conversation(turns: Sequence[Turn]) -> list[wire.Turn]:
    """The messages of a request. Raises Unsayable."""
    said = _matched(_merged(turns))
    if said and said[-1].role == "assistant":
        _trim(said)
    if not said or said[0].role == "assistant":
        said.insert(0, _Said("user", [wire.Text(OPENING)]))
    return [wire.Turn(role=turn.role, content=_content(turn.blocks)) for turn in said]


def _merged(turns: Sequence[Turn]) -> list[_Said]:
    marked = any(turn.role == "system" for turn in turns)
    merged: list[_Said] = []
    for turn in turns:
        blocks = _blocks(turn, marked=marked)
        if not blocks:
            continue
        role: Literal["user", "assistant"] = "assistant" if turn.role == "assistant" else "user"
        if merged and merged[-1].role == role:
            merged[-1].blocks += blocks
        else:
            merged.append(_Said(role, blocks))
    return merged


def _blocks(turn: Turn, *, marked: bool) -> list[wire.Written]:
    if turn.role == "system":
        # Newer models take the role here and older ones refuse it; both heed a marked text.
        return [wire.Text(f"<system>{text}</system>") for text in _texts(turn)]
    said = [said for part in turn.parts if (said := block(part)) is not None]
    if marked and turn.role == "user":
        return [_unforged(block_) for block_ in said]
    return said


def _unforged(said: wire.Written) -> wire.Written:
    """What a user says, which is not to be taken for the system's voice beside it."""
    match said:
        case wire.Text(text=text):
            return wire.Text(_escaped(text))
        case wire.ToolResult(content=str() as text):
            return replace(said, content=_escaped(text))
        case wire.ToolResult(content=list() as content):
            return replace(said, content=[_unforged(inner) for inner in content])
        case wire.Document(source=wire.Plain(data=text)):
            return replace(said, source=wire.Plain(_escaped(text)))
    return said


def _escaped(text: str) -> str:
    return _FORGED.sub("&lt;", text)


def _texts(turn: Turn) -> list[str]:
    texts = [part.text for part in turn.parts if isinstance(part, Text)]
    if len(texts) != len(turn.parts):
        raise Unsayable("system messages must be text for this provider", field="messages")
    return [text for text in texts if text.strip()]


def _matched(said: list[_Said]) -> list[_Said]:
    """The turns with every call answered in the turn after it, and no result without its call.

    Ids are made valid and unique over the whole conversation: some servers count calls from 0 in
    every answer, and the vendor refuses the second of a name.
    """
    matched: list[_Said] = []
    used: dict[str, int] = {}
    open_: dict[str, deque[str]] = {}
    for turn in said:
        if turn.role == "user":
            matched.append(_Said("user", _answered(turn.blocks, open_)))
            open_ = {}
            continue
        matched.append(_Said("assistant", [_renamed(b, used, open_) for b in turn.blocks]))
    if open_:
        matched.append(_Said("user", _answered([], open_)))
    return matched


def _renamed(
    said: wire.Written, used: dict[str, int], open_: dict[str, deque[str]]
) -> wire.Written:
    if not isinstance(said, wire.ToolUse):
        return said
    id_ = valid_id(said.id, used)
    open_.setdefault(said.id, deque()).append(id_)
    if id_ == said.id and is_valid_name(said.name):
        return said
    return replace(said, id=id_, name=valid_name(said.name))


def _answered(blocks: list[wire.Written], open_: dict[str, deque[str]]) -> list[wire.Written]:
    """A user's turn: the results of the calls before it, those missing too, then all else."""
    results: list[wire.Written] = []
    rest: list[wire.Written] = []
    for said in blocks:
        if not isinstance(said, wire.ToolResult):
            rest.append(said)
        elif waiting := open_.get(said.tool_use_id):
            results.append(replace(said, tool_use_id=waiting.popleft()))
        else:
            # A second result, or one whose call was cut from the history: still worth reading.
            rest += _as_content(said)
    missing = [id_ for waiting in open_.values() for id_ in waiting]
    results += [wire.ToolResult(id_, INTERRUPTED, is_error=True) for id_ in missing]
    return results + rest


def _as_content(result: wire.ToolResult) -> list[wire.Written]:
    if isinstance(result.content, str):
        return [wire.Text(result.content or EMPTY_RESULT)]
    return list(result.content)


def _trim(said: list[_Said]) -> None:
    """Takes blanks from the end of what the assistant is to go on from: the vendor refuses them."""
    blocks = said[-1].blocks
    last = blocks[-1]
    if isinstance(last, wire.Text):
        blocks[-1] = wire.Text(last.text.rstrip())


def _content(blocks: list[wire.Written]) -> str | list[wire.Written]:
    if len(blocks) == 1 and isinstance(blocks[0], wire.Text):
        return blocks[0].text
    return blocks
