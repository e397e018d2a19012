"""What was judged, and what was learned of it, on disk and in memory."""

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from tokenhub.core.learning import Standing, Taught
from tokenhub.core.rewards import Quality
from tokenhub.ports.pages import Paged, PageQuery

# What a kill -9 left behind is less than a minute's; more of it would make a start slow.
MOST_UNLEARNED = 3000


class Reward(msgspec.Struct, frozen=True, kw_only=True):
    """A judgement with its number: they count up."""

    id: int
    quality: Quality


class RewardQuery(PageQuery, frozen=True, kw_only=True):
    """Which judgements; an empty field asks for all."""

    request_id: str = ""
    provider_id: str = ""
    model_id: str = ""
    source: str = ""
    task: str = ""


class RewardStore(Paged[RewardQuery, Reward], Protocol):
    def record(self, quality: Quality) -> None:
        """Take a judgement over; it is committed soon. Where that fails it is logged."""
        ...

    async def taught(self) -> Taught | None:
        """What was saved last; None where nothing was. Raises Unavailable."""
        ...

    async def unlearned(self) -> Sequence[Quality]:
        """The newest MOST_UNLEARNED judgements since then, in their order. Raises Unavailable.

        Each knows the score that it takes the place of.
        """
        ...

    async def save(self, taught: Taught, *, at: float) -> None:
        """Keep what was taught until the next time, `at` in Unix seconds. Raises Unavailable."""
        ...


class Learning(Protocol):
    """What this process has learned; `version` counts up with each lesson."""

    version: int

    @property
    def taught(self) -> Taught: ...

    def standings(self) -> Iterable[Standing]:
        """Each route, and each task that it was judged at."""
        ...

    def known(self) -> set[str]:
        """The routes that were judged or called."""
        ...

    def forget(self, route: str) -> None: ...

    def forget_all(self) -> None: ...
