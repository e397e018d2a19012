"""All that says how good answers were: people, signs and a judge; and where it goes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from tokenhub.adapters.sqlite.stores import Stores
from tokenhub.admin.audit import Trail
from tokenhub.admin.feedback import Feedbacks, Rules
from tokenhub.core.feedback import Feedback
from tokenhub.core.rewards import Quality
from tokenhub.dialects import judging, plans
from tokenhub.gateway.books import Books
from tokenhub.gateway.judge import Judge, Terms
from tokenhub.gateway.pipeline import Gateway
from tokenhub.gateway.watch import Watch
from tokenhub.ports.clock import Clock
from tokenhub.settings import Settings


def unlearned(_quality: Quality) -> None:
    """Where nobody learns from judgements."""


class Words:
    """Answers read and judges asked in the formats of the vendors."""

    offers_tools = staticmethod(judging.offers_tools)
    prompt_of = staticmethod(judging.prompt_of)
    called_well = staticmethod(judging.called_well)
    case_of = staticmethod(judging.case_of)
    judging = staticmethod(judging.judging)
    text_in = staticmethod(plans.text_in)


@dataclass(frozen=True, kw_only=True, slots=True)
class Opinions:
    """They outlive a reload, which changes their terms."""

    feedbacks: Feedbacks
    watch: Watch
    judge: Judge

    @classmethod
    def over(
        cls,
        stores: Stores,
        *,
        books: Books,
        trail: Trail,
        clock: Clock,
        ids: Callable[[], str],
        draw: Callable[[], float],
        learn: Callable[[Quality], None] = unlearned,
    ) -> Self:
        """Over these stores. `learn` hears of every judgement."""

        def hear(quality: Quality, key_id: str) -> None:
            stores.feedback.note([Feedback(quality=quality, key_id=key_id)])
            learn(quality)

        words = Words()
        judge = Judge(
            ledger=stores.ledger,
            books=books,
            words=words,
            hear=hear,
            clock=clock,
            ids=ids,
            draw=draw,
        )
        return cls(
            feedbacks=Feedbacks(
                stores.feedback,
                journal=stores.journal,
                orchestrations=stores.orchestrations,
                trail=trail,
                clock=clock,
                learn=learn,
            ),
            watch=Watch(words=words, judge=judge, hear=hear, clock=clock),
            judge=judge,
        )

    def follow(self, settings: Settings, gateway: Gateway) -> None:
        """Take the terms of these settings, and ask judges by this gateway from now on."""
        self.feedbacks.rules = Rules(
            comments=settings.feedback_comments,
            days=settings.feedback_days,
            kept_days=settings.log_retention_days,
        )
        self.watch.signs = settings.feedback_signs
        terms = Terms(
            model=settings.judge_model,
            share=settings.judge_share,
            daily_nusd=settings.judge_daily_budget_nusd,
        )
        self.judge.follow(terms, gateway)
