"""One paid run for each idempotency key: the first runs, those beside it wait and get the same.

Every ending is one synchronous step, so no cancellation can leave a claim in flight. A claim is
on disk before a provider is called: after a kill its repeat is refused, never charged twice. How
it ended is handed to the writer unawaited; what a kill catches there reads as unknown, too.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from functools import partial
from types import TracebackType
from typing import Protocol, Self

import msgspec
from msgspec.structs import replace

from tokenhub.core.errors import InFlight, KeyReused, OutcomeUnknown
from tokenhub.core.idempotency import (
    HEADER,
    KEPT_S,
    STREAM_BYTES,
    Kept,
    Scope,
    State,
    ending,
    kept,
    spent,
)
from tokenhub.core.outcome import Attempt
from tokenhub.ports.claims import Bodies, ClaimStore, Held, Record, Sight

# How long a repeat waits for the first; the official SDKs try a 409 again by themselves.
PATIENCE_S = 5.0

_log = logging.getLogger("tokenhub.claims")


class Flight(msgspec.Struct, frozen=True, eq=False):
    """A claim that has not ended. `landed` gets the answer, or the record, or None to try anew."""

    fingerprint: bytes
    landed: "asyncio.Future[Kept | Record | None]"


class Unclaimed:
    """A request without a key: nothing is kept of it."""

    __slots__ = ()

    def gather(self, events: bytes) -> None:
        """Take what of a stream has gone out."""

    def finish(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
        """Keep the answer; of a stream, `body` is what goes out after all that was gathered."""

    def failed(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
        """Keep the error, or let go, or remember that nobody knows: as its attempts say."""

    def release(self) -> None:
        """Forget it: the next request with the key runs."""

    def unknown(self) -> None:
        """Remember that it may have been paid for, and not what for."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End what has not ended."""


UNCLAIMED = Unclaimed()


class Land(Protocol):
    def __call__(self, state: State | None, answer: Kept | None = None) -> None: ...


