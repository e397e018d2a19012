"""A history that Anthropic would refuse, mended; every other one keeps its bytes.

The vendor answers 400 to thinking without its signature (it was another vendor's model that
thought), and to turns in which calls and results do not match (the session was interrupted, or the
history cut). Both stay in a client's history for good, so that its conversation would be over.

Turns of one role in a row are one turn to the vendor, and the results must stand first in theirs.
"""

import re
from collections import Counter
from collections.abc import Iterator

import msgspec
from msgspec import Raw

from tokenhub.dialects.anthropic.errors import UNREADABLE
from tokenhub.dialects.pairing import EMPTY_RESULT, INTERRUPTED
from tokenhub.wire import anthropic as wire

_OUTLINE = msgspec.json.Decoder(wire.Outline)
_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_LIST = msgspec.json.Decoder(list[Raw])
_PART = msgspec.json.Decoder(wire.OutlinePart)
_TEXT = msgspec.json.Decoder(str)
_MAYBE_TEXT: msgspec.json.Decoder[str | None] = msgspec.json.Decoder(str | None)
_ENCODE = msgspec.json.Encoder().encode
_THINKING = re.compile(rb'"type"\s*:\s*"thinking"')
_CALLING = re.compile(rb'"type"\s*:\s*"tool_(?:use|result)"')
# What of a result may stand in a user's turn as it is.
_CONTENT = ("text", "image", "document", "search_result")

# The blocks of a turn, each with what of it is looked at.
_Parts = list[tuple[wire.OutlinePart, Raw]]


def mended(payload: bytes) -> bytes:
    """The request with thinking left out that has no signature, and each call with its result."""
    thinks, calls = _THINKING.search(payload) is not None, _CALLING.search(payload) is not None
    if not (thinks or calls):
        return payload
    try:
        outline = _OUTLINE.decode(payload).messages
        unsigned = thinks and any(map(_has_unsigned, outline))
        unmatched = calls and not _is_matched(outline)
        if not (unsigned or unmatched):
            return payload
        fields = _FIELDS.decode(payload)
        turns = _LIST.decode(fields["messages"])
        if unsigned:
            turns = [turn for given in turns if (turn := _signed(given)) is not None]
        if unmatched:
            turns = _matched(turns)
    except UNREADABLE:
        # Of another form than the vendor's, so that it is the provider's to judge.
        return payload
    fields["messages"] = Raw(_ENCODE(turns))
    return _ENCODE(fields)


# --- thinking


def _has_unsigned(turn: wire.OutlineTurn) -> bool:
    return not isinstance(turn.content, str) and any(map(_is_unsigned, turn.content))


def _is_unsigned(part: wire.OutlinePart) -> bool:
    return part.type == "thinking" and not part.signature


def _signed(turn: Raw) -> Raw | None:
    """The turn without thinking that lacks its signature; None where nothing else was said."""
    fields = _FIELDS.decode(turn)
    if not bytes(fields["content"]).startswith(b"["):
        return turn
    parts = _LIST.decode(fields["content"])
    kept = [part for part in parts if not _is_unsigned(_PART.decode(part))]
    if len(kept) == len(parts):
        return turn
    return Raw(_ENCODE({**fields, "content": kept})) if kept else None


# --- calls and results


def _is_matched(turns: list[wire.OutlineTurn]) -> bool:
    """Whether each turn of the user begins with one result for each call before it, and no more."""
    asked: list[str] = []
    for role, parts in _runs(turns):
        if role == "assistant":
            asked = [str(part.id) for part in parts if part.type == "tool_use"]
            continue
        if not _answers(parts, asked):
            return False
        asked = []
    return not asked


def _runs(turns: list[wire.OutlineTurn]) -> Iterator[tuple[str, list[wire.OutlinePart]]]:
    """The turns with those of one role in a row as one; the system's own stand between them."""
    role, run = "", list[wire.OutlinePart]()
    for turn in turns:
        if turn.role == "system":
            continue
        if turn.role != role:
            if role:
                yield role, run
            role, run = turn.role, []
        run += [wire.OutlinePart(type="text")] if isinstance(turn.content, str) else turn.content
    if role:
        yield role, run


def _matched(turns: list[Raw]) -> list[Raw]:
    """The turns; where results and calls do not match, the user's turn is written anew."""
    matched: list[Raw] = []
    asked: list[str] = []
    run: list[_Heard] = []
    for turn in turns:
        fields = _FIELDS.decode(turn)
        role = _TEXT.decode(fields["role"])
        parts = _parts(fields["content"])
        if role != "assistant":
            run.append(_Heard(turn, parts if role == "user" else None))
            continue
        if any(heard.parts is not None for heard in run):
            matched += _heard(run, asked)
            asked = []
        else:
            matched += [heard.turn for heard in run]
        run = []
        asked += [str(part.id) for part, _ in parts if part.type == "tool_use"]
        matched.append(turn)
    return matched + _heard(run, asked)


class _Heard(msgspec.Struct, frozen=True):
    """What came between two turns of the assistant; without parts, it is the system's."""

    turn: Raw
    parts: _Parts | None


def _heard(run: list[_Heard], asked: list[str]) -> list[Raw]:
    parts = [part for heard in run for part in heard.parts or ()]
    if _answers([part for part, _ in parts], asked):
        return [heard.turn for heard in run]
    turn = Raw(_ENCODE({"role": "user", "content": _answered(parts, asked)}))
    return [turn, *[heard.turn for heard in run if heard.parts is None]]


def _answers(parts: list[wire.OutlinePart], asked: list[str]) -> bool:
    """Whether the parts begin with one result for each call, and hold no more."""
    results = [str(part.tool_use_id) for part in parts if part.type == "tool_result"]
    first = all(part.type == "tool_result" for part in parts[: len(results)])
    return first and sorted(results) == sorted(asked)


def _answered(parts: _Parts, asked: list[str]) -> list[Raw]:
    """The results of the calls, those missing too, then all else; what has no call is content."""
    missing = Counter(asked)
    results: list[Raw] = []
    rest: list[Raw] = []
    for part, raw in parts:
        if part.type != "tool_result":
            rest.append(raw)
        elif missing[str(part.tool_use_id)]:
            missing[str(part.tool_use_id)] -= 1
            results.append(raw)
        else:
            rest += _as_content(raw)
    made_up = [wire.ToolResult(id_, INTERRUPTED, is_error=True) for id_ in missing.elements()]
    return [*results, *[Raw(_ENCODE(result)) for result in made_up], *rest]


def _parts(content: Raw) -> _Parts:
    if bytes(content).startswith(b"["):
        return [(_PART.decode(raw), raw) for raw in _LIST.decode(content)]
    text = _TEXT.decode(content)
    return [(wire.OutlinePart(type="text"), _said(text))] if text.strip() else []


def _as_content(result: Raw) -> list[Raw]:
    """What a result holds, for a turn in which it is none."""
    content = _FIELDS.decode(result).get("content", Raw(b"null"))
    if not bytes(content).startswith(b"["):
        text = _MAYBE_TEXT.decode(content) or ""
        return [_said(text if text.strip() else EMPTY_RESULT)]
    parts = [
        raw if part.type in _CONTENT else _said(bytes(raw).decode())
        for part, raw in _parts(content)
    ]
    return parts or [_said(EMPTY_RESULT)]


def _said(text: str) -> Raw:
    return Raw(_ENCODE(wire.Text(text)))
