"""`@@tokenhub` directives in a request's body: found, read, and taken out.

They are cut out of every text that a model would read as one: whole contents, text parts, tool
results, documents with what is said about them, and what an earlier answer refused or thought
aloud. They are read only where the caller speaks for itself: in user and system turns, and there
not in tool results and documents, which others wrote. The arguments of tool calls are a program's
data and Anthropic's thinking is signed: both stay as they are.

What changes is written anew; every other field, message and part keeps its bytes.
"""

import re
from collections.abc import Sequence

import msgspec
from msgspec import Raw

from tokenhub.core import tokens
from tokenhub.core.ask import Ask, Directed
from tokenhub.core.directives import MARKER, Directive, Orders, cut, few_enough, orders
from tokenhub.core.errors import BadRequest
from tokenhub.dialects.decoding import decoded

_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_LIST = msgspec.json.Decoder(list[Raw])
_TEXT = msgspec.json.Decoder(str)
_ENCODE = msgspec.json.Encoder().encode

_READ_ROLES = ("user", "system", "developer")
_MARKER = MARKER.encode()
# A letter of the marker as JSON may hide it: `@` is \u0040.
_HIDDEN = re.compile(
    rb"\\u00(?:" + b"|".join(b"%02x" % letter for letter in sorted(set(_MARKER))) + rb")",
    re.IGNORECASE,
)
# A document in a tool result in a message: no vendor's format nests deeper.
_DEEPEST = 3
# Where a document that is text has it, by the type of its source.
_HELD = {"text": "data", "content": "content"}
# What is said about a document or a search result, beside its text. Anthropic refuses empty ones.
_ABOUT = ("title", "context")
# What an earlier answer thought aloud, in the names that OpenAI's imitators have for it.
_THOUGHTS = ("reasoning_content", "reasoning")
_NOTHING = Raw(b'""')
# Anthropic refuses an empty text, and a turn left out would change who speaks after whom.
_FILLER = Raw(b'"."')

Fields = dict[str, Raw]


def directed(ask: Ask) -> Directed | None:
    """The request without its directives and what they ask for; None where it has none.

    Of all directives, the first one is read: an Anthropic `system` comes before the messages. What
    is wrong with it is told in `error`. For other requests this is a search through the bytes.
    """
    if ask.task == "embeddings" or not _suspicious(ask.payload):
        return None
    cutter = _Cutter(anthropic=ask.speech == "anthropic")
    try:
        payload = cutter.body(ask.payload)
    except BadRequest as refused:
        return Directed(payload=ask.payload, input_tokens=ask.input_tokens, error=refused)
    if payload is ask.payload:
        return None
    error, ordered = None, Orders()
    try:
        ordered = Orders() if cutter.first is None else orders(cutter.first)
    except BadRequest as refused:
        error = refused
    return Directed(
        payload=payload,
        input_tokens=max(1, ask.input_tokens - cutter.cut_tokens),
        wish=ordered.wish,
        schema=ordered.schema,
        notes=ordered.notes,
        error=error,
    )


def _suspicious(data: bytes) -> bool:
    """Whether a marker may be in this JSON. Two searches for bytes, where there is none."""
    return _MARKER in data or (b"\\u00" in data and _HIDDEN.search(data) is not None)


