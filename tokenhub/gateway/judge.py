"""A model that judges some answers in the background, one at a time and for so much money a day.

    wanted ── taken ── in words ── what is left of the day ── asked, on the ordinary way ── heard

Each of its calls is a request of the key `judge`: in the log, in the ledger, and held for before
it is made, so that the day's money cannot be overdrawn by more than any key's can.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Protocol

import msgspec
from msgspec.structs import replace

from tokenhub.core.ask import Ask, Errand, Wish
from tokenhub.core.errors import TokenHubError
from tokenhub.core.judging import Case, question, verdict
from tokenhub.core.keys import ApiKey
from tokenhub.core.outcome import Outcome
from tokenhub.core.rewards import JUDGE as SOURCE
from tokenhub.core.signs import JUDGED_WEIGHT, Sign
from tokenhub.gateway.books import DAY_S, Books
from tokenhub.gateway.pipeline import Answered, Gateway
from tokenhub.gateway.run import Arrival, Caller, Run
from tokenhub.gateway.settle import class_of
from tokenhub.gateway.watch import JUDGE, Hear, quality_of
from tokenhub.ports.clock import Clock
from tokenhub.ports.ledger import LedgerStore, TotalsQuery

# What waits to be judged; more is left out, and the share is then smaller than was asked for.
MOST_CASES = 32
MOST_BYTES = 4 << 20
MAX_PROMPT_BYTES = 128 << 10
# After a failure nothing is taken for a while.
REST_S = 60.0
PATIENCE_S = 60.0
# Nobody can send it: no key has such a digest.
_KEY = ApiKey(id=JUDGE, name=JUDGE, digest=bytes(32), prefix="", scopes=("chat",), created_at=0.0)
_log = logging.getLogger("tokenhub.judge")


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """Who judges, which share of the answers, and for how much a day (UTC). No model is none."""

    model: str = ""
    share: float = 0.0
    daily_nusd: int = 0


class Words(Protocol):
    """How a case is told, and how a judge's answer is read."""

    def case_of(self, ask: Ask, body: bytes, *, stream: bool) -> Case | None: ...

    def judging(self, model: str, question: str) -> Ask: ...

    def text_in(self, body: bytes) -> str: ...


class _Taken(msgspec.Struct, frozen=True):
    """An answer on its way to the judge: all that is kept of it, and not for longer."""

    ask: Ask
    outcome: Outcome
    body: bytes

    @property
    def size(self) -> int:
        return len(self.ask.payload) + len(self.body)


