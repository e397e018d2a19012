"""Anthropic's blocks of content, read as parts of a talk."""

import msgspec
from msgspec import Raw

from tokenhub.core.talk import Call, Document, Image, Part, Result, Sealed, Text, Thinking
from tokenhub.dialects.anthropic.errors import UNREADABLE
from tokenhub.dialects.translation import Unsayable
from tokenhub.wire import anthropic as wire

_BLOCK = msgspec.json.Decoder(wire.Block)
_KIND = msgspec.json.Decoder(wire.Kind)
_SOURCE = msgspec.json.Decoder(wire.Source)
_CONTENT: msgspec.json.Decoder[wire.Content] = msgspec.json.Decoder(wire.Content)
_NOTHING = (b"", b"null")
# A document in a tool's result in a message, and its text: the vendor's format nests no deeper.
DEEPEST = 3

ToSay = tuple[Text | Image | Document, ...]


class Seen:
    """What of a request's blocks has no words elsewhere, by name, each once and in order."""

    def __init__(self) -> None:
        self.unread: dict[str, None] = {}

    def note(self, name: str, raw: Raw | str | None) -> None:
        if raw is not None and (isinstance(raw, str) or bytes(raw) not in _NOTHING):
            self.unread[name] = None


def read_content(
    content: wire.Content, where: str, seen: Seen, *, depth: int = 0
) -> tuple[Part, ...]:
    """The parts of a turn. `where` is its path, for Unsayable; `depth` counts blocks around it."""
    if depth > DEEPEST:
        raise Unsayable(f"{where} is nested too deep", field=where, code="invalid_type")
    if isinstance(content, str):
        return (Text(text=content),)
    parts: list[Part] = []
    for index, block in enumerate(content):
        seen.note("cache_control", block.cache_control)
        parts += _read_block(block, f"{where}[{index}]", seen, depth)
    return tuple(parts)


def answered(raw: Raw) -> Part | None:
    """The part that a block of an answer is; None for one that is new to us, or the vendor's own.

    Raises msgspec.DecodeError for what is no block, or for one that we know of other types.
    """
    try:
        return said_part(_BLOCK.decode(raw))
    except msgspec.ValidationError:
        if _KIND.decode(raw).type in {"", *wire.KNOWN_BLOCKS}:
            raise
        return None


def said_part(block: wire.Block) -> Part | None:
    """The part that a block of an answer is; None for one that only the vendor's own tools bring.

    `input` is kept byte for byte.
    """
    match block.type:
        case "text":
            return Text(text=block.text or "")
        case "thinking":
            return Thinking(text=block.thinking or "", signature=block.signature or "")
        case "redacted_thinking":
            return Sealed(data=block.data or "")
        case "tool_use":
            given = bytes(block.input)
            arguments = "{}" if given in _NOTHING else given.decode()
            return Call(id=block.id or "", name=block.name or "", arguments=arguments)
    return None


def _read_block(block: wire.Block, where: str, seen: Seen, depth: int) -> tuple[Part, ...]:
    match block.type:
        case "image":
            seen.note("transformations", block.transformations)
            return (_image(block, where),)
        case "document":
            seen.note("citations", block.citations)
            seen.note("context", block.context)
            return _document(block, where, depth)
        case "tool_result":
            return (_result(block, where, seen, depth),)
    part = said_part(block)
    if part is None:
        raise Unsayable(f"{where}: {block.type} blocks have no counterpart", field=where)
    return (part,)


def _image(block: wire.Block, where: str) -> Image:
    source = _source(block, where)
    match source.type:
        case "base64":
            return Image(media_type=source.media_type, data=source.data)
        case "url":
            return Image(url=source.url)
    raise Unsayable(f"{where}: send the image itself or its url", field=f"{where}.source")


def _document(block: wire.Block, where: str, depth: int) -> ToSay:
    source = _source(block, where)
    name = block.title or ""
    match source.type:
        case "base64":
            return (Document(media_type=source.media_type, data=source.data, name=name),)
        case "url":
            return (Document(url=source.url, name=name),)
        case "text":
            return (Document(text=source.data, name=name),)
        case "content":
            content = _inner(source.content, f"{where}.source")
            parts = read_content(content, f"{where}.source.content", Seen(), depth=depth + 1)
            return _flattened(_sayable(parts, where), name)
    raise Unsayable(f"{where}: send the document itself or its url", field=f"{where}.source")


def _flattened(parts: ToSay, name: str) -> ToSay:
    """A document made of blocks: one of text where they all are, else its blocks as they stand."""
    texts = [part.text for part in parts if isinstance(part, Text)]
    if len(texts) == len(parts):
        return (Document(text="\n".join(texts), name=name),)
    return (Text(text=name), *parts) if name else parts


def _result(block: wire.Block, where: str, seen: Seen, depth: int) -> Result:
    parts: tuple[Part, ...] = ()
    if bytes(block.content) not in _NOTHING:
        content = _inner(block.content, where)
        parts = read_content(content, f"{where}.content", seen, depth=depth + 1)
    return Result(
        id=block.tool_use_id or "", parts=_sayable(parts, where), error=bool(block.is_error)
    )


def _sayable(parts: tuple[Part, ...], where: str) -> ToSay:
    said = tuple(part for part in parts if isinstance(part, Text | Image | Document))
    if len(said) != len(parts):
        raise Unsayable(f"{where}: only text, images and documents fit in it", field=where)
    return said


def _source(block: wire.Block, where: str) -> wire.Source:
    try:
        return _SOURCE.decode(block.source)
    except UNREADABLE as error:
        field = f"{where}.source"
        raise Unsayable(f"{field} is required", field=field, code="invalid_type") from error


def _inner(raw: Raw, where: str) -> wire.Content:
    try:
        return _CONTENT.decode(raw)
    except UNREADABLE as error:
        field = f"{where}.content"
        raise Unsayable(f"{field} is not valid", field=field, code="invalid_type") from error
