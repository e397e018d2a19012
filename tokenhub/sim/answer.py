"""What the simulated model says: parts, why it ended, what it used."""

from collections.abc import Sequence
from typing import Literal

import msgspec

# stop_sequence, refusal, filter, pause and context exist as such at one vendor only; the other
# has its nearest word for them.
Finish = Literal["stop", "stop_sequence", "length", "tool", "refusal", "filter", "pause", "context"]


class Part(msgspec.Struct, frozen=True):
    """One block of an answer in the pieces of its stream; `use` is a tool's arguments.

    `signature` belongs to thinking; sealed thinking has its data there and no pieces.
    """

    kind: Literal["text", "thinking", "sealed", "use", "refusal"]
    pieces: Sequence[str]
    id: str = ""
    name: str = ""
    signature: str = ""

    def text(self) -> str:
        return "".join(self.pieces)


class Spent(msgspec.Struct, frozen=True):
    """Tokens: all of the prompt and of the answer, and what of these was special."""

    prompt: int
    completion: int
    reasoning: int = 0
    cached: int = 0
    written: int = 0


class Answer(msgspec.Struct, frozen=True):
    """`stop` is the sequence that ended the text, if one did. `reasoning` is part of `tokens`."""

    parts: tuple[Part, ...]
    finish: Finish
    tokens: int
    reasoning: int = 0
    stop: str = ""


class Say(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that a test wrote itself, word for word. `calls` are names and arguments."""

    pieces: tuple[str, ...] = ()
    thinking: tuple[str, ...] = ()
    refusal: tuple[str, ...] = ()
    calls: tuple[tuple[str, str], ...] = ()
    finish: Finish | None = None
    spent: Spent | None = None
