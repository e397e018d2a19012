"""Parts of a talk as Anthropic's blocks of content."""

import msgspec
from msgspec import Raw

from tokenhub.core.talk import Call, Part, Refusal, Result, Sealed, Text, Thinking
from tokenhub.dialects.anthropic.errors import UNREADABLE
from tokenhub.dialects.anthropic.media import medium
from tokenhub.wire import anthropic as wire

_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_ENCODE = msgspec.json.Encoder().encode
_EMPTY = Raw(b"{}")
# Models write `null` where a tool takes no arguments.
_NO_ARGUMENTS = ("", "null")


def block(part: Part) -> wire.Written | None:
    """The block that a part is; None where there is nothing to send.

    Blank texts are refused by the vendor, and so is thinking without its signature: only it can
    tell that the thinking was its own. Raises Unsayable for a file of a format it cannot read.
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
    return medium(part)


def arguments(text: str) -> Raw:
    """The input of a call: an object as it stands, none for nothing, all else within an object.

    Models do write broken JSON, and what they wrote must not be lost on the way back to them.
    """
    if text.strip() in _NO_ARGUMENTS:
        return _EMPTY
    raw = text.encode()
    try:
        _FIELDS.decode(raw)
    except UNREADABLE:
        return Raw(_ENCODE({"_raw": text}))
    return Raw(raw)


def _tool_result(part: Result) -> wire.ToolResult:
    said = [
        medium(inner) if not isinstance(inner, Text) else wire.Text(inner.text)
        for inner in part.parts
        if not isinstance(inner, Text) or inner.text.strip()
    ]
    if len(said) == 1 and isinstance(said[0], wire.Text):
        return wire.ToolResult(part.id, said[0].text, part.error)
    return wire.ToolResult(part.id, said or "", part.error)
