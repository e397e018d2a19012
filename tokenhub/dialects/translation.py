"""What passes between a dialect's writer and whoever asked it to write."""

from typing import Protocol

import msgspec

from tokenhub.core.outcome import Usage


class Written(msgspec.Struct, frozen=True):
    """A request in another dialect: its body, and the parameters that it has no words for."""

    body: bytes
    dropped: tuple[str, ...] = ()


class Unsayable(ValueError):
    """Content of the caller's that the other dialect cannot carry, such as sound.

    Without it the request would mean something else, so that it is refused and not dropped.
    `field` is its path in the caller's body.
    """

    def __init__(self, message: str, *, field: str, code: str = "unsupported_content") -> None:
        super().__init__(message)
        self.field = field
        self.code = code


class Follower(Protocol):
    """Follows a provider's stream and gives what the caller is to hear: sans-IO, one per stream.

    `started` turns true with the first piece of an answer, `done` with the event that ends a whole
    stream. `terminal` is the event to send last, once all is committed.
    """

    @property
    def started(self) -> bool: ...

    @property
    def done(self) -> bool: ...

    @property
    def terminal(self) -> bytes: ...

    def feed(self, data: bytes) -> bytes:
        """Whole events for the caller, without the terminal one.

        Raises ValueError for what is no event of the provider's format, and ToldError for an
        error event.
        """
        ...

    def end(self) -> bytes:
        """The same for what came without a blank line at the very end. Raises as `feed` does."""
        ...

    @property
    def usage(self) -> Usage | None:
        """The provider's counts, as far as they hold for all that came."""
        ...

    @property
    def output_tokens(self) -> int:
        """Our own count so far, for streams that end before the provider's."""
        ...
