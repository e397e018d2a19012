"""Signs are written behind the requests, and found by whoever looks."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.kept import outcome
from tokenhub.adapters.sqlite.stores import Stores, open_stores
from tokenhub.core.feedback import Feedback
from tokenhub.core.rewards import SCHEMA, Quality
from tokenhub.ports.feedback import FeedbackQuery

pytestmark = pytest.mark.anyio
ALL = FeedbackQuery()


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[Stores]:
    async with open_stores(tmp_path / "tokenhub.sqlite") as opened:
        await opened.journal.record(outcome(1))
        yield opened


def sign(score: float) -> Feedback:
    quality = Quality(
        request_id=outcome(1).request_id,
        provider_id="here",
        model_id="big",
        score=score,
        source=SCHEMA,
        at=1.0,
    )
    return Feedback(quality=quality, key_id="key_1")


async def test_what_was_noted_is_found_at_once(stores: Stores) -> None:
    stores.feedback.note([sign(0.0)])
    stores.feedback._flush()
    stores.feedback.note([sign(1.0)])

    assert [sign(1.0)] == list(await stores.feedback.page(ALL))


async def test_what_was_noted_is_counted_at_once(stores: Stores) -> None:
    stores.feedback.note([sign(0.0)])

    assert 1 == await stores.feedback.count(ALL)


async def test_a_page_does_not_wait_for_signs_that_never_cease(stores: Stores) -> None:
    async def busy() -> None:
        while True:
            stores.feedback.note([sign(1.0)])
            await asyncio.sleep(0)

    requests = asyncio.ensure_future(busy())
    await asyncio.sleep(0)

    try:
        async with asyncio.timeout(60):
            found = await stores.feedback.page(ALL)
    finally:
        requests.cancel()

    assert [sign(1.0)] == list(found)
