"""The text of what was said, whole or in pieces, put into shape."""

import msgspec

from tokenhub.core.ask import Shape
from tokenhub.core.shaping.flow import Flow
from tokenhub.core.talk import (
    Delta,
    Ended,
    Finish,
    Part,
    Said,
    Sealed,
    SealedPiece,
    SignaturePiece,
    Text,
    TextPiece,
    Thinking,
    ThinkingPiece,
)

# A cut answer ended for its length, unless something that weighs more was said: calls to make, a
# refusal.
_OVERRULED = (None, Finish.STOP, Finish.STOP_SEQUENCE)


def shaped(said: Said, shape: Shape) -> Said:
    """The answer with its text in shape. Raises ValueError where too much would be held.

    Differs from the original where that harmed: no character is split, a cut text ends with
    `finish` LENGTH, and id, usage and calls are kept.
    """
    flow = Flow(shape)
    parts: list[Part] = []
    last_text = None
    for part in said.parts:
        match part:
            case Text(text=text):
                last_text = len(parts)
                parts.append(Text(text=flow.feed(text)))
            case Thinking() | Sealed() if shape.strip_think:
                continue
            case _:
                parts.append(part)
    if last_text is None:
        return msgspec.structs.replace(said, parts=tuple(parts))
    parts[last_text] = Text(text=_text(parts[last_text]) + flow.end())
    kept = [part for part in parts if not isinstance(part, Text) or part.text]
    ended = _ended(Ended(finish=said.finish, stop=said.stop), cut=flow.cut)
    return msgspec.structs.replace(
        said, parts=tuple(kept or [Text(text="")]), finish=ended.finish, stop=ended.stop
    )


class Shaper:
    """Shapes a stream as it passes: sans-IO, one for each stream.

    Text that is held back comes with later pieces, at the latest before `Ended`.
    """

    __slots__ = ("_flow", "_strip_think")

    def __init__(self, shape: Shape) -> None:
        self._flow = Flow(shape)
        self._strip_think = shape.strip_think

    def feed(self, deltas: list[Delta]) -> list[Delta]:
        """What the caller is to hear of these. Raises ValueError where too much would be held."""
        heard: list[Delta] = []
        for delta in deltas:
            match delta:
                case TextPiece(text=text):
                    heard += _pieces(self._flow.feed(text))
                case ThinkingPiece() | SignaturePiece() | SealedPiece() if self._strip_think:
                    continue
                case Ended():
                    heard += _pieces(self._flow.end())
                    heard.append(_ended(delta, cut=self._flow.cut))
                case _:
                    heard.append(delta)
        return heard


def _pieces(text: str) -> list[Delta]:
    return [TextPiece(text)] if text else []


def _text(part: Part) -> str:
    return part.text if isinstance(part, Text) else ""


def _ended(ended: Ended, *, cut: bool) -> Ended:
    if not cut or ended.finish not in _OVERRULED:
        return ended
    return msgspec.structs.replace(ended, finish=Finish.LENGTH, stop="")
