"""What was said of answers: the last word of each source on each request."""

import pytest
from msgspec.structs import replace

from tests.contract.kept import Kept, outcome
from tokenhub.core.errors import NotFound
from tokenhub.core.feedback import Feedback
from tokenhub.core.rewards import CALLER, JUDGE, OPERATOR, RETRY, SCHEMA, Quality
from tokenhub.ports.feedback import FeedbackQuery

pytestmark = pytest.mark.anyio
ALL = FeedbackQuery()


def said(number, source=CALLER, **changes):
    fields = {"score": 0.25, "weight": 1.0, "task": "code", "model_id": "org/small", **changes}
    return Feedback(
        quality=Quality(
            request_id=outcome(number).request_id,
            provider_id="here",
            source=source,
            at=1_700_000_000.125,
            **fields,
        ),
        label="wrong",
        comment="Emma is of 1815.",
        key_id="key_1",
    )


@pytest.fixture(autouse=True)
async def logged(kept: Kept) -> None:
    for number in (1, 2, 3):
        await kept.journal.record(outcome(number))


async def test_every_field_comes_back(kept: Kept) -> None:
    replaced = await kept.feedback.put(said(1))

    assert [said(1)] == list(await kept.feedback.page(ALL))
    assert replaced is None


async def test_the_last_word_of_a_source_counts_and_the_first_is_given(kept: Kept) -> None:
    await kept.feedback.put(said(1))
    await kept.feedback.put(said(1, OPERATOR))

    replaced = await kept.feedback.put(said(1, score=1.0))

    assert said(1) == replaced
    assert [said(1, score=1.0), said(1, OPERATOR)] == list(await kept.feedback.page(ALL))


async def test_what_has_no_request_is_not_kept(kept: Kept) -> None:
    with pytest.raises(NotFound, match="not kept any more"):
        await kept.feedback.put(said(9))

    assert 0 == await kept.feedback.count(ALL)


async def test_what_is_noted_is_found(kept: Kept) -> None:
    kept.feedback.note([said(1, SCHEMA), said(2, RETRY)])
    kept.feedback.note([said(3, JUDGE)])

    sources = [row.quality.source for row in await kept.feedback.page(ALL)]

    assert [JUDGE, RETRY, SCHEMA] == sources


async def test_pages_are_newest_request_first(kept: Kept) -> None:
    for row in (said(2), said(1), said(3), said(2, OPERATOR)):
        await kept.feedback.put(row)

    found = [
        row
        for offset in (0, 2)
        for row in await kept.feedback.page(FeedbackQuery(limit=2, offset=offset))
    ]
    older = await kept.feedback.page(FeedbackQuery(before=outcome(2).request_id))

    assert [said(3), said(2), said(2, OPERATOR), said(1)] == found
    assert [said(1)] == list(older)


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        (FeedbackQuery(request_id=outcome(2).request_id), [2]),
        (FeedbackQuery(source=JUDGE), [3]),
        (FeedbackQuery(key_id="key_2"), [1]),
        (FeedbackQuery(model_id="big"), [2]),
        (FeedbackQuery(provider_id="there"), []),
    ],
)
async def test_filters_are_all_to_match(
    kept: Kept, query: FeedbackQuery, numbers: list[int]
) -> None:
    rows = {
        1: replace(said(1), key_id="key_2"),
        2: said(2, model_id="big"),
        3: said(3, JUDGE),
    }
    for row in rows.values():
        await kept.feedback.put(row)

    assert [rows[number] for number in numbers] == list(await kept.feedback.page(query))
    assert len(numbers) == await kept.feedback.count(query)
