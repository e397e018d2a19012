"""A call whose arguments come in pieces, and where they end.

nothing -> `{` ... `}`     an object: whole where its brackets close
nothing -> all else        no object: told only when it is over, put into one
"""

import re

from tokenhub.core.talk import CallBegan
from tokenhub.dialects.anthropic.blocks import arguments

_MARKS = re.compile(r'\\.?|[{}\[\]"]', re.DOTALL)


class Coming:
    """A call on its way: its index, id and name, and what has come of its arguments."""

    __slots__ = (
        "_begins",
        "_closed",
        "_depth",
        "_escaped",
        "_in_text",
        "_looked_at",
        "_pieces",
        "id",
        "index",
        "name",
    )

    def __init__(self, began: CallBegan) -> None:
        self.index = began.index
        self.id = began.id
        self.name = began.name
        self._pieces: list[str] = []
        self._begins = ""
        # How many of the pieces were looked at, and what they told.
        self._looked_at = 0
        self._depth = 0
        self._in_text = False
        self._escaped = False
        self._closed = False

    def add(self, piece: str) -> None:
        self._pieces.append(piece)
        if not self._begins:
            self._begins = piece.lstrip()[:1]

    @property
    def so_far(self) -> str:
        """What has come, as it is."""
        return "".join(self._pieces)

    @property
    def mended(self) -> str:
        """What has come, as the arguments that a whole answer would have."""
        return bytes(arguments(self.so_far)).decode() if self._begins else ""

    @property
    def is_object(self) -> bool:
        return self._begins == "{"

    @property
    def whole(self) -> bool:
        """Whether the arguments are complete: nothing can follow the end of a JSON object.

        Each piece is looked at once, however often one asks.
        """
        if not self.is_object:
            return False
        for piece in self._pieces[self._looked_at :]:
            self._look_at(piece)
        self._looked_at = len(self._pieces)
        return self._closed

    def _look_at(self, piece: str) -> None:
        # A piece may end within an escape.
        start = 1 if self._escaped and piece else 0
        self._escaped = self._escaped and not piece
        for found in _MARKS.finditer(piece, start):
            mark = found[0]
            if mark == '"':
                self._in_text = not self._in_text
            elif mark.startswith("\\"):
                self._escaped = len(mark) == 1
            elif not self._in_text:
                self._depth += 1 if mark in "{[" else -1
                self._closed = self._closed or self._depth == 0
