import pytest

from tokenhub.core.outcome import Outcome
from tokenhub.ports.logs import LogSearch

pytestmark = pytest.mark.anyio


@pytest.fixture
async def logs(control):
    for number in range(5):
        await control.journal.record(
            Outcome(
                request_id=f"req_{number}",
                at=float(number),
                key_id="key_1",
                dialect="openai",
                requested_model="m",
                mode="normal",
                reason="normal",
            )
        )
    return control.logs


async def test_pages_follow_each_other_to_the_end(logs):
    first = await logs.page(LogSearch(limit=2))
    second = await logs.page(LogSearch(limit=2, before=first.next))
    third = await logs.page(LogSearch(limit=2, before=second.next))

    pages = [[row.request_id for row in page.rows] for page in (first, second, third)]
    assert [["req_4", "req_3"], ["req_2", "req_1"], ["req_0"]] == pages
    assert [5, 5, 5] == [page.total for page in (first, second, third)]
    assert "" == third.next


async def test_a_full_last_page_has_no_next(logs):
    assert "" == (await logs.page(LogSearch(limit=5))).next
