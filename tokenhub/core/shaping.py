"""What is made of an answer's text, whole or as it streams.

The text flows through stages, each an automaton that holds back only what it cannot decide yet:

    Think      takes `<think>...</think>` out            then Trim
    Cut        ends the text after so many bytes
    Fenced     gives the JSON inside the first fence     then Trim
    Plain      takes Markdown's marks off each line      then Trim

A whole answer takes the same way as a stream does, so that both come out alike however the text
was cut. Everything that is no text passes: ids, counts and calls stay what they were.
"""

import re
from collections.abc import Callable
from typing import Protocol

import msgspec

from tokenhub.core.ask import Shape
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

BYTES_PER_TOKEN = 4

# A cut answer ended for its length, unless something that weighs more was said: calls to make, a
# refusal.
_OVERRULED = (None, Finish.STOP, Finish.STOP_SEQUENCE)


def shaped(said: Said, shape: Shape) -> Said:
    """The answer with its text in shape.

    Differs from the original where that harmed: no character is split, a cut text ends with
    `finish` LENGTH, and id, usage and calls are kept.
    """
    flow = _Flow(shape)
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
        self._flow = _Flow(shape)
        self._strip_think = shape.strip_think

    def feed(self, deltas: list[Delta]) -> list[Delta]:
        """What the caller is to hear of these."""
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


# --- The stages -------------------------------------------------------------------------------


class _Stage(Protocol):
    def feed(self, text: str) -> str: ...

    def end(self) -> str: ...


class _Flow:
    """The stages of a shape, one after the other."""

    def __init__(self, shape: Shape) -> None:
        self._cut = None if shape.max_tokens is None else _Cut(shape.max_tokens * BYTES_PER_TOKEN)
        self._stages: list[_Stage] = [_Think(), _Trim()] if shape.strip_think else []
        self._stages += [self._cut] if self._cut else []
        self._stages += _stages(shape.type)

    @property
    def cut(self) -> bool:
        return self._cut is not None and self._cut.done

    def feed(self, text: str) -> str:
        for stage in self._stages:
            text = stage.feed(text)
        return text

    def end(self) -> str:
        rest = ""
        for stage in self._stages:
            rest = stage.feed(rest) + stage.end()
        return rest


def _stages(kind: str) -> list[_Stage]:
    match kind:
        case "json":
            return [_Fenced(), _Trim()]
        case "markdown":
            return [_Trim()]
        case "text":
            return [_Plain(), _Trim()]
        case _:
            return []


class _Think:
    """Without `<think>...</think>`, and the blanks that follow it.

    A block that never closes is thought to its end.
    """

    _OPEN = re.compile("<(think|thinking)>")
    _TAGS = ("<think>", "<thinking>")

    def __init__(self) -> None:
        self._rest = ""
        self._closing = ""
        self._blanks = False

    def feed(self, text: str) -> str:
        self._rest += text
        out: list[str] = []
        while (piece := self._closed() if self._closing else self._opened()) is not None:
            out.append(piece)
        return "".join(out)

    def end(self) -> str:
        return "" if self._closing else self._rest

    def _closed(self) -> str | None:
        """Leave the block, if its end is here."""
        _, closing, after = self._rest.partition(self._closing)
        if not closing:
            self._rest = self._rest[1 - len(self._closing) :]
            return None
        self._rest, self._closing, self._blanks = after, "", True
        return ""

    def _opened(self) -> str | None:
        """The text up to the next block, or up to what may become one."""
        if self._blanks:
            self._rest = self._rest.lstrip()
            self._blanks = not self._rest
        if not self._rest:
            return None
        if found := self._OPEN.search(self._rest):
            before, self._rest = self._rest[: found.start()], self._rest[found.end() :]
            self._closing = f"</{found[1]}>"
            return before
        kept = self._beginning()
        before, self._rest = self._rest[:kept], self._rest[kept:]
        return before or None

    def _beginning(self) -> int:
        """Where a tag may begin that goes on in the next piece."""
        mark = self._rest.rfind("<")
        begins = mark >= 0 and any(tag.startswith(self._rest[mark:]) for tag in self._TAGS)
        return mark if begins else len(self._rest)


