"""Stage 4b: drive core.plans. Every step is a request of its own, on the ordinary way.

    admit once ── estimate ── [ steps ── decide, dispatch, settle ]* ── the parent's row

Budget and latency hold over the whole: each step gets what the ones before it have left. However
it ends, what was asked is in the ledger under the parent, and the parent's row has the sum.
"""

import asyncio
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from tokenhub.core.ask import Ask, Errand, Wish
from tokenhub.core.directives import obeyed
from tokenhub.core.errors import (
    DeadlineExceeded,
    NoEligibleModel,
    NotAllowed,
    NotFound,
    ProviderFailed,
    ProviderRefused,
    TokenHubError,
)
from tokenhub.core.orchestration import Orchestration
from tokenhub.core.ordered import plan_of
from tokenhub.core.outcome import cost_of
from tokenhub.core.plans.planning import Planning
from tokenhub.core.plans.seats import seated
from tokenhub.core.plans.steps import Done, Elected, Order, Seat, Sketch, Step
from tokenhub.core.plans.vote import UNCLEAR, VOTING, voters
from tokenhub.core.policy import merged
from tokenhub.core.tokens import PER_MESSAGE, of_text
from tokenhub.gateway import live
from tokenhub.gateway.pipeline import Answered, Gateway
from tokenhub.gateway.progress import (
    OnProgress,
    PlanStarted,
    StepDone,
    StepFinished,
    StepStarted,
    untold,
)
from tokenhub.gateway.run import Arrival, Caller, Run, left_by
from tokenhub.gateway.settle import class_of
from tokenhub.gateway.work import Failed, Orchestrated, Work
from tokenhub.ports.clock import Clock
from tokenhub.ports.orchestrations import OrchestrationStore


