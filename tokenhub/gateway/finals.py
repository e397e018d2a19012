"""What the caller is told when nobody has answered."""

from collections.abc import Sequence

from tokenhub.core.catalog import Route
from tokenhub.core.eligibility import Skip
from tokenhub.core.errors import (
    BadRequest,
    BudgetExceeded,
    DeadlineExceeded,
    NoEligibleModel,
    ProviderFailed,
    ProviderRefused,
    TokenHubError,
)
from tokenhub.core.failures import CODES, Kind
from tokenhub.core.money import usd
from tokenhub.core.signals import Closed
from tokenhub.gateway.board import Board
from tokenhub.gateway.run import Run
from tokenhub.ports.provider import UpstreamError

# The reason of a route that the key's monthly budget does not bear.
KEY_BUDGET = "key_budget_exceeded"
# Not found, and the method not allowed of a path that is another server's.
_UNKNOWN_THERE = frozenset({404, 405})
# To wait mends none of these: somebody has to.
_UNMENDED = frozenset({Kind.CREDENTIAL, Kind.EXHAUSTED, Kind.FORBIDDEN})


def of_the_route(error: UpstreamError) -> UpstreamError:
    """A 404 is about the route: another may know the model that this one does not."""
    if error.kind is not Kind.CLIENT or error.status not in _UNKNOWN_THERE:
        return error
    return UpstreamError(
        Kind.MISSING,
        status=error.status,
        message=error.message,
        code=error.code,
        field=error.field,
    )


def final_error(run: Run, last: UpstreamError | None, board: Board) -> TokenHubError:
    """The error for the caller: the class of the failure to tell, and every attempt.

    A provider's own words go out only where it blames the caller's request, or does not know the
    model that the caller named: they are about what the caller sent, and the caller's to read.
    """
    attempts = run.attempts
    if last is None:
        return _untried(run, board)
    if last.kind is Kind.CLIENT or (last.kind is Kind.MISSING and _unknown_to_all(run)):
        return ProviderRefused(
            last.message or f"the provider refused the request with status {last.status}",
            status=last.status,
            code=last.code or None,
            field=last.field or None,
            attempts=attempts,
        )
    if last.kind is Kind.UNSUPPORTED:
        return BadRequest(last.message, code=last.code, field=last.field)
    if last.kind is Kind.CONTEXT:
        return BadRequest(
            "the request needs more context than the models that could answer have; shorten the "
            "messages or lower max_tokens",
            code="context_length_exceeded",
            field="messages",
        )
    if last.kind is Kind.TIMEOUT:
        return DeadlineExceeded(
            f"all providers failed: no answer in time after {counted(attempts)}", attempts=attempts
        )
    return ProviderFailed(
        f"all providers failed: {last.kind} after {counted(attempts)}",
        code=CODES.get(last.kind),
        attempts=attempts,
        retry_after_s=(
            None if last.kind in _UNMENDED else _opens_in_s(run, board) or last.retry_after_s
        ),
    )


def over_budget(run: Run) -> BudgetExceeded:
    """What a caller is told whose key has no money left for this request."""
    budget, tab = run.key.budget_nusd or 0, run.tab
    # What was paid for has been added to the limit, and is not spent any more.
    spent = max(0, tab.purse.spent_nusd - ((tab.budget_nusd or 0) - budget))
    held = tab.purse.reserved_nusd
    told = f"monthly budget exceeded: USD {usd(spent):.6f} of {usd(budget):.6f} are spent"
    if held:
        told += f", and USD {usd(held):.6f} are held for requests under way"
    if spent + held < budget:
        told += ", and the rest is less than this request may cost: a lower max_tokens may fit"
    return BudgetExceeded(
        f"{told}; ask the operator for more, or wait for the next month (UTC)",
        budget_nusd=budget,
        spent_nusd=spent,
        reserved_nusd=held,
        speech=run.ask.speech,
    )


def counted(attempts: Sequence[object]) -> str:
    """How many attempts, in words."""
    return f"{len(attempts)} attempt{'' if len(attempts) == 1 else 's'}"


def skip_of(route: Route, closed: Closed | None, reason: str) -> Skip:
    """Why a route was passed over: what closed it, else this reason."""
    if closed is None:
        return Skip(route.id, reason)
    return Skip(route.id, closed.reason, closed.for_ms)


def closing(run: Run, board: Board, route: Route) -> Closed | None:
    """What keeps a route closed for the longest now; None where it may be asked."""
    closed = board.closed(run.catalog)
    found = [closed[name] for name in (route.provider.id, route.id) if name in closed]
    return max(found, key=lambda one: one.for_ms, default=None)


def _opens_in_s(run: Run, board: Board) -> float | None:
    """The earliest time worth trying: None where somebody may be asked at once."""
    assert run.decision is not None
    waits = [closing(run, board, route) for route in run.decision.ranked]
    return min((wait.for_ms / 1000 if wait else 0.0 for wait in waits), default=0.0) or None


def _untried(run: Run, board: Board) -> TokenHubError:
    if not run.passed:
        return DeadlineExceeded("the latency budget ran out before any call", attempts=run.attempts)
    if any(skip.reason == KEY_BUDGET for skip in run.passed):
        return over_budget(run)
    told = ", ".join(f"{skip.route}: {skip.reason}" for skip in run.passed[:5])
    return NoEligibleModel(
        f"every provider that could answer has just failed or throttled ({told}); try again in a "
        "moment",
        skipped=run.passed,
        retry_after_s=_opens_in_s(run, board),
    )


def _unknown_to_all(run: Run) -> bool:
    """Whether the caller named a model, and it was not known wherever it was asked for."""
    sent = [attempt for attempt in run.attempts if attempt.kind != Kind.UNSUPPORTED]
    if not sent or any(attempt.kind != Kind.MISSING for attempt in sent):
        return False
    first = (sent[0].provider_id, sent[0].model_id)
    named = run.catalog.routes_of(run.ask.model)
    return first in {(route.provider.id, route.model.id) for route in named}
