"""What is said of answers, and where it goes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from tokenhub.adapters.sqlite.stores import Stores
from tokenhub.admin.audit import Trail
from tokenhub.admin.feedback import Feedbacks, Rules
from tokenhub.core.rewards import Quality
from tokenhub.ports.clock import Clock
from tokenhub.settings import Settings


def unlearned(_quality: Quality) -> None:
    """Where nobody learns from judgements."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Opinions:
    """They outlive a reload, which changes their terms."""

    feedbacks: Feedbacks

    @classmethod
    def over(
        cls,
        stores: Stores,
        *,
        trail: Trail,
        clock: Clock,
        learn: Callable[[Quality], None] = unlearned,
    ) -> Self:
        """Over these stores. `learn` hears of every judgement, and of each that is taken back."""
        return cls(
            feedbacks=Feedbacks(
                stores.feedback,
                journal=stores.journal,
                orchestrations=stores.orchestrations,
                trail=trail,
                clock=clock,
                learn=learn,
            )
        )

    def follow(self, settings: Settings) -> None:
        """Take the terms of these settings."""
        self.feedbacks.rules = Rules(
            comments=settings.feedback_comments,
            days=settings.feedback_days,
            kept_days=settings.log_retention_days,
        )
