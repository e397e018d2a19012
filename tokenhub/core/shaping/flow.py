"""The stages of a shape, one after the other."""

from typing import Protocol

from tokenhub.core.ask import Shape
from tokenhub.core.shaping.cut import Cut
from tokenhub.core.shaping.fenced import Fenced
from tokenhub.core.shaping.plain import Plain
from tokenhub.core.shaping.think import Think
from tokenhub.core.shaping.trim import Trim

BYTES_PER_TOKEN = 4
# Characters held back while it is undecided what becomes of them: sixteen times the longest answers
# that vendors sell (128 Ki tokens). Only a hostile provider comes near it.
MAX_HELD = 8 << 20


class Stage(Protocol):
    """`held` is how many characters are held back."""

    @property
    def held(self) -> int: ...

    def feed(self, text: str) -> str: ...

    def end(self) -> str: ...


class Flow:
    """A text on its way through the stages of a shape. Holds at most MAX_HELD characters."""

    __slots__ = ("_cut", "_stages")

    def __init__(self, shape: Shape) -> None:
        self._cut = None if shape.max_tokens is None else Cut(shape.max_tokens * BYTES_PER_TOKEN)
        self._stages: list[Stage] = [Think(), Trim()] if shape.strip_think else []
        self._stages += [self._cut] if self._cut else []
        self._stages += _stages(shape.type)

    @property
    def cut(self) -> bool:
        """Whether the text was longer than it may be."""
        return self._cut is not None and self._cut.done

    @property
    def held(self) -> int:
        """Characters that are held back."""
        return sum([stage.held for stage in self._stages])

    def feed(self, text: str) -> str:
        """What is decided of the text so far. Raises ValueError where too much is not."""
        for stage in self._stages:
            text = stage.feed(text)
        if self.held > MAX_HELD:
            raise ValueError("the answer holds back too much text to be shaped")
        return text

    def end(self) -> str:
        """What was held back and is text after all."""
        rest = ""
        for stage in self._stages:
            rest = stage.feed(rest) + stage.end()
        return rest


def _stages(kind: str) -> list[Stage]:
    match kind:
        case "json":
            return [Fenced(), Trim()]
        case "markdown":
            return [Trim()]
        case "text":
            return [Plain(), Trim()]
        case _:
            return []
