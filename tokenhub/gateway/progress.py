"""What is told of an orchestration while it goes on."""

from collections.abc import Callable

import msgspec


class StepDone(msgspec.Struct, frozen=True, kw_only=True):
    """A step that has ended. `error_class` is empty for a success.

    `model_id` and `provider_id` are of who was asked last: of a success, who answered. `cost_nusd`
    is of all its attempts, None where a price is unknown. Without `request_id` nobody was asked.
    """

    name: str
    request_id: str = ""
    model_id: str = ""
    provider_id: str = ""
    reason: str = ""
    attempts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_nusd: int | None = 0
    latency_s: float = 0.0
    error_class: str = ""


class PlanStarted(msgspec.Struct, frozen=True, kw_only=True):
    """The first thing told. `steps` and `estimate_nusd` are what is expected."""

    orchestration_id: str
    mode: str
    steps: int
    estimate_nusd: int | None


class StepStarted(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    request_id: str


class StepFinished(msgspec.Struct, frozen=True, kw_only=True):
    step: StepDone


Progress = PlanStarted | StepStarted | StepFinished
OnProgress = Callable[[Progress], None]


def untold(progress: Progress) -> None:
    """Nobody listens."""
    del progress
