"""What is looked at once an answer is out: signs of its quality, and whether to have it judged.

    settled ── noted ── the answer goes out ── looked at, in the next turn of the loop

Nothing of a prompt or an answer outlives that look, but what a judge is to see.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

import msgspec

from tokenhub.core.ask import Ask
from tokenhub.core.outcome import Outcome
from tokenhub.core.rewards import Quality
from tokenhub.core.signs import ASKED_AGAIN, SCHEMA_FAILED, Sign, of_calls, of_schema
from tokenhub.gateway.repeats import MAX_BYTES, Repeats
from tokenhub.gateway.run import Ear, Run
from tokenhub.ports.clock import Clock

# The most of an answer that is kept until it has been looked at, the frames of a stream included.
MAX_ANSWER_BYTES = 256 << 10
# Under it a model's judgements of answers are in the log and in the ledger.
JUDGE = "judge"
_log = logging.getLogger("tokenhub.watch")


class Words(Protocol):
    """How an answer is read, whatever its format."""

    def offers_tools(self, ask: Ask) -> bool: ...

    def prompt_of(self, ask: Ask) -> bytes: ...

    def called_well(self, ask: Ask, body: bytes, *, stream: bool) -> bool | None: ...


class Judges(Protocol):
    """Who judges some answers in the background."""

    @property
    def on(self) -> bool: ...

    def wants(self, run: Run) -> bool:
        """Whether the answer to this request is among those to be judged. A draw."""
        ...

    def take(self, run: Run, outcome: Outcome, body: bytes) -> None: ...


Hear = Callable[[Quality, str], None]


class Watch:
    """`hear` is told of each sign, and of the key that made the request.

    With `signs`, signs are looked for; `judge` is asked in any case, and wants nothing when off.
    """

    def __init__(self, *, words: Words, judge: Judges, hear: Hear, clock: Clock) -> None:
        self.signs = True
        self._words = words
        self._judge = judge
        self._hear = hear
        self._clock = clock
        self._repeats = Repeats()
        self._waiting: list[tuple[Run, Outcome]] = []

    def ear(self, run: Run) -> Ear | None:
        """What is to hear a stream; None where nobody wants to know."""
        if not (self.signs or self._judge.on) or run.ask.task != "chat" or run.key.id == JUDGE:
            return None
        sampled = not run.parent_id and self._judge.wants(run)
        if sampled or (self.signs and self._words.offers_tools(run.ask)):
            return Ear(MAX_ANSWER_BYTES, sampled=sampled)
        return None

    def ended(self, run: Run, outcome: Outcome) -> None:
        """Take note of a request that is settled."""
        if not (self.signs or self._judge.on):
            return
        failed = outcome.error_class and outcome.error_class != SCHEMA_FAILED
        if failed or run.ask.task != "chat" or not outcome.model_id or run.key.id == JUDGE:
            return
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._look)
        self._waiting.append((run, outcome))

    def _look(self) -> None:
        waiting, self._waiting = self._waiting, []
        for run, outcome in waiting:
            try:
                self._look_at(run, outcome)
            except Exception:  # noqa: BLE001 - nobody waits for it, and the next ones do
                _log.exception("watch_failed", extra={"request_id": run.request_id})

    def _look_at(self, run: Run, outcome: Outcome) -> None:
        ear, body = run.ear, run.answer
        if ear is not None:
            body = ear.heard
        if self.signs:
            self._look_for_signs(run, outcome, body)
        if run.parent_id or outcome.error_class or not 0 < len(body) <= MAX_ANSWER_BYTES:
            return
        if ear.sampled if ear is not None else self._judge.wants(run):
            self._judge.take(run, outcome, body)

    def _look_for_signs(self, run: Run, outcome: Outcome, body: bytes) -> None:
        ask = run.ask
        if ask.schema:
            mended = ask.rework is not None
            self._tell(run, outcome, of_schema(error_class=outcome.error_class, mended=mended))
        if outcome.error_class:
            return
        if 0 < len(body) <= MAX_ANSWER_BYTES:
            well = self._words.called_well(ask, body, stream=ask.stream)
            self._tell(run, outcome, of_calls(well))
        if not run.parent_id and len(ask.payload) <= MAX_BYTES:
            again = self._repeats.met(
                self._words.prompt_of(ask),
                run.key.id,
                began=run.started,
                ended=run.started + outcome.latency_s,
                sign=self._quality(outcome, ASKED_AGAIN),
            )
            if again is not None:
                self._hear(msgspec.structs.replace(again, at=self._clock.now()), run.key.id)

    def _tell(self, run: Run, outcome: Outcome, sign: Sign | None) -> None:
        if sign is not None:
            self._hear(self._quality(outcome, sign), run.key.id)

    def _quality(self, outcome: Outcome, sign: Sign) -> Quality:
        return quality_of(outcome, sign, at=self._clock.now())


def quality_of(outcome: Outcome, sign: Sign, *, at: float) -> Quality:
    """The judgement of the answer that the caller got."""
    return Quality(
        request_id=outcome.request_id,
        provider_id=outcome.provider_id,
        model_id=outcome.model_id,
        score=sign.score,
        weight=sign.weight,
        source=sign.source,
        task=outcome.task,
        at=at,
    )
