"""Blanks around a text."""

from tokenhub.core.shaping.held import Held


class Trim:
    """Without the blanks around the text."""

    def __init__(self) -> None:
        self._began = False
        self._blanks = Held()

    @property
    def held(self) -> int:
        return self._blanks.size

    def feed(self, text: str) -> str:
        if not self._began:
            text = text.lstrip()
        body = text.rstrip()
        if not body:
            if self._began:
                self._blanks.add(text)
            return ""
        self._began = True
        before = self._blanks.take()
        self._blanks.add(text[len(body) :])
        return before + body

    def end(self) -> str:
        return ""
