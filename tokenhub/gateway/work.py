"""An orchestration on its way, and what it came to."""

import msgspec

from tokenhub.core.errors import TokenHubError
from tokenhub.core.orchestration import Orchestration
from tokenhub.core.ordered import plan_of
from tokenhub.core.outcome import cost_of
from tokenhub.core.plans.steps import Order, Plan, Result
from tokenhub.core.policy import Policy
from tokenhub.gateway.progress import StepDone
from tokenhub.gateway.run import Run


class Failed(msgspec.Struct, frozen=True):
    """A step that brought nothing: the class of its error, and what its caller may be told."""

    step: str
    error_class: str
    why: str


class Orchestrated(msgspec.Struct, frozen=True, kw_only=True):
    """A plan carried out, and settled. `body` is the last final answer's, byte for byte.

    `failed` is what left a result partial, None for a whole one. `overhead_s` is the time from
    the request's arrival that was not spent waiting for providers.
    """

    row: Orchestration
    result: Result
    reason: str
    model_id: str
    provider_id: str
    body: bytes
    steps: tuple[StepDone, ...]
    overhead_s: float
    failed: Failed | None = None


class Work:
    """An orchestration under way. The attempts of its steps gather in the attempts of `run`.

    `judging_nusd` is what the last step is expected to cost.
    `waited_s` is the time of the rounds that was spent waiting for providers. `failed` is the last
    step that brought nothing.
    """

    def __init__(self, run: Run, order: Order) -> None:
        self.run = run
        self.order = order
        self.policy: Policy | None = None
        self.plan: Plan = plan_of(order, ())
        self.estimate_nusd: int | None = None
        self.judging_nusd = 0
        self.steps: list[StepDone] = []
        self.errors: list[TokenHubError] = []
        self.bodies: dict[str, bytes] = {}
        self.waited_s = 0.0
        self.failed: Failed | None = None

    @property
    def cost_nusd(self) -> int | None:
        """The sum over all attempts so far; None where the price of one is unknown."""
        return cost_of(self.run.attempts)

    def left_nusd(self) -> int | None:
        """What of the budget is left; None where there is none."""
        assert self.policy is not None
        budget = self.policy.max_budget_nusd
        if budget is None:
            return None
        return max(0, budget - sum(attempt.cost_nusd or 0 for attempt in self.run.attempts))
