"""`/admin/v1/rewards`: what was judged, what was learned of it, and to forget it."""

from litestar import Response, get, post
from litestar.di import NamedDependency

from tokenhub.admin.changes import By
from tokenhub.admin.rewards import Rewards
from tokenhub.core.errors import BadRequest
from tokenhub.core.learning import Standing, as_beta
from tokenhub.core.rewards import SOURCES
from tokenhub.ports.rewards import Reward, RewardQuery
from tokenhub.web.auth import needs
from tokenhub.web.body import Http, body_of
from tokenhub.web.paging import page_of, queried
from tokenhub.web.tags import answer
from tokenhub.web.times import utc
from tokenhub.wire import rewards as wire

_PAGE = 100
# Two-sided, 95 %, of a normal.
_DEVIATIONS = 1.96
_FILTERS = ("request_id", "provider_id", "model_id", "source", "task")


@get("/rewards", opt=needs("viewer"))
async def list_rewards(request: Http, rewards: NamedDependency[Rewards]) -> Response[bytes]:
    query = queried(request, ("limit", "offset", "before", *_FILTERS))
    page = page_of(query, limit=_PAGE)
    before, source = query.get("before", ""), query.get("source", "")
    if before and not (before.isascii() and before.isdigit() and len(before) <= len(str(2**62))):
        raise BadRequest("before must be the next of another page", field="before")
    if source and source not in SOURCES:
        raise BadRequest(f"source must be one of {', '.join(sorted(SOURCES))}", field="source")
    found = await rewards.page(
        RewardQuery(
            limit=page.limit,
            offset=page.offset,
            before=before,
            **{name: query.get(name, "") for name in _FILTERS},
        )
    )
    return answer(
        wire.RewardPage(
            rewards=[_shown(row) for row in found.rows],
            total=found.total,
            limit=page.limit,
            offset=page.offset,
            next=found.next,
        )
    )


@get("/rewards/arms", opt=needs("viewer"))
async def list_arms(request: Http, rewards: NamedDependency[Rewards]) -> Response[bytes]:
    queried(request, ())
    return answer(wire.Arms(arms=[_arm(one) for one in rewards.arms()]))


@post("/rewards/reset", status_code=200, opt=needs("operator", rehearses=True))
async def reset_rewards(
    request: Http, rewards: NamedDependency[Rewards], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    sent = await body_of(request, wire.Reset)
    if sent.all == bool(sent.route):
        raise BadRequest("give a route, or all: true", field="route")
    return answer(wire.WasReset(reset=list(await rewards.reset(sent.route, by=by))))


def _shown(row: Reward) -> wire.Reward:
    one = row.quality
    return wire.Reward(
        id=row.id,
        timestamp=utc(one.at),
        request_id=one.request_id,
        model_id=one.model_id,
        provider_id=one.provider_id,
        reward=one.score,
        weight=one.weight,
        source=one.source,
        task=one.task,
    )


def _arm(one: Standing) -> wire.Arm:
    arm = one.arm
    alpha, beta = as_beta(arm.quality, arm.spread)
    provider_id, _, model_id = one.route.partition("/")
    return wire.Arm(
        route=one.route,
        provider_id=provider_id,
        model_id=model_id,
        task=one.task,
        alpha=alpha,
        beta=beta,
        mean=arm.quality,
        low=max(0.0, arm.quality - _DEVIATIONS * arm.spread),
        high=min(1.0, arm.quality + _DEVIATIONS * arm.spread),
        n=one.judged,
        prior=arm.prior,
        calls=one.calls.n,
        failing=arm.failing,
    )