class _Cutter:
    """Cuts directives out of a body, from the outside in; what has none comes back as it is.

    A content that nothing is left of is `_NOTHING`: what becomes of it, its holder says.
    """

    def __init__(self, *, anthropic: bool) -> None:
        self.first: Directive | None = None
        self.cut_tokens = 0
        self._count = 0
        self._anthropic = anthropic

    def body(self, payload: bytes) -> bytes:
        """The whole request. An Anthropic `system` may be left out, so an empty one is."""
        whole = asked = Raw(payload)
        if self._anthropic:
            whole = self._within(asked, decoded(_FIELDS, asked), "system", read=True, empty=None)
        fields = decoded(_FIELDS, whole)
        old = _list(fields.get("messages"))
        new = [self._message(message) for message in old]
        if _differ(old, new):
            return _ENCODE({**fields, "messages": new})
        return payload if whole is asked else bytes(whole)

    def _message(self, raw: Raw) -> Raw:
        fields = _object(raw)
        if not fields:
            return raw
        read = _text(fields.get("role")) in _READ_ROLES
        empty = _FILLER if self._anthropic else _NOTHING
        new = self._within(raw, fields, "content", read=read, empty=empty)
        return self._beside(self._beside(new, ["refusal"], empty=_NOTHING), _THOUGHTS)

    def _beside(self, raw: Raw, names: Sequence[str], *, empty: Raw | None = None) -> Raw:
        """The object with the texts that it has beside its content: no estimate counts them."""
        counted = self.cut_tokens
        for name in names:
            fields = _object(raw)
            if _text(fields.get(name)):
                raw = self._within(raw, fields, name, empty=empty)
        self.cut_tokens = counted
        return raw

    def _part(self, raw: Raw, *, read: bool, depth: int) -> Raw:
        fields = _object(raw)
        if not fields:
            return raw
        if "text" in fields:
            text = self._text(fields["text"], read=read)
            return text if text is _NOTHING else _put(raw, fields, "text", text)
        return raw if depth == _DEEPEST else self._others(raw, fields, depth=depth + 1)

    def _others(self, raw: Raw, fields: Fields, *, depth: int) -> Raw:
        """A part of what others wrote. A tool result may be without content."""
        kind = _text(fields.get("type"))
        if kind == "refusal":
            new = self._beside(raw, ["refusal"])
            return new if "refusal" in decoded(_FIELDS, new) else _NOTHING
        if kind == "tool_result":
            return self._within(raw, fields, "content", empty=None, depth=depth)
        if kind == "search_result":
            new = self._within(raw, fields, "content", empty=_FILLER, depth=depth)
            return self._beside(new, _ABOUT)
        if kind != "document":
            return raw
        source = _object(fields.get("source", Raw(b"")))
        if held := _HELD.get(_text(source.get("type"))):
            new = self._within(fields["source"], source, held, empty=_FILLER, depth=depth)
            raw = _put(raw, fields, "source", new)
        return self._beside(raw, _ABOUT)

    def _within(
        self,
        raw: Raw,
        fields: Fields,
        name: str,
        *,
        empty: Raw | None,
        read: bool = False,
        depth: int = 0,
    ) -> Raw:
        """The object with what its field holds, and `empty` for nothing; None drops the field."""
        if name not in fields:
            return raw
        new = self._content(fields[name], read=read, depth=depth)
        if new is not _NOTHING:
            return _put(raw, fields, name, new)
        if empty is None:
            return Raw(_ENCODE({key: value for key, value in fields.items() if key != name}))
        self.cut_tokens -= 1 if empty is _FILLER else 0
        return _put(raw, fields, name, empty)

    def _content(self, raw: Raw, *, read: bool, depth: int) -> Raw:
        """A text, or a list of parts; those that nothing is left of are taken out of it."""
        old = _list(raw)
        if not old:
            return self._text(raw, read=read)
        new = [self._part(part, read=read, depth=depth) for part in old]
        if not _differ(old, new):
            return raw
        left = [part for part in new if part is not _NOTHING]
        return Raw(_ENCODE(left)) if left else _NOTHING

    def _text(self, raw: Raw, *, read: bool) -> Raw:
        if not _suspicious(bytes(raw)):
            return raw
        text = _text(raw)
        clean = cut(text)
        if clean.first is None:
            return raw
        self._count += clean.count
        few_enough(self._count)
        if read:
            self.first = self.first or clean.first
        left = clean.text if clean.text.strip() else ""
        self.cut_tokens += tokens.of_text(text) - tokens.of_text(left)
        return Raw(_ENCODE(left)) if left else _NOTHING


def _put(raw: Raw, fields: Fields, name: str, new: Raw) -> Raw:
    """The object with another value; as it came, if it is the same."""
    return raw if new is fields[name] else Raw(_ENCODE({**fields, name: new}))


def _object(raw: Raw) -> Fields:
    """The fields of an object in which a marker may be; nothing for everything else."""
    data = bytes(raw)
    return decoded(_FIELDS, raw) if data[:1] == b"{" and _suspicious(data) else {}


def _list(raw: Raw | None) -> list[Raw]:
    return decoded(_LIST, raw) if raw is not None and bytes(raw)[:1] == b"[" else []


def _text(raw: Raw | None) -> str:
    """The text, and "" for what is none."""
    return decoded(_TEXT, raw) if raw is not None and bytes(raw)[:1] == b'"' else ""


def _differ(old: Sequence[Raw], new: Sequence[Raw]) -> bool:
    return any(before is not after for before, after in zip(old, new, strict=True))