class Orchestrator:
    """The driver; every seam is an argument.

    `words` makes the request that a step is, `whole` the caller's own in one piece, and `read`
    gives the text of an answer. `ids` gives ids of requests.
    """

    def __init__(
        self,
        gateway: Gateway,
        store: OrchestrationStore,
        *,
        clock: Clock,
        ids: Callable[[], str],
        words: Callable[[Ask, Step], Ask],
        whole: Callable[[Ask, Step], Ask],
        read: Callable[[bytes], str],
    ) -> None:
        self._gateway = gateway
        self._store = store
        self._clock = clock
        self._ids = ids
        self._words = words
        self._whole = whole
        self._read = read

    async def carry_out(
        self, run: Run, order: Order, on_progress: OnProgress = untold
    ) -> Orchestrated:
        """The result, once all is committed. `run` was begun, and is not settled: its steps are.

        `on_progress` is told at once and must not fail or wait. Raises the error of the step that
        left nothing to give; of what comes before `PlanStarted`, nothing has been asked.
        """
        work = Work(run, order)
        live.began(work)
        try:
            done = await self._done(work, on_progress)
        except TokenHubError as error:
            row = self._row(work, "failed", class_of(error))
            live.ended(work, row)
            await self._store.record(row)
            raise
        except BaseException as error:
            left = isinstance(error, asyncio.CancelledError)
            row = self._row(work, "cancelled" if left else "failed", left_by(error))
            live.ended(work, row)
            _ = self._store.record(row)
            raise
        if isinstance(done.result, Elected) and done.result.judge_error == UNCLEAR:
            why = "it named none of the answers, so the first one stands"
            work.failed = Failed(work.steps[-1].name, UNCLEAR, why)
        error_class = work.failed.error_class if work.failed else ""
        row = self._row(work, "partial" if done.partial else "succeeded", error_class)
        live.ended(work, row)
        await self._store.record(row)
        return self._told(work, done, row)

    async def _done(self, work: Work, tell: OnProgress) -> Done:
        if work.run.key.directives:
            work.run.ask = obeyed(work.run.ask)
        self._foresee(work)
        await self._store.record(self._row(work, "running"))
        outline = work.plan.outline()
        tell(
            PlanStarted(
                orchestration_id=work.run.request_id,
                mode=work.order.mode,
                steps=len(outline),
                estimate_nusd=work.estimate_nusd,
            )
        )
        while not isinstance(steps := work.plan.next(), Done):
            await self._round(work, steps, tell)
        if steps.result is None:
            raise _nothing(work)
        return steps

    # --- before the first step

    def _foresee(self, work: Work) -> None:
        """The policy of the whole, who votes, and what it will cost.

        Raises what the first step would: nobody may answer it.
        """
        run = work.run
        work.policy = merged(run.ask, run.catalog.defaults, run.key.grant.policy)
        outline = work.plan.outline()
        first = outline[0].seat if outline else seated(work.order.primary, VOTING)
        asked = self._sized(work, Sketch(seat=first))
        try:
            decision = self._gateway.foresee(asked)
        finally:
            run.intent = asked.intent
        # A model for embeddings that was named would be asked, and could not answer.
        able = [route for route in decision.ranked if route.id not in run.catalog.embedding]
        models = dict.fromkeys(route.model.id for route in able)
        judge = self._gateway.model_of(run, work.order.review.model)
        judges = {route.model.id for route in run.catalog.routes_of(judge)}
        fit = [name for name in models if name not in judges]
        work.plan = plan_of(work.order, fit[: voters(work.order)])
        if work.order.mode == "vote" and not fit:
            raise NoEligibleModel("no eligible models for vote, beside its judge")
        work.estimate_nusd = self._estimate(work, decision.record.candidates[0].output_tokens)

    def _estimate(self, work: Work, answer_tokens: int) -> int | None:
        """What all steps are expected to cost; None where a price is unknown.

        Raises what is wrong with a name that the caller gave for a later step: it will not be
        better when the first ones are paid.
        """
        outline = work.plan.outline()
        costs: dict[Sketch, int | None] = {}
        for sketch in dict.fromkeys(outline):
            run = self._sized(work, sketch, answer_tokens)
            try:
                costs[sketch] = self._gateway.foresee(run).record.candidates[0].cost_nusd
            except (NotFound, NotAllowed):
                raise
            except TokenHubError:
                costs[sketch] = None
        work.judging_nusd = costs[outline[-1]] or 0
        known = [cost for sketch in outline if (cost := costs[sketch]) is not None]
        return sum(known) if len(known) == len(outline) else None

    def _sized(self, work: Work, sketch: Sketch, answer_tokens: int = 0) -> Run:
        """A request of the size that the step is expected to have, to be looked at only."""
        ask = work.run.ask
        ask = replace(
            ask,
            input_tokens=ask.input_tokens
            + (2 * PER_MESSAGE + of_text(sketch.words) if sketch.words else 0)
            + sketch.answers * answer_tokens,
            answers=ask.answers if isinstance(work.plan, Planning) else 1,
        )
        return self._begun(work, self._seated(work, ask, sketch.seat), work.run.request_id)

    def _cost(self, run: Run) -> int | None:
        """What a request is expected to cost; None where nobody knows, or nobody may answer."""
        try:
            decision = self._gateway.foresee(run)
        except TokenHubError:
            return None
        return decision.record.candidates[0].cost_nusd

    # --- the steps

    async def _round(self, work: Work, steps: Sequence[Step], tell: OnProgress) -> None:
        """Run steps at once, until each of them has ended."""
        runs = [self._step_run(work, step) for step in steps]
        self._share(work, runs)
        try:
            if len(steps) == 1:
                await self._step(work, steps[0], runs[0], tell)
            else:
                await self._together(work, steps, runs, tell)
        finally:
            work.waited_s += max(run.upstream_s for run in runs)

    async def _together(
        self, work: Work, steps: Sequence[Step], runs: Sequence[Run], tell: OnProgress
    ) -> None:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._step(work, step, run, tell))
                for step, run in zip(steps, runs, strict=True)
            ]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            except asyncio.CancelledError as error:
                # With the reason, which the group would not pass on: what became of a call is
                # booked by it.
                for task in tasks:
                    task.cancel(*error.args)
                await asyncio.wait(tasks)
                raise

    async def _step(self, work: Work, step: Step, run: Run, tell: OnProgress) -> None:
        tell(StepStarted(name=step.name, request_id=run.request_id))
        live.step_began(work, step.name, run.request_id)
        began = self._clock.monotonic()
        answered: Answered | None = None
        text, error_class, why, asked = "", "", "", False
        try:
            self._in_time(work)
            self._gateway.renew(run)
            asked = True
            answered = await self._gateway.complete(run)
            text, error_class = self._heard(work, answered)
            why = _UNHEARD.get(error_class, "")
        except TokenHubError as error:
            work.errors.append(error)
            error_class, why = class_of(error), str(error)
            if step.schema and run.ask.rework is not None:
                # It did not fit the form, and may be understood all the same.
                text = run.ask.rework.said
        except BaseException as error:
            error_class = left_by(error)
            raise
        finally:
            took_s = self._clock.monotonic() - began
            request_id = run.request_id if asked else ""
            done = _step_done(step, run, request_id, error_class, took_s)
            work.steps.append(done)
            live.step_ended(work, done)
            work.run.attempts += run.attempts
        if error_class and not text.strip():
            work.plan.failed(step, error_class)
            work.failed = Failed(step.name, error_class, why)
        else:
            last = run.attempts[-1].model_id if run.attempts else ""
            model_id = run.route.model.id if run.route else last
            work.plan.answered(step, text, model_id=model_id)
        if answered is not None and step.final and not error_class:
            work.bodies[step.name] = answered.body
            work.run.dropped = tuple(dict.fromkeys((*work.run.dropped, *run.dropped)))
        tell(StepFinished(step=done))

    def _heard(self, work: Work, answered: Answered) -> tuple[str, str]:
        """The text of an answer, and what is wrong with it; a single one goes out as it came."""
        if isinstance(work.plan, Planning):
            return "", ""
        try:
            text = self._read(answered.body)
        except ValueError:
            return "", "unreadable_answer"
        return text, "" if text.strip() else "empty_answer"

    def _in_time(self, work: Work) -> None:
        if self._left_s(work) <= 0:
            raise DeadlineExceeded("the latency budget ran out before this step of the plan")

    def _step_run(self, work: Work, step: Step) -> Run:
        ask = work.run.ask
        single = isinstance(work.plan, Planning)
        ask = self._whole(ask, step) if single else self._words(ask, step)
        left_s = max(0.0, self._left_s(work))
        ask = self._seated(work, ask, step.seat, budget_nusd=work.left_nusd(), left_s=left_s)
        run = self._begun(work, ask, self._ids())
        run.parent_id = work.run.request_id
        return run

    def _share(self, work: Work, runs: Sequence[Run]) -> None:
        """Part what is left of the budget between requests that go out at once.

        Each gets what it is expected to cost, in their order; who cannot, is left with the rest,
        and refused for it. What remains in the end is for all who can. The judge's part is kept
        back where two voters leave it one: without a judge, all but one of them are for nothing.
        """
        left = work.left_nusd()
        if left is None or len(runs) == 1:
            return
        shares, rest = self._shares(runs, max(0, left - work.judging_nusd))
        if len(runs) - shares.count(None) < 2:  # noqa: PLR2004 - to choose between
            shares, rest = self._shares(runs, left)
        fitting = len(runs) - shares.count(None)
        for run, share in zip(runs, shares, strict=True):
            _give(run, rest if share is None else share + rest // fitting)

    def _shares(self, runs: Sequence[Run], left: int) -> tuple[list[int | None], int]:
        """What each is expected to cost, None for who cannot be paid or known; and what remains."""
        shares: list[int | None] = []
        for run in runs:
            # Of its routes, one that what is left can pay: there may be a cheaper one.
            _give(run, left)
            shares.append(self._cost(run))
            left -= shares[-1] or 0
        return shares, left

    def _begun(self, work: Work, ask: Ask, request_id: str) -> Run:
        parent = work.run
        now, started = self._clock.now(), self._clock.monotonic()
        arrival = Arrival(request_id, now, started, parent.allowance)
        return self._gateway.begin(ask, Caller(parent.key, arrival, parent.scope))

    def _seated(
        self,
        work: Work,
        ask: Ask,
        seat: Seat,
        *,
        budget_nusd: int | None = None,
        left_s: float | None = None,
    ) -> Ask:
        """The ask as it is put to this seat. Where one model must answer, no list of others holds.

        A critic or judge of the caller's choice is a hint as any other: hard limits hold.
        """
        assert work.policy is not None
        wish = Wish(
            mode=seat.mode or None,
            max_budget_nusd=budget_nusd,
            max_latency_s=left_s,
            min_weight=max(work.policy.min_weight, seat.min_weight),
        )
        errand = Errand(wish=wish, named=seat.named)
        if not seat.alone:
            return replace(ask, model=seat.model, errand=errand)
        alone = "never" if ask.substitute == "never" else "same-model"
        return replace(ask, model=seat.model, errand=errand, substitute=alone, fallbacks=())

    def _left_s(self, work: Work) -> float:
        assert work.policy is not None
        return work.run.started + work.policy.max_latency_s - self._clock.monotonic()

    # --- the end

    def _row(self, work: Work, status: str, error_class: str = "") -> Orchestration:
        run = work.run
        return Orchestration(
            id=run.request_id,
            at=run.at,
            key_id=run.key.id,
            dialect=run.ask.dialect,
            mode=work.order.mode,
            status=status,
            iterations=work.order.iterations,
            steps=sum(bool(step.request_id) for step in work.steps),
            stream=run.ask.stream,
            estimate_nusd=work.estimate_nusd,
            cost_nusd=work.cost_nusd,
            error_class=error_class,
            latency_s=self._clock.monotonic() - run.started,
        )

    def _told(self, work: Work, done: Done, row: Orchestration) -> Orchestrated:
        assert done.result is not None
        answering = [s for s in work.steps if s.name in work.bodies]
        last = next((s for s in reversed(answering) if s.model_id == done.model_id), answering[-1])
        spent_s = self._clock.monotonic() - work.run.started
        return Orchestrated(
            row=row,
            result=done.result,
            reason=done.reason or last.reason,
            model_id=done.model_id,
            provider_id=last.provider_id,
            body=work.bodies[last.name],
            steps=tuple(work.steps),
            overhead_s=max(0.0, spent_s - work.waited_s),
            failed=work.failed,
        )


def _give(run: Run, budget_nusd: int) -> None:
    """Set the budget of a step that is yet to be asked."""
    errand = run.ask.errand
    assert errand is not None
    wish = replace(errand.wish, max_budget_nusd=budget_nusd)
    run.ask = replace(run.ask, errand=replace(errand, wish=wish))


def _step_done(step: Step, run: Run, request_id: str, error_class: str, took_s: float) -> StepDone:
    # Who answered is the last that was asked.
    last = run.attempts[-1] if run.attempts else None
    return StepDone(
        name=step.name,
        request_id=request_id,
        model_id=last.model_id if last else "",
        provider_id=last.provider_id if last else "",
        reason=run.reason if last and run.decision else "",
        attempts=len(run.attempts),
        input_tokens=sum(attempt.input_tokens for attempt in run.attempts),
        output_tokens=sum(attempt.output_tokens for attempt in run.attempts),
        cost_nusd=cost_of(run.attempts),
        latency_s=took_s,
        error_class=error_class,
    )


_UNHEARD = {
    "empty_answer": "the model answered without a text",
    "unreadable_answer": "what the model answered could not be read",
}


def _nothing(work: Work) -> TokenHubError:
    """The error of a plan without a result: its step's own, or that of all voters."""
    failed = [
        error
        for error in work.errors
        if isinstance(error, ProviderFailed) and not isinstance(error, ProviderRefused)
    ]
    if work.order.mode == "vote" and failed:
        return ProviderFailed(
            "all voters failed",
            code=failed[-1].code,
            attempts=work.run.attempts,
            retry_after_s=min(
                (e.retry_after_s for e in failed if e.retry_after_s is not None), default=None
            ),
        )
    if work.errors:
        return work.errors[-1]
    return ProviderFailed(
        "the model answered without a text", code="empty_answer", attempts=work.run.attempts
    )
