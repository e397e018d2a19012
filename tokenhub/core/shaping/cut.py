"""A text that may have only so many bytes."""


class Cut:
    """The first bytes of UTF-8 only, whole characters, and dots where there was more."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self.done = False

    @property
    def held(self) -> int:
        return 0

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
