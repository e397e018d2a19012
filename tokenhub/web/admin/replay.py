"""`/admin/v1/routing/replay`: what other policies would have made of the logged requests."""

import asyncio
from functools import partial

from litestar import Response, post
from litestar.di import NamedDependency
from msgspec.structs import asdict

from tokenhub.admin.replay import Other, Replay, Replayed, report
from tokenhub.core.ask import Wish
from tokenhub.core.catalog import MODES
from tokenhub.core.errors import BadRequest
from tokenhub.core.estimates import Estimate
from tokenhub.core.money import NANO
from tokenhub.core.plans.steps import COMPOSED
from tokenhub.dialects.decoding import check_count
from tokenhub.dialects.native import wish
from tokenhub.web.admin.simulate import MAX_POLICIES, checked_temperature
from tokenhub.web.amounts import milliseconds
from tokenhub.web.auth import needs
from tokenhub.web.body import Http, body_of
from tokenhub.web.paging import queried
from tokenhub.web.tags import answer
from tokenhub.web.times import utc
from tokenhub.wire import replay as wire
from tokenhub.wire.native import PolicyIn

# About a second of a core for each policy.
MAX_REQUESTS = 50_000
_MILLI = 1e3


@post("/routing/replay", status_code=200, opt=needs("viewer"))
async def replay(request: Http, replaying: NamedDependency[Replay]) -> Response[bytes]:
    queried(request, ())
    sent = await body_of(request, wire.ReplayIn)
    if not sent.policies:
        raise BadRequest("policies must hold at least one", field="policies")
    check_count(len(sent.policies), MAX_POLICIES, field="policies")
    if not 1 <= sent.limit <= MAX_REQUESTS:
        raise BadRequest(f"limit must be between 1 and {MAX_REQUESTS}", field="limit")
    temperature = checked_temperature(sent.temperature)
    others = [Other(_single(policy), temperature) for policy in sent.policies]
    since, until = replaying.span(sent.since, sent.until)
    async with replaying.turn:
        rows, left_out = await replaying.read(since, until, limit=sent.limit)
        # Deciding thousands of requests takes its time, and those of callers have none to spare.
        found = await asyncio.to_thread(partial(report, rows, left_out, others))
    was = found.was
    return answer(
        wire.ReplayResult(
            requests=found.requests,
            left_out=found.left_out,
            since=utc(since),
            until=utc(until),
            was=wire.Was(
                judged=was.judged,
                quality=was.quality,
                failures=was.failures,
                latency_ms=None if was.latency_s is None else milliseconds(was.latency_s),
                cost_usd=None if was.cost_nusd is None else was.cost_nusd / NANO,
            ),
            policies=[
                _shown(policy, one)
                for policy, one in zip(sent.policies, found.policies, strict=True)
            ],
        )
    )


def _single(policy: PolicyIn) -> Wish:
    """What the policy says. Raises BadRequest."""
    if policy.mode in COMPOSED:
        raise BadRequest(
            f"mode {policy.mode} answers one request by several, of which a replay knows nothing; "
            f"choose one of {', '.join(MODES)}",
            field="policies",
        )
    return wish(policy)


def _shown(policy: PolicyIn, found: Replayed) -> wire.Replayed:
    return wire.Replayed(
        policy=policy,
        decided=found.decided,
        refused=found.refused,
        quality=_estimate(found.quality),
        failures=_estimate(found.failures),
        latency_ms=_estimate(found.latency_s, times=_MILLI),
        cost_usd=_estimate(found.cost_nusd, times=1 / NANO),
        shares=[wire.RouteShare(**asdict(one)) for one in found.shares],
    )


def _estimate(found: Estimate, *, times: float = 1.0) -> wire.Estimate:
    def scaled(value: float | None) -> float | None:
        return None if value is None else value * times

    return wire.Estimate(
        requests=found.count,
        effective=round(found.effective, 1),
        support=round(found.support, 4),
        mean=scaled(found.mean),
        low=scaled(found.low),
        high=scaled(found.high),
        snips=scaled(found.snips),
        refused=found.refused,
    )