class Claim(Unclaimed):
    """The right to run. Its first ending counts. Use it in a `with` around all of the run.

    `attempts` is the run's own list, read when it ends.
    """

    __slots__ = ("_attempts", "_events", "_gathered", "_land", "_open")

    def __init__(self, land: Land, attempts: Sequence[Attempt]) -> None:
        self._land = land
        self._attempts = attempts
        self._events: list[bytes] = []
        self._gathered = 0
        self._open = True

    def gather(self, events: bytes) -> None:
        self._gathered += len(events)
        if self._gathered > STREAM_BYTES:
            self._events.clear()
        else:
            self._events.append(events)

    def finish(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
        if self._gathered:
            self.gather(body)
            body = b"".join(self._events)
        if self._gathered > STREAM_BYTES:
            self._end("unkept")
        else:
            self._end("done", kept(status, headers, body))

    def failed(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
        state = ending(status, self._attempts)
        if state == "done" and not self._gathered:
            self.finish(status, headers, body)
        else:
            self._end("unknown" if self._gathered else state)

    def release(self) -> None:
        self._end(None)

    def unknown(self) -> None:
        self._end("unknown")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """A caller who left before anything was sent has spent nothing; all else is unknown.

        A call that is broken off books its attempt, so the list tells. A fault of ours may not.
        """
        left = isinstance(error, asyncio.CancelledError) and not spent(self._attempts)
        self._end(None if left else "unknown")

    def _end(self, state: State | None, answer: Kept | None = None) -> None:
        if self._open:
            self._open = False
            self._events = []
            self._land(state, answer)


class Claims:
    """`replayed` counts the answers that were given again: no run, no cost, no row of the log."""

    def __init__(self, store: ClaimStore, bodies: Bodies) -> None:
        self.replayed = 0
        self._store = store
        self._bodies = bodies
        self._flights: dict[Scope, Flight] = {}

    async def begin(
        self,
        scope: Scope,
        fingerprint: bytes,
        *,
        request_id: str,
        at: float,
        within_s: float,
        force: bool = False,
        attempts: Sequence[Attempt] = (),
    ) -> Claim | Kept:
        """The right to run, or the answer that another run with this key got.

        Waits for one that is under way at most `within_s` and PATIENCE_S, then raises InFlight.
        Raises KeyReused, OutcomeUnknown where `force` is not set, and Unavailable.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + min(within_s, PATIENCE_S)
        while flight := self._flights.get(scope):
            _must_match(flight.fingerprint, fingerprint)
            landed = await _landed(flight, max(0.0, until - loop.time()))
            if isinstance(landed, Kept):
                return self._again(landed, request_id)
            if landed is not None:
                _must_match(landed.fingerprint, fingerprint)
                if not force:
                    raise _refusal(landed)
        if held := self._bodies.find(scope, since=at - KEPT_S):
            _must_match(held.fingerprint, fingerprint)
            return self._again(held.answer, request_id)
        record = Record(scope=scope.digest, fingerprint=fingerprint, request_id=request_id, at=at)
        return await self._claimed(scope, record, force=force, attempts=attempts)

    async def _claimed(
        self, scope: Scope, record: Record, *, force: bool, attempts: Sequence[Attempt]
    ) -> Claim | Kept:
        """The claim, once it is on disk, or what an earlier process answered.

        There is no wait between the look and the flight.
        """
        landed = asyncio.get_running_loop().create_future()
        self._flights[scope] = Flight(record.fingerprint, landed)
        try:
            sight = await self._store.claim(record, since=record.at - KEPT_S, force=force)
            held = await self._recalled(scope, record, sight)
        except BaseException:
            # It may be committed yet, with nobody left to run it.
            self._land(scope, record, None)
            raise
        if sight.taken:
            return Claim(partial(self._land, scope, record), attempts)
        assert sight.there is not None
        del self._flights[scope]
        if held is not None:
            landed.set_result(held.answer)
            return self._again(held.answer, record.request_id)
        landed.set_result(sight.there)
        _must_match(sight.there.fingerprint, record.fingerprint)
        raise _refusal(sight.there)

    async def _recalled(self, scope: Scope, record: Record, sight: Sight) -> Held | None:
        """The answer that is kept of the same request, where the claim met its end."""
        if sight.taken or sight.there is None or sight.there.state != "done":
            return None
        held = await self._bodies.recall(scope, since=record.at - KEPT_S)
        return held if held is not None and held.fingerprint == record.fingerprint else None

    def _land(
        self, scope: Scope, record: Record, state: State | None, answer: Kept | None = None
    ) -> None:
        """Write down the end, and tell those who wait."""
        flight = self._flights.pop(scope)
        if state is None:
            self._store.release(record)
            flight.landed.set_result(None)
            return
        if answer is not None and not self._hold(scope, record, answer):
            state = "unkept"
        ended = replace(record, state=state)
        self._store.end(ended)
        flight.landed.set_result(answer or ended)

    def _hold(self, scope: Scope, record: Record, answer: Kept) -> bool:
        held = Held(fingerprint=record.fingerprint, answer=answer, at=record.at)
        return self._bodies.put(scope, held, since=record.at - KEPT_S)

    def _again(self, answer: Kept, request_id: str) -> Kept:
        self.replayed += 1
        _log.info("idempotency_replay", extra={"request_id": request_id})
        return answer


async def _landed(flight: Flight, within_s: float) -> Kept | Record | None:
    done, _ = await asyncio.wait([flight.landed], timeout=within_s)
    if not done:
        raise InFlight(
            f"a request with this {HEADER} is still being answered; try again in a moment"
        )
    return flight.landed.result()


def _must_match(first: bytes, second: bytes) -> None:
    if first != second:
        raise KeyReused(
            f"this {HEADER} was used for another request; take a new one for each request",
            field=HEADER,
        )


def _refusal(record: Record) -> OutcomeUnknown:
    """Why the answer cannot be given again, and what the caller can do."""
    return OutcomeUnknown(
        f"{_story(record)}; look it up in the request log, then send a new {HEADER}, or the same "
        'with "Idempotency-Retry: force" to run it once more, which may be charged again'
    )


def _story(record: Record) -> str:
    first = f"request {record.request_id} had this {HEADER}"
    if record.state == "done":
        return f"{first} and was answered; the answer is not kept any more, or not readable"
    if record.state == "unkept":
        return f"{first} and was answered; the answer was too long to keep"
    return f"{first} and did not end well; the provider may have been paid for it"
