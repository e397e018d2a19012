"""Calls about what was judged, and what was learned of it."""

from tokenhub.client.call import Call, query
from tokenhub.wire.rewards import Arms, Reset, RewardPage, WasReset

REWARDS = "/admin/v1/rewards"


def list_rewards(
    *,
    request_id: str = "",
    provider_id: str = "",
    model_id: str = "",
    source: str = "",
    task: str = "",
    limit: int | None = None,
    before: str = "",
) -> Call[RewardPage]:
    """Judgements, newest first. `before` is the `next` of the page before."""
    return Call(
        method="GET",
        path=REWARDS,
        query=query(
            request_id=request_id,
            provider_id=provider_id,
            model_id=model_id,
            source=source,
            task=task,
            limit=limit,
            before=before,
        ),
        returns=RewardPage,
    )


def list_arms() -> Call[Arms]:
    """What is believed of each route, by task."""
    return Call(method="GET", path=f"{REWARDS}/arms", returns=Arms)


def reset_rewards(*, route: str = "", every: bool = False) -> Call[WasReset]:
    """Forget what was learned of a route, or of `every` one."""
    return Call(
        method="POST",
        path=f"{REWARDS}/reset",
        body=Reset(route=route, all=every),
        returns=WasReset,
    )
