"""Text in Markdown without its marks."""

import re

from tokenhub.core.shaping.held import Held


class Plain:
    """Without Markdown's marks: `#` before a line, `**`, backticks, and the `*` of lists and words.

    Line by line. The original takes every star, those of a product too; here `2 * 3` stays. A line
    that only opens or closes a code block goes altogether.
    """

    _FENCE = re.compile(r"`{3,}[\w+-]*")
    _MARKS = re.compile(r"^#+\s*|^\*\s+|\*\*|`|(?<!\w)\*(?=\S)|(?<=\S)\*(?!\w)")

    def __init__(self) -> None:
        self._line = Held()

    @property
    def held(self) -> int:
        return self._line.size

    def feed(self, text: str) -> str:
        if "\n" not in text:
            self._line.add(text)
            return ""
        first, *others = text.split("\n")
        whole = [self._line.take() + first, *others[:-1]]
        self._line.add(others[-1])
        return "".join([f"{self._bare(line)}\n" for line in whole if not self._fences(line)])

    def end(self) -> str:
        line = self._line.take()
        return "" if self._fences(line) else self._bare(line)

    def _fences(self, line: str) -> bool:
        return self._FENCE.fullmatch(line.strip()) is not None

    def _bare(self, line: str) -> str:
        return self._MARKS.sub("", line.strip()).strip()
