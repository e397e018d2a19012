"""Text that waits until it is decided what becomes of it."""

from io import StringIO


class Held:
    """Pieces of text, kept as one: however small they are, they take no more than the text."""

    __slots__ = ("_text", "size")

    def __init__(self) -> None:
        self._text = StringIO()
        self.size = 0

    def add(self, text: str) -> None:
        self._text.write(text)
        self.size += len(text)

    def take(self) -> str:
        """All of it; nothing is held any more."""
        text = self._text.getvalue()
        if text:
            self._text = StringIO()
            self.size = 0
        return text
