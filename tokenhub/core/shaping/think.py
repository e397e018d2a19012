"""Reasoning that a model writes into its text, between tags."""

import re


class Think:
    """Without `<think>...</think>`, and the blanks that follow it.

    A block that never closes is thought to its end.
    """

    _OPEN = re.compile("<(think|thinking)>")
    _TAGS = ("<think>", "<thinking>")
    _BLANKS = re.compile(r"\s*")

    def __init__(self) -> None:
        self._rest = ""
        self._closing = ""
        self._blanks = False

    @property
    def held(self) -> int:
        return len(self._rest)

    def feed(self, text: str) -> str:
        data = self._rest + text
        out: list[str] = []
        at = 0
        while self._closing or at < len(data):
            if self._closing:
                end = data.find(self._closing, at)
                if end < 0:
                    # The tag may go on in the next piece.
                    at = max(at, len(data) - len(self._closing) + 1)
                    break
                at, self._closing, self._blanks = end + len(self._closing), "", True
            if self._blanks and (at := self._behind_blanks(data, at)) == len(data):
                break
            found = self._OPEN.search(data, at)
            end = found.start() if found else self._beginning(data, at)
            out.append(data[at:end])
            if found is None:
                at = end
                break
            at, self._closing = found.end(), f"</{found[1]}>"
        self._rest = data[at:]
        return "".join(out)

    def end(self) -> str:
        return "" if self._closing else self._rest

    def _behind_blanks(self, data: str, at: int) -> int:
        blanks = self._BLANKS.match(data, at)
        end = blanks.end() if blanks else at
        self._blanks = end == len(data)
        return end

    def _beginning(self, data: str, at: int) -> int:
        """Where a tag may begin that goes on in the next piece."""
        mark = data.rfind("<", at)
        begins = mark >= 0 and any(tag.startswith(data[mark:]) for tag in self._TAGS)
        return mark if begins else len(data)
