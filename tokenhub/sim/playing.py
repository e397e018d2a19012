"""What a reply is: frames of bytes, the pauses between them, the end. And who writes them."""

from collections.abc import Sequence
from enum import Enum, auto
from typing import Protocol, overload

import msgspec

from tokenhub.sim.fault import Headers
from tokenhub.sim.profile import Model
from tokenhub.sim.script import Turn


class Ending(Enum):
    """What becomes of the connection after the last frame."""

    KEEP = auto()
    CLOSE = auto()
    RESET = auto()
    HANG = auto()


class Reply(msgspec.Struct, frozen=True):
    """Frames to write: the first after `first_s`, each next one `gap_s` after the one before."""

    frames: Sequence[bytes]
    first_s: float = 0.0
    gap_s: float = 0.0
    ending: Ending = Ending.KEEP


class Repeated(Sequence[bytes]):
    """A head, the same frame so many times, a tail: a huge answer that takes no memory."""

    def __init__(self, head: bytes, frame: bytes, count: int, tail: bytes = b"") -> None:
        self._head = head
        self._frame = frame
        self._count = count
        self._tail = tail

    def __len__(self) -> int:
        return self._count + 2

    @overload
    def __getitem__(self, at: int) -> bytes: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[bytes]: ...

    def __getitem__(self, at: int | slice) -> bytes | Sequence[bytes]:
        if isinstance(at, slice):
            return [self[place] for place in range(*at.indices(len(self)))]
        place = range(len(self))[at]
        if place == 0:
            return self._head
        return self._tail if place > self._count else self._frame


class Dialect(Protocol):
    """How one vendor writes answers, events and errors."""

    overloaded: int

    def headers(self, id_: str) -> Headers:
        """The vendor's header with the request's id."""

    def whole(self, turn: Turn) -> bytes:
        """The JSON of a whole answer."""

    def events(self, turn: Turn) -> list[bytes]:
        """The events of a streamed answer: one entry a token, and the closing ones as the last."""

    def error(
        self, status: int, id_: str, *, code: str = "", message: str = "", param: str | None = None
    ) -> bytes:
        """The error body for a status, with its usual code and text where these are empty."""

    def unknown_model(self, model: str, id_: str) -> bytes:
        """The body of the 404 for a model that is not on offer."""

    def overflow(self, turn: Turn) -> bytes:
        """The body of the 400 for a prompt that is too long."""

    def models(self, models: tuple[Model, ...]) -> bytes:
        """The body of the list of models."""

    def one_model(self, model: Model) -> bytes:
        """The body of one model's description."""

    def broken(self, status: int = ...) -> bytes:
        """An error event in the middle of a stream, with the type of this status."""

    def ping(self) -> bytes:
        """An event without content."""

    def nonsense(self) -> bytes:
        """An event whose JSON breaks off."""
