"""Calls about plans that were carried out, and about workflows."""

from tokenhub.client.call import Call, item, query
from tokenhub.wire.orchestrations import (
    NoWorkflow,
    OrchestrationDetail,
    OrchestrationPage,
    WorkflowPage,
)

ORCHESTRATIONS = "/admin/v1/orchestrations"
WORKFLOWS = "/admin/v1/workflows"


def list_orchestrations(
    *,
    limit: int | None = None,
    offset: int | None = None,
    before: str = "",
    mode: str = "",
    status: str = "",
) -> Call[OrchestrationPage]:
    """Plans, newest first, of those that match. `before` is the `next` of the page before."""
    return Call(
        method="GET",
        path=ORCHESTRATIONS,
        query=query(limit=limit, offset=offset, before=before, mode=mode, status=status),
        returns=OrchestrationPage,
    )


def get_orchestration(orchestration_id: str) -> Call[OrchestrationDetail]:
    """One plan with its steps."""
    return Call(
        method="GET", path=item(ORCHESTRATIONS, orchestration_id), returns=OrchestrationDetail
    )


def list_workflows(*, limit: int | None = None, status: str = "") -> Call[WorkflowPage]:
    return Call(
        method="GET", path=WORKFLOWS, query=query(limit=limit, status=status), returns=WorkflowPage
    )


def get_workflow(workflow_id: str) -> Call[NoWorkflow]:
    return Call(method="GET", path=item(WORKFLOWS, workflow_id), returns=NoWorkflow)


def get_workflow_history(workflow_id: str) -> Call[NoWorkflow]:
    path = f"{item(WORKFLOWS, workflow_id)}/history"
    return Call(method="GET", path=path, returns=NoWorkflow)
