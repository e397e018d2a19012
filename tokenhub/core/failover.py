"""What to do after an upstream call failed: sans-IO, driven by values.

    next() -> Try(route) -> failed(kind) -> next() -> ... -> GiveUp(kind)

A client's own mistake ends it at once. A prompt too long goes to one model with more context.
A refused or empty credential takes its provider out, and so does a request that its dialect
cannot carry. Any other failure moves on: first to another provider of the same model, then to
other providers, and only then to the provider that just failed. A provider with several endpoints
is asked at each of them before that, since one dead server is not the end of the others. When
nobody else is left, a connection that broke before any answer is tried once more, because an idle
connection that the provider closed looks just so.

The last failure is the one to tell, unless an earlier one says more: what passes must not be
hidden by what a route could not have done on its best day.
"""

from collections.abc import Sequence

import msgspec

from tokenhub.core.catalog import Route
from tokenhub.core.failures import Kind

# gRPC's cap is five attempts a call (A6); one less keeps the worst case within the budget of a
# caller that pays for each.
MAX_ATTEMPTS = 4
_AGAIN = frozenset({Kind.UNREACHABLE, Kind.LOST})
_ELSEWHERE = frozenset({Kind.UNREACHABLE, Kind.LOST, Kind.OVERLOADED, Kind.THROTTLED})
_PROVIDER_OUT = frozenset({Kind.CREDENTIAL, Kind.EXHAUSTED, Kind.UNSUPPORTED})
# What is as true of the route tomorrow.
_LASTING = frozenset({Kind.CONTEXT, Kind.MISSING, Kind.UNSUPPORTED})


class Try(msgspec.Struct, frozen=True):
    """Call this route now. `last` says that no other is left to turn to."""

    route: Route
    last: bool = False


class GiveUp(msgspec.Struct, frozen=True):
    """No more attempts: the failure to report, None where nothing was tried, and why."""

    kind: Kind | None
    why: str


class Failover:
    """One request's way through its ranked routes; never the same route twice but for `_AGAIN`."""

    def __init__(self, ranked: Sequence[Route], *, max_attempts: int = MAX_ATTEMPTS) -> None:
        self._left = list(ranked)
        self._max_attempts = max_attempts
        self._attempts = 0
        self._current: Route | None = None
        self._kind: Kind | None = None
        self._troubled: set[str] = set()
        self._repeated = False
        self._spare_endpoints = 0
        self._escalated = False
        self._told: Kind | None = None
        self._roomiest = 0

    def next(self) -> Try | GiveUp:
        """The next step."""
        if self._kind is None or self._current is None:
            return self._try(self._left[0]) if self._left else GiveUp(None, "routes")
        if self._attempts >= self._max_attempts:
            return GiveUp(self._kind, "attempts")
        if self._kind is Kind.CLIENT:
            return GiveUp(self._kind, "client")
        return self._after(self._kind, self._current)

    def _after(self, kind: Kind, current: Route) -> Try | GiveUp:
        if self._spare_endpoints > 0 and kind in _ELSEWHERE:
            self._spare_endpoints -= 1
            return self._once_more(current)
        if self._left:
            return self._try(min(self._left, key=self._preference))
        if kind in _AGAIN and not self._repeated:
            self._repeated = True
            return self._once_more(current)
        return GiveUp(kind, "routes")

    def failed(self, kind: Kind) -> bool:
        """Note how the last `Try` ended; whether it is this that the caller is to be told."""
        current = self._current
        if current is None:
            return False
        self._kind = kind
        self._move_on(kind, current)
        says_more = self._says_more(kind, current.model.max_context_tokens)
        if says_more:
            self._told = kind
        if kind not in _LASTING:
            self._roomiest = max(self._roomiest, current.model.max_context_tokens)
        return says_more

    def _move_on(self, kind: Kind, current: Route) -> None:
        if kind in _PROVIDER_OUT:
            self._left = [r for r in self._left if r.provider.id != current.provider.id]
        elif kind is Kind.CONTEXT:
            self._left = [] if self._escalated else _larger(self._left, current)
            self._escalated = True
        else:
            self._troubled.add(current.provider.id)

    def _says_more(self, kind: Kind, context_tokens: int) -> bool:
        """Whether a failure says more than what failed before it.

        Of those who do not know a model the first counts: it is the one that was asked for.
        """
        if self._told is None:
            return True
        if kind is Kind.CONTEXT:
            return context_tokens >= self._roomiest
        return kind is not Kind.UNSUPPORTED and (kind, self._told) != (Kind.MISSING, Kind.MISSING)

    def passed_over(self) -> None:
        """Note that the last `Try` was not made: what came before has used its budget up."""
        self._attempts -= 1

    def _try(self, route: Route) -> Try:
        if route in self._left:
            self._left.remove(route)
        self._spare_endpoints = len(route.provider.endpoints) - 1
        return self._once_more(route)

    def _once_more(self, route: Route) -> Try:
        self._current = route
        self._attempts += 1
        last = not self._left and self._spare_endpoints <= 0
        return Try(route, last=last or self._attempts >= self._max_attempts)

    def _preference(self, route: Route) -> tuple[bool, bool, int]:
        """Small is better: healthy providers, then the same model, then the ranking."""
        same = self._current is not None and route.model.id == self._current.model.id
        return (route.provider.id in self._troubled, not same, self._left.index(route))


def _larger(routes: Sequence[Route], than: Route) -> list[Route]:
    """The routes with more context, the smallest sufficient first in line."""
    size = than.model.max_context_tokens
    return sorted(
        (r for r in routes if r.model.max_context_tokens > size > 0),
        key=lambda route: route.model.max_context_tokens,
    )
