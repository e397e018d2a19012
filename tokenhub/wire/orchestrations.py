"""Orchestrations as operators see them, and the workflows of the original.

Times are RFC 3339 in UTC with milliseconds; money is USD; null where a price was unknown.
"""

import msgspec

from tokenhub.wire.observe import RequestLog


class Orchestration(msgspec.Struct, kw_only=True):
    """One plan. `id` is the id of the request that ordered it, and the parent of its steps.

    `status` is `running`, `succeeded`, `partial`, `failed`, `cancelled` (the caller left) or
    `lost` (the server died). `cost_usd` is what all steps cost, `cost_estimate_usd` what was
    expected before the first of them.
    """

    id: str
    timestamp: str
    api_key_id: str
    dialect: str
    mode: str
    status: str
    iterations: int
    step_count: int
    stream: bool
    cost_estimate_usd: float | None
    cost_usd: float | None
    error_class: str
    latency_ms: float


class OrchestrationPage(msgspec.Struct, kw_only=True):
    """Newest first. `next` is the cursor of the following page, null at the end."""

    orchestrations: list[Orchestration]
    total: int
    limit: int
    offset: int
    next: str | None


class OrchestrationDetail(Orchestration, kw_only=True):
    """One plan with its steps, each a row of the request log, in the order of their asking."""

    steps: list[RequestLog]


class Workflow(msgspec.Struct, kw_only=True):
    """A workflow of Temporal's. There are none where Temporal is off."""

    workflow_id: str
    run_id: str
    type: str
    status: str
    start_time: str


class WorkflowPage(msgspec.Struct, kw_only=True):
    """The workflows, and whether Temporal is there to have any."""

    workflows: list[Workflow]
    temporal_enabled: bool


class NoWorkflow(msgspec.Struct, kw_only=True):
    """The answer about one workflow, or its history, where Temporal is off."""

    temporal_enabled: bool
