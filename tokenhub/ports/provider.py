"""A provider that can be called."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from tokenhub.core.ask import Answer, Ask
from tokenhub.core.catalog import Provider
from tokenhub.core.failures import Kind
from tokenhub.core.outcome import Usage


class UpstreamError(Exception):
    """An upstream call that brought no answer.

    `status` is 0 where there was no response. `message`, `code` and `field` are the provider's
    own words and go to the caller only where they are about the caller's own request: when `kind`
    is `client`, or `missing` for a model that the caller named. When it is `unsupported` they are
    ours: nothing was sent. They are ours, and for operators, when an `unreachable` has the code of
    `core.destinations`. `retry_after_s` is what the provider asked for.
    """

    def __init__(
        self,
        kind: Kind,
        *,
        status: int = 0,
        message: str = "",
        code: str = "",
        field: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(f"{kind} ({status})")
        self.kind = kind
        self.status = status
        self.message = message
        self.code = code
        self.field = field
        self.retry_after_s = retry_after_s


class AnswerStream(Protocol):
    """A streamed answer, as bytes in the caller's dialect, whole events only.

    `booked` says that the call is in the books already, since its answer was whole beforehand.
    `usage` is the provider's word, once it has come; `output_tokens` is our own count so far.
    `waited_s` is the time that was spent waiting for the provider since the stream was opened.
    `dropped` names the caller's parameters that the provider has no counterpart of.
    """

    dropped: tuple[str, ...]

    @property
    def booked(self) -> bool: ...

    @property
    def terminal(self) -> bytes: ...

    @property
    def usage(self) -> Usage | None: ...

    @property
    def output_tokens(self) -> int: ...

    @property
    def waited_s(self) -> float: ...

    async def next(self) -> bytes:
        """The next events; empty at the regular end, after which `terminal` is to be sent.

        Raises UpstreamError on any other end.
        """
        ...

    def close(self) -> None:
        """Let go of the connection; a provider that still sends sees it at once."""
        ...


class Upstream(Protocol):
    """One provider. Every call raises UpstreamError, and nothing else, when it brings nothing."""

    async def complete(self, ask: Ask, model_id: str, *, within_s: float) -> Answer: ...

    async def open(
        self, ask: Ask, model_id: str, *, idle_s: float, begin_s: float, within_s: float
    ) -> AnswerStream:
        """A stream whose first events are at hand, so that a failing provider can still be left.

        `idle_s` bounds the wait for the head and every pause after it, `begin_s` the time until
        the answer begins, comments and pings or not, and `within_s` everything.
        """
        ...

    async def models(self, *, within_s: float) -> Sequence[Mapping[str, str]]:
        """What the provider offers: `id` and, where it says, `owned_by`."""
        ...


class Upstreams(Protocol):
    """The callable side of the catalog."""

    def of(self, provider: Provider) -> Upstream:
        """The adapter of this very version of the row; made once and kept."""
        ...

    async def close(self) -> None: ...
