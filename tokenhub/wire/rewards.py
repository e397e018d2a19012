"""`/admin/v1/rewards`: what was judged, and what was learned of it."""

import msgspec


class Reward(msgspec.Struct, kw_only=True):
    """One judgement of one answer. `reward` is its score, 0 to 1, and `weight` what it counts."""

    id: int
    timestamp: str
    request_id: str
    model_id: str
    provider_id: str
    reward: float
    weight: float
    source: str
    task: str


class RewardPage(msgspec.Struct, kw_only=True):
    """Newest first. `next` is the cursor of the following page, null at the end."""

    rewards: list[Reward]
    total: int
    limit: int
    offset: int
    next: str | None


class Arm(msgspec.Struct, kw_only=True):
    """What is believed of a route's answers at a task; `task` is empty for all of them.

    `mean` is the quality, 0 to 1, that is expected of them, and `low` to `high` where it lies with
    95 % probability; `alpha` and `beta` say the same as a Beta. `n` are the judgements that still
    count, `prior` is the part of the mean that nobody has judged. `calls` are those that still
    count, and `failing` the part of them that is expected to fail.
    """

    route: str
    provider_id: str
    model_id: str
    task: str
    alpha: float
    beta: float
    mean: float
    low: float
    high: float
    n: float
    prior: float
    calls: float
    failing: float


class Arms(msgspec.Struct, kw_only=True):
    """By route and task."""

    arms: list[Arm]


class Reset(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is to be forgotten: a `route` (`provider/model`), or `all` of them."""

    route: str = ""
    all: bool = False


class WasReset(msgspec.Struct, kw_only=True):
    """The routes that were forgotten."""

    reset: list[str]
