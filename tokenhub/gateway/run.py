"""One request on its way: what is known of it so far."""

import asyncio

import msgspec
from msgspec.structs import replace

from tokenhub.core.ask import Ask
from tokenhub.core.buckets import UNLIMITED, Allowance
from tokenhub.core.catalog import Catalog, Route
from tokenhub.core.decide import Candidate, Decision, Record
from tokenhub.core.eligibility import Skip
from tokenhub.core.errors import TokenHubError, Unavailable
from tokenhub.core.events import ATTEMPT, BUDGET_ALERT, Event
from tokenhub.core.failures import MAYBE_BILLED, Kind
from tokenhub.core.keys import ApiKey
from tokenhub.core.outcome import Attempt, Usage
from tokenhub.core.policy import Intent
from tokenhub.core.pricing import estimated_nusd, spent_nusd
from tokenhub.core.purse import Held, Purse, Tab, crossed
from tokenhub.ports.events import SILENT, Events

# An attempt that the caller did not wait for. No provider's fault; it may have been billed.
GONE = "client_gone"
# One that was cancelled, since another leg beside it had answered. It may have been billed, too.
HEDGE_LOST = "hedge_lost"
# One that ended with a fault of ours, after it went out: that may have been billed as well.
OUR_FAULT = "internal_error"
# A stream that was ended since its caller's key was revoked. What went out is charged.
REVOKED = "key_revoked"
# What the task of a caller who left is cancelled with; any other cancellation is our own end.
HUNG_UP = "the caller hung up"
# One that was cut since the server stops, with which it is cancelled, too.
STOPPING = "draining"
_LET_GO = frozenset({GONE, HEDGE_LOST, OUR_FAULT})


class Arrival(msgspec.Struct, frozen=True):
    """A request as it came in, before a byte of it is read.

    `at` is Unix seconds for the record; `started` is monotonic, and durations are taken from it.
    `allowance` is what its sender may still send.
    """

    request_id: str
    at: float
    started: float
    allowance: Allowance = UNLIMITED


class Caller(msgspec.Struct, frozen=True):
    """Who sent it, and may: `scope` is what for."""

    key: ApiKey
    arrival: Arrival
    scope: str = ""


class Ear:
    """Keeps what goes out of a stream, up to `most` bytes of it: nothing of one that is longer.

    `sampled` says that the answer is to be judged.
    """

    __slots__ = ("_bytes", "_most", "_parts", "sampled")

    def __init__(self, most: int, *, sampled: bool) -> None:
        self.sampled = sampled
        self._most = most
        self._parts: list[bytes] | None = []
        self._bytes = 0

    def add(self, events: bytes) -> None:
        if self._parts is None:
            return
        self._bytes += len(events)
        if self._bytes > self._most:
            self._parts = None
        else:
            self._parts.append(events)

    @property
    def heard(self) -> bytes:
        """All of it; nothing where it was too long."""
        return b"".join(self._parts or ())


