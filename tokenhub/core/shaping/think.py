"""Reasoning that a model writes into its text, between tags."""

import re


class Think:
    """Without `<think>...</think>`, and the blanks that follow it.

    A block that never closes is thought to its end.
    """

    _OPEN = re.compile("<(think|thinking)>")
    _TAGS = ("<think>", "<thinking>")

    def __init__(self) -> None:
        self._rest = ""
        self._closing = ""
        self._blanks = False

    @property
    def held(self) -> int:
        return len(self._rest)

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
