"""Stage 6: the Outcome of a request to every sink; committed before the caller hears the end."""

import logging
from asyncio import Future
from collections.abc import Callable, Sequence
from functools import partial

from msgspec.structs import replace

from tokenhub.core.errors import ProviderRefused, TokenHubError
from tokenhub.core.events import ROUTE_ERROR, ROUTE_SUCCESS, Event
from tokenhub.core.outcome import NOTHING_EXPECTED, Expected, Outcome
from tokenhub.gateway.run import GONE, STOPPING, Run, stopped
from tokenhub.ports.clock import Clock
from tokenhub.ports.journal import Journal

Sink = Callable[[Outcome], None]
Watcher = Callable[[Run, Outcome], None]
# nginx's status for a caller who hung up, in logs only: nobody was there to be told another.
CLOSED_REQUEST = 499
_log = logging.getLogger("tokenhub.settle")


def unwatched(_run: Run, _outcome: Outcome) -> None:
    """A Watcher where nobody watches."""


class Settle:
    """`status_of` gives the status under which an error is told to the caller.

    `watched` hears of the whole run, behind the sinks.
    """

    def __init__(
        self,
        journal: Journal,
        sinks: Sequence[Sink],
        *,
        clock: Clock,
        status_of: Callable[[Exception], int],
        watched: Watcher = unwatched,
    ) -> None:
        self._journal = journal
        self._sinks = tuple(sinks)
        self._clock = clock
        self._status_of = status_of
        self._watched = watched

    @property
    def fault(self) -> str:
        """Why nothing can be settled now; empty when it can."""
        return self._journal.fault

    async def __call__(self, run: Run, error: TokenHubError | None = None) -> Outcome:
        """Return when the log row and the ledger rows are committed. Raises Unavailable.

        The rows are handed over before the first wait: a caller who leaves while we wait for the
        commit is charged all the same.
        """
        outcome = self._outcome(run, error)
        await self._hand_over(run, outcome)
        return outcome

    def abandoned(self, run: Run, code: str) -> None:
        """Settle without waiting: nobody is there to be told, and `code` says why."""
        error = TokenHubError("the request was not finished", code=code)
        outcome = self._outcome(run, stopped() if code == STOPPING else error)
        if code == GONE:
            outcome = replace(outcome, status=CLOSED_REQUEST)
        _ = self._hand_over(run, outcome)

    def _hand_over(self, run: Run, outcome: Outcome) -> "Future[None]":
        committed = self._journal.record(outcome)
        committed.add_done_callback(partial(self._tell, run, outcome))
        return committed

    def _outcome(self, run: Run, error: TokenHubError | None) -> Outcome:
        if leaked := run.tab.close():
            # No way leads here; a key must not lose money by it if one should.
            _log.error("reservation_leaked", extra={"request_id": run.request_id, "calls": leaked})
        model_id, provider_id = _who(run)
        return Outcome(
            request_id=run.request_id,
            at=run.at,
            key_id=run.key.id,
            dialect=run.ask.dialect,
            requested_model=run.ask.model,
            mode=run.intent.policy.mode if run.intent else "",
            reason=run.reason,
            model_id=model_id,
            provider_id=provider_id,
            status=200 if error is None else self._status_of(error),
            error_class=class_of(error),
            stream=run.ask.stream,
            latency_s=self._clock.monotonic() - run.started,
            upstream_s=run.upstream_s,
            attempts=tuple(run.attempts),
            parent_id=run.parent_id,
            expected=_expected(run),
            task=run.intent.task if run.intent else "",
            first_token_s=run.first_token_s,
            skipped=_skipped(run),
            hedges=run.hedges,
        )

    def _tell(self, run: Run, outcome: Outcome, committed: "Future[None]") -> None:
        """What the sinks hear is what the caller heard."""
        failed = None if committed.cancelled() else committed.exception()
        if isinstance(failed, TokenHubError):
            _log.error("settlement_failed", extra={"request_id": run.request_id})
            status = self._status_of(failed)
            outcome = replace(outcome, status=status, error_class=failed.code)
        record = run.refusal if run.decision is None else run.decision.record
        if record is not None:
            self._journal.explain(run.request_id, run.at, record)
        for sink in self._sinks:
            try:
                sink(outcome)
            except Exception:  # noqa: BLE001 - a sink's fault must not reach the caller
                _log.exception("sink_failed", extra={"sink": getattr(sink, "__qualname__", "?")})
        kind = ROUTE_ERROR if outcome.error_class else ROUTE_SUCCESS
        run.events.emit(Event(type=kind, key_name=run.key.name, outcome=outcome))
        self._watched(run, outcome)


def _expected(run: Run) -> Expected:
    """What its answers will be judged by."""
    if run.intent is None:
        return NOTHING_EXPECTED
    ask = run.ask
    return Expected(
        input_tokens=run.intent.input_tokens,
        output_limit=ask.max_tokens,
        answers=ask.answers,
        max_latency_s=run.intent.policy.max_latency_s,
    )


def _who(run: Run) -> tuple[str, str]:
    """The model and provider that answered, or were asked last where nobody did."""
    if run.route is not None:
        return run.route.model.id, run.route.provider.id
    if run.attempts:
        return run.attempts[-1].model_id, run.attempts[-1].provider_id
    return "", ""


def _skipped(run: Run) -> tuple[tuple[str, str], ...]:
    """The routes that its decision left out, and those that were passed over after it."""
    record = run.refusal if run.decision is None else run.decision.record
    if record is None or not (record.skipped or run.passed):
        return ()
    return tuple([(skip.route, skip.reason) for skip in (*record.skipped, *run.passed)])


def class_of(error: TokenHubError | None) -> str:
    """What the log says of an error. A provider's own code may echo what the caller sent."""
    if error is None:
        return ""
    return error.kind if isinstance(error, ProviderRefused) else error.code