class _Cut:
    """The first bytes of UTF-8 only, whole characters, and dots where there was more."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self.done = False

    def feed(self, text: str) -> str:
        if self.done:
            return ""
        encoded = text.encode()
        if len(encoded) <= self._left:
            self._left -= len(encoded)
            return text
        self.done = True
        return encoded[: self._left].decode(errors="ignore") + "..."

    def end(self) -> str:
        return ""


class _Trim:
    """Without the blanks around the text."""

    def __init__(self) -> None:
        self._began = False
        self._blanks: list[str] = []

    def feed(self, text: str) -> str:
        if not self._began:
            text = text.lstrip()
        body = text.rstrip()
        if not body:
            self._blanks += [text] if self._began and text else []
            return ""
        self._began = True
        out = "".join([*self._blanks, body])
        self._blanks = [text[len(body) :]]
        return out

    def end(self) -> str:
        return ""


class _Plain:
    """Without Markdown's marks: `#` before a line, `**`, backticks, and the `*` of lists and words.

    Line by line. The original takes every star, those of a product too; here `2 * 3` stays. A line
    that only opens or closes a code block goes altogether.
    """

    _FENCE = re.compile(r"`{3,}[\w+-]*")
    _MARKS = re.compile(r"^#+\s*|^\*\s+|\*\*|`|(?<!\w)\*(?=\S)|(?<=\S)\*(?!\w)")

    def __init__(self) -> None:
        self._line: list[str] = []

    def feed(self, text: str) -> str:
        if "\n" not in text:
            self._line += [text] if text else []
            return ""
        first, *others = text.split("\n")
        whole = ["".join([*self._line, first]), *others[:-1]]
        self._line = [others[-1]]
        return "".join([f"{self._bare(line)}\n" for line in whole if not self._fences(line)])

    def end(self) -> str:
        line = "".join(self._line)
        return "" if self._fences(line) else self._bare(line)

    def _fences(self, line: str) -> bool:
        return self._FENCE.fullmatch(line.strip()) is not None

    def _bare(self, line: str) -> str:
        return self._MARKS.sub("", line.strip()).strip()


class _Fenced:
    """The inside of the first ```` ```json ```` block, or of one without a language; else the text.

    A text that begins with a bracket is JSON as it stands. Any other is held back until a block
    opens, since until then it may be the talk around it.
    """

    _INFO = re.compile(r"`{3,64}([\w+-]{0,32})")

    def __init__(self) -> None:
        self._read: Callable[[str], str] = self._begin
        self._held: list[str] = []
        self._rest = ""
        self._skipping = False
        self._inside = _Inside()

    def feed(self, text: str) -> str:
        return self._read(text) if text else ""

    def end(self) -> str:
        # What is still undecided is text, and nothing but text came before it.
        return "".join([*self._held, self._rest]) + self._inside.end()

    def _begin(self, text: str) -> str:
        text = text.lstrip()
        if not text:
            return ""
        if text[0] in "{[":
            self._read = str
            return text
        self._read = self._seek
        return self._seek(text)

    def _seek(self, text: str) -> str:
        self._rest += text
        while (mark := self._rest.find("```")) >= 0:
            found = self._INFO.match(self._rest, mark)
            if found is None or found.end() == len(self._rest):
                # The word behind the marks, or their number, may go on in the next piece.
                self._hold(mark)
                return ""
            if not self._skipping and found[1] in {"", "json"}:
                return self._open(self._rest[found.end() :])
            # A block in another language; what looks like an opening next is its end.
            self._skipping = not self._skipping
            self._hold(found.end())
        self._hold(len(self._rest.rstrip("`")))
        return ""

    def _hold(self, end: int) -> None:
        self._held.append(self._rest[:end])
        self._rest = self._rest[end:]

    def _open(self, text: str) -> str:
        self._held, self._rest = [], ""
        self._read = self._inside.feed
        return self._inside.feed(text)


class _Inside:
    """The JSON up to the marks that close its block; marks within a JSON string are its own."""

    _SPECIAL = re.compile(r'[\\"\n`]')

    def __init__(self) -> None:
        self._rest = ""
        self._string = False
        self._closed = False

    def feed(self, text: str) -> str:
        if self._closed:
            return ""
        data = self._rest + text
        end = self._scan(data)
        self._rest = "" if self._closed else data[end:]
        return data[:end]

    def end(self) -> str:
        return self._rest

    def _scan(self, data: str) -> int:
        """Up to where it is decided that this is inside."""
        at = 0
        while found := self._SPECIAL.search(data, at):
            at = found.start()
            step = self._step(found[0], data[at : at + 3])
            if not step:
                return at
            at += step
        return len(data)

    def _step(self, mark: str, ahead: str) -> int:
        """How many characters are inside; 0 where that is undecided, or where the block closes."""
        match mark:
            case "\\" if self._string:
                # What it escapes is part of the string, whatever it is.
                return 2 if len(ahead) > 1 else 0
            case '"':
                self._string = not self._string
            case "\n":
                # No JSON string goes over a line: a stray quote harms one line only.
                self._string = False
            case "`" if not self._string and "```".startswith(ahead):
                self._closed = ahead == "```"
                return 0
            case _:
                pass
        return 1
