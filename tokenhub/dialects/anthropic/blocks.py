"""Anthropic's blocks of content as parts of a talk, and parts as blocks."""

import re
from binascii import Error as NoBase64
from binascii import a2b_base64

import msgspec
from msgspec import Raw

from tokenhub.core.talk import (
    Call,
    Document,
    Image,
    Part,
    Refusal,
    Result,
    Sealed,
    Text,
    Thinking,
)
from tokenhub.dialects.anthropic.passing import UNREADABLE
from tokenhub.dialects.translation import Unsayable
from tokenhub.wire import anthropic as wire

_SOURCE = msgspec.json.Decoder(wire.Source)
_CONTENT: msgspec.json.Decoder[wire.Content] = msgspec.json.Decoder(wire.Content)
_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_ENCODE = msgspec.json.Encoder().encode
_NOTHING = (b"", b"null")
_EMPTY = Raw(b"{}")
# What Anthropic takes as the id of a call; OpenAI takes it too.
_ODD = re.compile(r"[^a-zA-Z0-9_-]")
_PDF = "application/pdf"

ToSay = tuple[Text | Image | Document, ...]


class Seen:
    """What of a request's blocks has no words elsewhere, by name, each once and in order."""

    def __init__(self) -> None:
        self.unread: dict[str, None] = {}

    def note(self, name: str, raw: Raw | str | None) -> None:
        if raw is not None and (isinstance(raw, str) or bytes(raw) not in _NOTHING):
            self.unread[name] = None


# --- read


def read_content(content: wire.Content, where: str, seen: Seen) -> tuple[Part, ...]:
    """The parts of a turn. `where` is its path, for Unsayable."""
    if isinstance(content, str):
        return (Text(text=content),)
    parts: list[Part] = []
    for index, block in enumerate(content):
        seen.note("cache_control", block.cache_control)
        parts += _read_block(block, f"{where}[{index}]", seen)
    return tuple(parts)


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
            arguments = bytes(block.input).decode()
            return Call(id=block.id or "", name=block.name or "", arguments=arguments or "{}")
    return None


def _read_block(block: wire.Block, where: str, seen: Seen) -> tuple[Part, ...]:
    match block.type:
        case "image":
            seen.note("transformations", block.transformations)
            return (_image(block, where),)
        case "document":
            seen.note("citations", block.citations)
            seen.note("context", block.context)
            return _document(block, where)
        case "tool_result":
            return (_result(block, where, seen),)
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


def _document(block: wire.Block, where: str) -> ToSay:
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
            return _flattened(_inner(source.content, f"{where}.source"), name, where)
    raise Unsayable(f"{where}: send the document itself or its url", field=f"{where}.source")


def _flattened(content: wire.Content, name: str, where: str) -> ToSay:
    """A document made of blocks: one of text where they all are, else its blocks as they stand."""
    parts = _sayable(read_content(content, f"{where}.source.content", Seen()), where)
    texts = [part.text for part in parts if isinstance(part, Text)]
    if len(texts) == len(parts):
        return (Document(text="\n".join(texts), name=name),)
    return (Text(text=name), *parts) if name else parts


def _result(block: wire.Block, where: str, seen: Seen) -> Result:
    parts: tuple[Part, ...] = ()
    if bytes(block.content) not in _NOTHING:
        parts = read_content(_inner(block.content, where), f"{where}.content", seen)
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


# --- written


def block(part: Part) -> wire.Written | None:
    """The block that a part is; None where there is nothing to send.

    Blank texts are refused by the vendor, and so is thinking without its signature: only it can
    tell that the thinking was its own. Raises Unsayable for a document of a format it cannot read.
    """
    match part:
        case Text(text=text) | Refusal(text=text):
            return wire.Text(text) if text.strip() else None
        case Thinking(text=text, signature=signature):
            return wire.Thinking(text, signature) if signature else None
        case Sealed(data=data):
            return wire.Redacted(data)
        case Call():
            return wire.ToolUse(part.id, part.name, arguments(part.arguments))
        case Result():
            return _tool_result(part)
    return _medium(part)


def arguments(text: str) -> Raw:
    """The input of a call: an object as it stands, and anything else within one.

    Models do write broken JSON, and what they wrote must not be lost on the way back to them.
    """
    raw = text.encode()
    if not raw.strip():
        return _EMPTY
    try:
        _FIELDS.decode(raw)
    except UNREADABLE:
        return Raw(_ENCODE({"_raw": text}))
    return Raw(raw)


def valid_id(id_: str, used: set[str]) -> str:
    """The id of a call in letters that both vendors take, and not used before; it is used now."""
    wanted = _ODD.sub("_", id_) or "call"
    free, number = wanted, 1
    while free in used:
        number += 1
        free = f"{wanted}_{number}"
    used.add(free)
    return free


def _tool_result(part: Result) -> wire.ToolResult:
    said = [
        _medium(inner) if not isinstance(inner, Text) else wire.Text(inner.text)
        for inner in part.parts
        if not isinstance(inner, Text) or inner.text.strip()
    ]
    if len(said) == 1 and isinstance(said[0], wire.Text):
        return wire.ToolResult(part.id, said[0].text, part.error)
    return wire.ToolResult(part.id, said or "", part.error)


def _medium(part: Image | Document) -> wire.Image | wire.Document:
    if isinstance(part, Image):
        if part.url:
            return wire.Image(wire.Url(part.url))
        return wire.Image(wire.Base64(part.media_type, part.data))
    if part.url:
        return wire.Document(wire.Url(part.url), part.name)
    if not part.data:
        return wire.Document(wire.Plain(part.text), part.name)
    if part.media_type == _PDF:
        return wire.Document(wire.Base64(_PDF, part.data), part.name)
    return wire.Document(wire.Plain(_plain(part)), part.name)


def _plain(part: Document) -> str:
    """The text of a file that is one."""
    try:
        if part.media_type.startswith("text/"):
            return a2b_base64(part.data).decode()
    except (NoBase64, UnicodeDecodeError):
        wrong = "not text in UTF-8"
    else:
        wrong = "neither PDF nor text"
    raise Unsayable(
        f"{part.name or 'a file'} is {wrong}; this provider reads no other files",
        field="messages",
    )