class Run:
    """Filled in stage by stage; `settle` makes the Outcome of it.

    `refusal` is the record of a request that no route was found for.
    `passed` are the routes that were passed over after the decision, and why. `how` is why the
    route answered, where that is not the decision's reason, and not simply that it was its turn.
    `dropped` are the caller's parameters that the answering provider has no counterpart of.
    `upstream_s` is the time spent in attempts that ended, `opening_s` that of the one that opened
    a stream, `first_token_s` that from the start until there were events of it to give on.
    `parent_id` is the orchestration that this request is a step of. `tab` is charged with
    each attempt as it is booked; `legs` is how many calls were let through, `hedges`
    how many of them beside another. `tokens` is what its
    key may still use of its tokens a minute. `answer` is a whole answer as it goes out, and `ear`
    what hears a stream, where somebody wants to know. `events` hear what becomes of it.
    """

    __slots__ = (
        "allowance",
        "answer",
        "ask",
        "at",
        "attempts",
        "catalog",
        "decision",
        "dropped",
        "ear",
        "events",
        "first_token_s",
        "hedges",
        "how",
        "intent",
        "key",
        "legs",
        "opening_s",
        "parent_id",
        "passed",
        "refusal",
        "request_id",
        "route",
        "scope",
        "started",
        "tab",
        "tokens",
        "upstream_s",
    )

    def __init__(
        self,
        ask: Ask,
        *,
        caller: Caller,
        catalog: Catalog,
        tab: Tab | None = None,
        events: Events = SILENT,
    ) -> None:
        arrival = caller.arrival
        self.ask = ask
        self.key = caller.key
        self.scope = caller.scope
        self.catalog = catalog
        self.request_id = arrival.request_id
        self.at = arrival.at
        self.started = arrival.started
        self.allowance = arrival.allowance
        self.tokens = UNLIMITED
        self.intent: Intent | None = None
        self.decision: Decision | None = None
        self.refusal: Record | None = None
        self.route: Route | None = None
        self.how = ""
        self.passed: list[Skip] = []
        self.dropped: tuple[str, ...] = ()
        self.attempts: list[Attempt] = []
        self.upstream_s = 0.0
        self.opening_s = 0.0
        self.first_token_s = 0.0
        self.parent_id = ""
        self.tab = Tab(Purse()) if tab is None else tab
        self.legs = 0
        self.answer = b""
        self.ear: Ear | None = None
        self.events = events
        self.hedges = 0

    def answered(
        self,
        route: Route,
        usage: Usage | None,
        *,
        output_tokens: int,
        latency_s: float,
        passed_s: float | None = None,
        kind: str = "",
    ) -> None:
        """Book an attempt that brought an answer, or the part of one that `kind` ended.

        Where the provider gave no usage, the prompt is our estimate and the answer
        `output_tokens`. A zero is a count like any other, but for a chat whose prompt has none:
        there is no such prompt, and servers that do not count put zeros. `latency_s` is what the
        provider took, and `passed_s` what went by meanwhile, where a slow caller made it longer.
        """
        given = usage or Usage()
        if not given.input_tokens and self.ask.task == "chat":
            given = replace(given, input_tokens=None, output_tokens=given.output_tokens or None)
        tokens_in = _told(given.input_tokens, self.ask.input_tokens)
        tokens_out = _told(given.output_tokens, output_tokens)
        self.route = route
        self.upstream_s += latency_s if passed_s is None else passed_s
        self._book(
            route,
            Attempt(
                number=len(self.attempts) + 1,
                provider_id=route.provider.id,
                model_id=route.model.id,
                state="settled",
                kind=kind,
                status=200,
                latency_s=latency_s,
                input_tokens=tokens_in,
                output_tokens=tokens_out,
                cached_tokens=given.cached_tokens,
                cache_write_tokens=given.cache_write_tokens,
                reasoning_tokens=given.reasoning_tokens,
                cache_write_1h_tokens=given.cache_write_1h_tokens,
                cost_nusd=spent_nusd(route.model, tokens_in, tokens_out, of_them=given),
                estimated=given.input_tokens is None or given.output_tokens is None,
            ),
        )

    def failed(
        self,
        route: Route,
        kind: Kind | str,
        *,
        status: int,
        latency_s: float,
        passed_s: float | None = None,
    ) -> None:
        """Book an attempt that brought nothing.

        Where the provider may have worked, it is charged at the decision's estimate, by which
        budgets have let it pass, and marked unknown; to count a prompt is free of charge.
        `passed_s` is the part of `latency_s` in which no other attempt was under way, where that
        is not all of it.
        """
        redirected = 300 <= status < 400  # noqa: PLR2004 - RFC 9110: nothing was done there
        free = redirected or self.ask.task == "count"
        billed = (kind in MAYBE_BILLED or kind in _LET_GO) and not free
        self.upstream_s += latency_s if passed_s is None else passed_s
        self._book(
            route, self._lost(route, kind, billed=billed, status=status, latency_s=latency_s)
        )

    def unsent(self, route: Route, held: Held, kind: str) -> None:
        """Book a call that was let through, and then not made: nothing is charged."""
        self.tab.give_back(held)
        attempt = self._lost(route, kind, billed=False, status=0, latency_s=0.0)
        self.attempts.append(attempt)
        self.events.emit(Event(type=ATTEMPT, request_id=self.request_id, attempt=attempt))

    def _lost(
        self, route: Route, kind: Kind | str, *, billed: bool, status: int, latency_s: float
    ) -> Attempt:
        tokens_in = self.ask.input_tokens if billed else 0
        tokens_out = self._expected_tokens(route) if billed else 0
        return Attempt(
            number=len(self.attempts) + 1,
            provider_id=route.provider.id,
            model_id=route.model.id,
            state="unknown" if billed else "voided",
            kind=str(kind),
            status=status,
            latency_s=latency_s,
            input_tokens=tokens_in,
            output_tokens=tokens_out,
            cost_nusd=estimated_nusd(route.model, tokens_in, tokens_out),
            estimated=billed,
        )

    def _book(self, route: Route, attempt: Attempt) -> None:
        self.attempts.append(attempt)
        self.tab.charge(route.id, attempt.cost_nusd or 0)
        self.events.emit(Event(type=ATTEMPT, request_id=self.request_id, attempt=attempt))
        if self.tab.budget_nusd is not None and attempt.cost_nusd:
            self._alert(attempt.cost_nusd)

    def _alert(self, cost_nusd: int) -> None:
        """Tell where this cost has taken the key's month over a part of its budget.

        By the purse alone, so that each is told once, whatever else is under way and whether the
        server was started anew since.
        """
        budget = self.key.budget_nusd or 0
        # What was paid for has been added to the limit, and is not spent any more.
        spent = self.tab.purse.spent_nusd - ((self.tab.budget_nusd or 0) - budget)
        for percent in crossed(spent - cost_nusd, spent, budget):
            self.events.emit(
                Event(
                    type=BUDGET_ALERT,
                    request_id=self.request_id,
                    key_id=self.key.id,
                    key_name=self.key.name,
                    percent=percent,
                    spent_nusd=spent,
                    budget_nusd=budget,
                )
            )

    def affords(self, route: Route, *, beside: Route | None = None) -> bool:
        """Whether the budget of the request bears this route on top of what is booked.

        `beside` is the route of an attempt that is under way.
        """
        assert self.intent is not None
        budget = self.intent.policy.max_budget_nusd
        if budget is None:
            return True
        booked = sum(attempt.cost_nusd or 0 for attempt in self.attempts)
        if beside is not None:
            booked += self.expected_nusd(beside) or 0
        return booked + (self.expected_nusd(route) or 0) <= budget

    def expected_nusd(self, route: Route) -> int | None:
        """The decision's estimate of what this route costs; None where a price is unknown."""
        return self._candidate(route).cost_nusd

    @property
    def reason(self) -> str:
        """Why this route answered: the decision's reason, or the fallback's."""
        if self.decision is None:
            return ""
        if self.how:
            return self.how
        if self.route is None or self.route is self.decision.ranked[0]:
            return self.decision.record.reason
        if self.ask.stream:
            return "stream-fallback"
        return f"routed-weight-{self.route.model.weight}"

    def _expected_tokens(self, route: Route) -> int:
        """The decision's estimate of this route's answer; before there is one, the policy's.

        Never more than was allowed for want of money.
        """
        if self.decision is not None:
            expected = self._candidate(route).output_tokens
        else:
            expected = self.intent.output_tokens if self.intent else 0
        held = None if self.tab.budget_nusd is None else self.tab.of(route.id)
        return expected if held is None else min(expected, held.output_tokens)

    def _candidate(self, route: Route) -> Candidate:
        assert self.decision is not None
        for candidate in self.decision.record.candidates:
            if candidate.route == route.id:
                return candidate
        raise KeyError(route.id)


def _told(told: int | None, estimated: int) -> int:
    return estimated if told is None else told


def left_by(error: BaseException | None) -> str:
    """Why a request was not finished, in the log's word: its caller left, or a fault of ours."""
    if not isinstance(error, asyncio.CancelledError):
        return OUR_FAULT
    return GONE if error.args == (HUNG_UP,) else STOPPING


def stopped() -> Unavailable:
    """What the caller of a request is told that is cut since the server stops."""
    return Unavailable("the server is stopping; send the request again", code=STOPPING)


def tellable(error: TokenHubError | asyncio.CancelledError) -> TokenHubError:
    """The error to tell the caller. Raises the cancellation again where nobody is there."""
    if isinstance(error, TokenHubError):
        return error
    if error.args == (HUNG_UP,):
        raise error
    return stopped()
