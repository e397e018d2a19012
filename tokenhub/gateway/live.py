"""What is told of orchestrations while they go on, as events.

In the original's words an orchestration is a workflow and a step of it an activity.
"""

from tokenhub.core.events import (
    ACTIVITY_COMPLETED,
    ORCHESTRATION_STEP,
    WORKFLOW_COMPLETED,
    WORKFLOW_FAILED,
    WORKFLOW_STARTED,
    Event,
)
from tokenhub.core.orchestration import Orchestration
from tokenhub.gateway.progress import StepDone
from tokenhub.gateway.work import Work

STARTED, SUCCEEDED, FAILED = "started", "succeeded", "failed"
_WELL = frozenset({"succeeded", "partial"})


def began(work: Work) -> None:
    run = work.run
    run.events.emit(
        Event(
            type=WORKFLOW_STARTED,
            request_id=run.request_id,
            key_name=run.key.name,
            workflow_id=run.request_id,
            workflow_type=work.order.mode,
        )
    )


def ended(work: Work, row: Orchestration) -> None:
    run = work.run
    run.events.emit(
        Event(
            type=WORKFLOW_COMPLETED if row.status in _WELL else WORKFLOW_FAILED,
            request_id=row.id,
            key_name=run.key.name,
            workflow_id=row.id,
            workflow_type=row.mode,
            latency_s=row.latency_s,
            cost_nusd=row.cost_nusd,
            reason=row.status,
            error_class=row.error_class,
        )
    )


def step_began(work: Work, name: str, request_id: str) -> None:
    work.run.events.emit(
        Event(
            type=ORCHESTRATION_STEP,
            request_id=request_id,
            workflow_id=work.run.request_id,
            workflow_type=work.order.mode,
            activity_type=name,
            new_state=STARTED,
        )
    )


def step_ended(work: Work, step: StepDone) -> None:
    """A step that has ended; one that brought an answer is told under both names."""
    state = FAILED if step.error_class else SUCCEEDED
    work.run.events.emit(_step(ORCHESTRATION_STEP, work, step, state))
    if not step.error_class:
        work.run.events.emit(_step(ACTIVITY_COMPLETED, work, step, ""))


def _step(kind: str, work: Work, step: StepDone, state: str) -> Event:
    return Event(
        type=kind,
        request_id=step.request_id,
        workflow_id=work.run.request_id,
        workflow_type=work.order.mode,
        activity_type=step.name,
        model_id=step.model_id,
        provider_id=step.provider_id,
        reason=step.reason,
        attempts=step.attempts,
        input_tokens=step.input_tokens,
        output_tokens=step.output_tokens,
        cost_nusd=step.cost_nusd,
        latency_s=step.latency_s,
        error_class=step.error_class,
        new_state=state,
    )