class Judge:
    """`follow` gives it its terms, and the gateway to ask by; until then it wants nothing.

    `left_out` counts the answers that were drawn and not judged, for want of room.
    """

    def __init__(
        self,
        *,
        ledger: LedgerStore,
        books: Books,
        words: Words,
        hear: Hear,
        clock: Clock,
        ids: Callable[[], str],
        draw: Callable[[], float],
    ) -> None:
        self.left_out = 0
        self._terms = Terms()
        self._gateway: Gateway | None = None
        self._ledger = ledger
        self._books = books
        self._words = words
        self._hear = hear
        self._clock = clock
        self._ids = ids
        self._draw = draw
        self._cases: deque[_Taken] = deque()
        self._held_bytes = 0
        self._more = asyncio.Event()
        self._rests_until = 0.0
        self._spent_day = -1

    def follow(self, terms: Terms, gateway: Gateway) -> None:
        """Judge by these terms from now on; who had come to the end of the old ones starts anew."""
        self._gateway = gateway
        if terms != self._terms:
            self._terms = terms
            self._rests_until, self._spent_day = 0.0, -1

    @property
    def on(self) -> bool:
        """Whether there is anything that could be judged."""
        terms = self._terms
        return bool(terms.model and terms.share and terms.daily_nusd)

    def wants(self, run: Run) -> bool:
        if not self.on or self._draw() >= self._terms.share:
            return False
        if not run.key.judged or run.ask.header.judged is False:
            return False
        if len(run.ask.payload) > MAX_PROMPT_BYTES or self._clock.monotonic() < self._rests_until:
            return False
        return self._day() != self._spent_day

    def take(self, run: Run, outcome: Outcome, body: bytes) -> None:
        if outcome.model_id == self._terms.model:
            return  # nobody judges their own words
        taken = _Taken(run.ask, outcome, body)
        if len(self._cases) == MOST_CASES or self._held_bytes + taken.size > MOST_BYTES:
            self.left_out += 1
            return
        self._cases.append(taken)
        self._held_bytes += taken.size
        self._more.set()

    async def run(self) -> None:
        """Judge what was taken, one by one, until it is cancelled."""
        while True:
            await self.sit()
            self._more.clear()
            await self._more.wait()

    async def sit(self) -> None:
        """Judge what was taken so far."""
        while self._cases:
            taken = self._cases.popleft()
            self._held_bytes -= taken.size
            await self._judge(taken)

    async def _judge(self, taken: _Taken) -> None:
        terms, outcome = self._terms, taken.outcome
        case = self._case(taken)
        if case is None or not self.on:
            return
        try:
            left = terms.daily_nusd - await self._spent_nusd()
            if left * 10 < terms.daily_nusd:
                self._rest_of_day()
                return
            answered = await self._asked(terms, case, left, outcome.request_id)
            text = self._words.text_in(answered.body)
        except (TokenHubError, ValueError, RecursionError) as error:
            told = class_of(error) if isinstance(error, TokenHubError) else "unreadable_answer"
            self._failed(outcome, told)
            return
        if answered.outcome.model_id == outcome.model_id:
            return  # the judge is an alias, which stood for the model that is judged
        score = verdict(text)
        if score is None:
            self._failed(outcome, "judge_unclear")
            return
        sign = Sign(SOURCE, score, JUDGED_WEIGHT)
        self._hear(quality_of(outcome, sign, at=self._clock.now()), outcome.key_id)

    def _case(self, taken: _Taken) -> Case | None:
        """None for what cannot be read as one: that is its caller's doing, and no rest is due."""
        try:
            return self._words.case_of(taken.ask, taken.body, stream=taken.ask.stream)
        except (TokenHubError, ValueError, RecursionError):
            _log.info("judge_case_unreadable", extra={"request_id": taken.outcome.request_id})
            return None

    async def _asked(self, terms: Terms, case: Case, left: int, judged: str) -> Answered:
        """The judge's answer. Raises what the way of requests raises."""
        assert self._gateway is not None
        now = self._clock.now()
        # Within the month so far, the day's rest: to the purse it is a budget like any other.
        _, charged = self._books.charged_nusd(JUDGE, now)
        key = replace(_KEY, budget_nusd=charged + left)
        wish = Wish(max_budget_nusd=left, max_latency_s=PATIENCE_S)
        ask = replace(self._words.judging(terms.model, question(case)), errand=Errand(wish=wish))
        arrival = Arrival(self._ids(), now, self._clock.monotonic())
        run = self._gateway.begin(ask, Caller(key, arrival, "chat"))
        run.parent_id = judged
        return await self._gateway.complete(run)

    async def _spent_nusd(self) -> int:
        """What judging has cost today, by the ledger: a restart does not forget it."""
        day = self._day()
        query = TotalsQuery(by=("day",), key_id=JUDGE, since_day=day, until_day=day + 1, limit=1)
        return sum(row.cost_nusd for row in await self._ledger.totals(query))

    def _failed(self, outcome: Outcome, reason: str) -> None:
        self._rests_until = self._clock.monotonic() + REST_S
        _log.warning("judge_failed", extra={"reason": reason, "request_id": outcome.request_id})

    def _rest_of_day(self) -> None:
        """What is left of the day's money is not worth a try: the next day's will be."""
        self._spent_day = self._day()
        self._cases.clear()
        self._held_bytes = 0
        _log.info("judge_budget_spent", extra={"advice": "judging goes on tomorrow (UTC)"})

    def _day(self) -> int:
        return int(self._clock.now() // DAY_S)
