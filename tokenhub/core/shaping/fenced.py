"""JSON in a block of code, with talk around it."""

import re
from collections.abc import Callable

from tokenhub.core.shaping.held import Held


class Fenced:
    """The inside of the first ```` ```json ```` block, or of one without a language; else the text.

    A text that begins with a bracket is JSON as it stands. Any other is held back until a block
    opens, since until then it may be the talk around it.
    """

    _INFO = re.compile(r"`{3,64}([\w+-]{0,32})")

    def __init__(self) -> None:
        self._read: Callable[[str], str] = self._begin
        self._held = Held()
        self._rest = ""
        self._skipping = False
        self._inside = _Inside()

    @property
    def held(self) -> int:
        return self._held.size + len(self._rest)

    def feed(self, text: str) -> str:
        return self._read(text) if text else ""

    def end(self) -> str:
        # What is still undecided is text, and nothing but text came before it.
        return self._held.take() + self._rest + self._inside.end()

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
        data = self._rest + text
        at = 0
        while (mark := data.find("```", at)) >= 0:
            found = self._INFO.match(data, mark)
            if found is None or found.end() == len(data):
                # The word behind the marks, or their number, may go on in the next piece.
                return self._hold(data, mark)
            if not self._skipping and found[1] in {"", "json"}:
                return self._open(data[found.end() :])
            # A block in another language; what looks like an opening next is its end.
            self._skipping = not self._skipping
            at = found.end()
        return self._hold(data, max(at, len(data.rstrip("`"))))

    def _hold(self, data: str, end: int) -> str:
        self._held.add(data[:end])
        self._rest = data[end:]
        return ""

    def _open(self, text: str) -> str:
        self._held, self._rest = Held(), ""
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
