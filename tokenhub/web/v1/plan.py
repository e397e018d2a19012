"""Answers of several steps: a plan carried out, whole or as a stream of its progress.

event: plan_started     what is expected
event: step_started     a request goes out
event: step_finished    who answered it, and what it cost
event: plan_finished    the whole answer; or data with an error, as in any other stream
"""

import asyncio
from collections.abc import Callable

import msgspec
from msgspec import Raw

from tokenhub.core.ask import Shape
from tokenhub.core.errors import TokenHubError
from tokenhub.core.ordered import ordered
from tokenhub.core.plans.steps import Elected, Order, Refined, Result, Revised
from tokenhub.core.shaping import Flow
from tokenhub.gateway.claims import Claim, Unclaimed
from tokenhub.gateway.orchestrate import Orchestrator
from tokenhub.gateway.progress import PlanStarted, Progress, StepDone, StepFinished, StepStarted
from tokenhub.gateway.run import Run, tellable
from tokenhub.gateway.work import Orchestrated
from tokenhub.web.amounts import dollars, milliseconds
from tokenhub.web.errors import OPENAI
from tokenhub.web.v1.exchange import (
    EVENTS,
    JSON,
    NOSNIFF,
    Headers,
    Send,
    chosen,
    refuse,
    respond,
    told,
)
from tokenhub.web.v1.streams import Heartbeat, error_event
from tokenhub.wire import native as wire
from tokenhub.wire import sse

Heading = Callable[[], Headers]

_ENCODE = msgspec.json.Encoder().encode


class Plans:
    """Carries plans out for a route. `beat_s` is the longest silence of a stream, 0 for any."""

    def __init__(self, orchestrator: Orchestrator, *, beat_s: float) -> None:
        self._orchestrator = orchestrator
        self._beat_s = beat_s

    def wanted(self, run: Run) -> Order | None:
        """What the request orders; None where it is to be answered at once."""
        key = run.key
        return ordered(
            run.ask,
            directives=key.directives,
            may_plan=key.may("plan"),
            own=key.grant.policy,
        )

    async def answer(
        self, run: Run, order: Order, claim: Claim | Unclaimed, send: Send, *, head: Heading
    ) -> None:
        """Answer, or tell the error. `head` gives the headers of every answer to this caller."""
        if run.ask.stream:
            await self._stream(run, order, claim, send, head)
            return
        try:
            found = await self._orchestrator.carry_out(run, order)
        except TokenHubError as error:
            await refuse(error, run, claim, send, dialect=OPENAI)
            return
        body = _ENCODE(shown(found, run.ask.shape))
        answering = [JSON, NOSNIFF, *_chosen(found, run), *head()]
        claim.finish(200, answering, body)
        await respond(send, 200, answering, body)

    async def _stream(
        self, run: Run, order: Order, claim: Claim | Unclaimed, send: Send, head: Heading
    ) -> None:
        """The events, as they come. What fails before the first of them has a status of its own."""
        telling = _Telling(send, claim, head, self._beat_s)
        async with asyncio.TaskGroup() as group:
            pump = group.create_task(telling.pump())
            try:
                found = await self._orchestrator.carry_out(run, order, telling.hear)
            except (TokenHubError, asyncio.CancelledError) as error:
                refusal = tellable(error)
                telling.end()
                await pump
                if not telling.begun:
                    await refuse(refusal, run, claim, send, dialect=OPENAI)
                    return
                claim.unknown()
                last = error_event(refusal, OPENAI, run.request_id)
                await send({"type": "http.response.body", "body": last})
                return
            telling.end()
            await pump
        finished = wire.PlanFinished(answer=shown(found, run.ask.shape))
        last = sse.event(_ENCODE(finished), name="plan_finished")
        claim.finish(200, telling.head, last)
        await send({"type": "http.response.body", "body": last})


class _Telling:
    """Events on their way to a caller, who may be slow to read: the plan does not wait for them."""

    def __init__(self, send: Send, claim: Claim | Unclaimed, head: Heading, beat_s: float) -> None:
        self.begun = False
        self.head: Headers = []
        self._heading = head
        self._send = send
        self._claim = claim
        self._beat_s = beat_s
        self._events: asyncio.Queue[bytes] = asyncio.Queue()

    def hear(self, progress: Progress) -> None:
        name, event = _event(progress)
        self._events.put_nowait(sse.event(_ENCODE(event), name=name))

    def end(self) -> None:
        self._events.put_nowait(b"")

    async def pump(self) -> None:
        """Send what is heard, until the end."""
        heart: Heartbeat | None = None
        try:
            while event := await self._events.get():
                if not self.begun:
                    self.begun = True
                    self.head = [*EVENTS, *self._heading()]
                    start = {"type": "http.response.start", "status": 200, "headers": self.head}
                    await self._send(start)
                    heart = Heartbeat(self._send, self._beat_s) if self._beat_s else None
                await self._send({"type": "http.response.body", "body": event, "more_body": True})
                self._claim.gather(event)
                if heart is not None:
                    heart.heard()
        finally:
            if heart is not None:
                heart.stop()


