"""Feedback: what is learned of it, and until when it is taken. Its routes: tests/e2e."""

import pytest
from msgspec.structs import replace

from tests.contract.kept import outcome
from tests.support.control import Control
from tokenhub.admin.changes import By
from tokenhub.admin.feedback import DAY_S, Rules
from tokenhub.core.errors import BadRequest, NotFound, Unavailable
from tokenhub.core.feedback import opinion
from tokenhub.core.ids import request_id
from tokenhub.core.rewards import CALLER, OPERATOR

pytestmark = pytest.mark.anyio
KEY = "key_1"


class Hub(Control):
    """A control plane with requests in its log."""

    async def asked(self, *, days_ago=0.0, number=1, **changes):
        at = self.clock.now() - days_ago * DAY_S
        row = outcome(number, request_id=request_id(at, number), at=at, key_id=KEY, **changes)
        await self.journal.record(replace(row, status=200, error_class=""))
        return row.request_id

    async def said(self, asked, score):
        return await self.feedbacks.caller(opinion(asked, score=score), key_id=KEY)


async def test_each_word_is_learned_once_it_is_kept() -> None:
    hub = Hub()
    asked = await hub.asked()

    given = await hub.said(asked, 0.25)

    (learned,) = hub.learned
    assert given.feedback.quality == learned
    assert (asked, "here", "org/small", 0.25, 1.0, CALLER) == (
        learned.request_id,
        learned.provider_id,
        learned.model_id,
        learned.score,
        learned.weight,
        learned.source,
    )


async def test_a_second_word_says_which_score_it_takes_the_place_of() -> None:
    hub = Hub()
    asked = await hub.asked()

    for score in (0.25, 1.0, 0.5):
        await hub.said(asked, score)

    assert [(0.25, None), (1.0, 0.25), (0.5, 1.0)] == [
        (one.score, one.replaces) for one in hub.learned
    ]


async def test_the_same_word_again_teaches_nothing() -> None:
    hub = Hub()
    asked = await hub.asked()

    for score in (0.25, 0.25, 0.5, 0.5, 0.25):
        given = await hub.said(asked, score)

    assert given.replaced
    assert [(0.25, None), (0.5, 0.25), (0.25, 0.5)] == [
        (one.score, one.replaces) for one in hub.learned
    ]


async def test_what_callers_and_operators_say_stands_side_by_side() -> None:
    hub = Hub()
    asked = await hub.asked()

    await hub.said(asked, 1.0)
    await hub.feedbacks.operator(opinion(asked, score=0.0), by=By())

    assert [(CALLER, None), (OPERATOR, None)] == [(one.source, one.replaces) for one in hub.learned]


async def test_nothing_is_done_that_the_trail_cannot_tell() -> None:
    hub = Hub()
    asked = await hub.asked()

    async def refused(*_args, **_kwargs):
        raise Unavailable("the disk is full")

    hub.trail.record = refused  # type: ignore[method-assign]  # a trail that cannot be written
    with pytest.raises(Unavailable):
        await hub.feedbacks.operator(opinion(asked, score=0.0), by=By())

    assert [] == hub.learned


@pytest.mark.parametrize(("days", "taken"), [(30, False), (32, True), (0, True)])
async def test_feedback_is_taken_for_so_many_days(days: int, taken: bool) -> None:  # noqa: FBT001 - a table
    hub = Hub()
    hub.feedbacks.rules = Rules(days=days)
    asked = await hub.asked(days_ago=31)

    if taken:
        await hub.said(asked, 1.0)
    else:
        with pytest.raises(BadRequest, match="30 days old") as caught:
            await hub.said(asked, 1.0)
        assert "feedback_too_late" == caught.value.code

    assert taken == bool(hub.learned)


@pytest.mark.parametrize(
    ("days", "kept_days", "told"),
    [(401, 400, "not kept any more"), (399, 400, "no finished request"), (401, 0, "no finished")],
)
async def test_who_asks_of_a_pruned_request_is_told_so(days, kept_days, told) -> None:
    hub = Hub()
    hub.feedbacks.rules = Rules(kept_days=kept_days)
    gone = request_id(hub.clock.now() - days * DAY_S, 7)

    with pytest.raises(NotFound, match=told):
        await hub.said(gone, 1.0)