def shown(found: Orchestrated, shape: Shape | None) -> wire.PlanAnswer:
    """The answer as the caller sees it, its texts in the shape that was asked for."""
    row = found.row
    tokens_in = sum(step.input_tokens for step in found.steps)
    tokens_out = sum(step.output_tokens for step in found.steps)
    return wire.PlanAnswer(
        negotiated_model=found.model_id,
        estimated_cost_usd=dollars(row.cost_nusd),
        routing_reason=found.reason,
        response=_response(found, _shaping(shape)),
        orchestration_id=row.id,
        mode=row.mode,
        partial=row.status == "partial",
        error=_failure(found),
        cost_estimate_usd=dollars(row.estimate_nusd),
        usage=wire.PlanUsage(
            prompt_tokens=tokens_in,
            completion_tokens=tokens_out,
            total_tokens=tokens_in + tokens_out,
        ),
        steps=[_step(step) for step in found.steps],
    )


def _response(found: Orchestrated, shaped: Callable[[str], str]) -> Raw:
    said = _said(found.result, shaped)
    return Raw(found.body) if said is None else Raw(_ENCODE(said))


def _said(
    result: Result, shaped: Callable[[str], str]
) -> wire.RevisedPlan | wire.Vote | wire.RefinedAnswer | None:
    """The response in the original's form; None for the provider's own."""
    match result:
        case Revised(initial_plan=initial, critique=critique, refined_plan=refined):
            return wire.RevisedPlan(
                initial_plan=shaped(initial),
                critique=critique,
                refined_plan=None if refined is None else shaped(refined),
            )
        case Refined(text=text, iterations=iterations, model_id=model):
            return wire.RefinedAnswer(
                refined_response=shaped(text), iterations=iterations, model=model
            )
        case Elected():
            return _vote(result, shaped)
        case _:
            return None


def _vote(result: Elected, shaped: Callable[[str], str]) -> wire.Vote:
    alone = len(result.voices) == 1
    return wire.Vote(
        responses=[
            wire.VoteResponse(
                model=voice.model_id,
                content=shaped(voice.text),
                selected=None if alone else place == result.selected,
            )
            for place, voice in enumerate(result.voices)
        ],
        selected=result.selected,
        judge=None if alone else result.judge,
        judge_error=result.judge_error or None,
    )


def _shaping(shape: Shape | None) -> Callable[[str], str]:
    def shaped(text: str) -> str:
        if shape is None:
            return text
        flow = Flow(shape)
        return flow.feed(text) + flow.end()

    return shaped


def _failure(found: Orchestrated) -> wire.PlanFailure | None:
    failed = found.failed
    if failed is None:
        return None
    said = f"the step {failed.step} failed: {failed.why}. This is the best of all other steps"
    return wire.PlanFailure(code=failed.error_class, step=failed.step, message=said)


def _step(step: StepDone) -> wire.PlanStep:
    return wire.PlanStep(
        name=step.name,
        request_id=step.request_id,
        model=step.model_id,
        provider=step.provider_id,
        reason=step.reason,
        attempts=step.attempts,
        input_tokens=step.input_tokens,
        output_tokens=step.output_tokens,
        cost_usd=dollars(step.cost_nusd),
        latency_ms=milliseconds(step.latency_s),
        error_class=step.error_class,
    )


def _event(progress: Progress) -> tuple[str, msgspec.Struct]:
    match progress:
        case PlanStarted(orchestration_id=id_, mode=mode, steps=steps, estimate_nusd=estimate):
            return "plan_started", wire.PlanStarted(
                orchestration_id=id_, mode=mode, steps=steps, cost_estimate_usd=dollars(estimate)
            )
        case StepStarted(name=name, request_id=request_id):
            return "step_started", wire.StepStarted(name=name, request_id=request_id)
        case StepFinished(step=step):
            return "step_finished", wire.StepFinished(step=_step(step))


def _chosen(found: Orchestrated, run: Run) -> Headers:
    reason, attempts = found.reason, len(run.attempts)
    return [
        *chosen(found.model_id, found.provider_id, reason, attempts),
        *told(found.overhead_s, run.dropped),
    ]
