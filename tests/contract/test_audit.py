"""The audit trail: entries come back as they were written, newest first, and are provable."""

import pytest
from msgspec.structs import replace

from tests.contract.kept import AUDIT, Kept
from tokenhub.ports.audit import AuditQuery
from tokenhub.ports.stores import REFUSED

pytestmark = pytest.mark.anyio

PATCH = replace(
    AUDIT,
    action="model.patch",
    resource="p/gpt[1]*",
    at=1_700_000_060.0,
    request_id="req_2",
    detail='{"before":1,"after":null}',
    address="192.0.2.7",
)
KNOCK = replace(
    AUDIT,
    action="auth.admin",
    resource="admin",
    actor="",
    at=1_700_000_120.5,
    address="2001:db8::1",
    outcome=REFUSED,
    times=12,
)


async def ids(kept: Kept, **query: object) -> list[int]:
    found = AuditQuery(**query)  # type: ignore[arg-type]  # a table of fields
    rows = await kept.trail.page(found)
    assert len(rows) == await kept.trail.count(replace(found, limit=100))
    return [row.id for row in rows]


@pytest.fixture(autouse=True)
async def _entries(kept: Kept) -> None:
    assert [1, 2, 3] == [await kept.trail.record(entry) for entry in (AUDIT, PATCH, KNOCK)]


async def test_every_field_comes_back_newest_first(kept: Kept) -> None:
    rows = await kept.trail.page(AuditQuery())

    assert [KNOCK, PATCH, AUDIT] == [row.entry for row in rows]
    assert [3, 2, 1] == [row.id for row in rows]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"action": "model.patch"}, [2]),
        ({"action": "model.*"}, [2]),
        ({"action": "model"}, []),
        ({"action": "*"}, [3, 2, 1]),
        ({"action": "*.patch"}, []),
        ({"resource": "p/gpt[1]*"}, [2]),
        ({"resource": "p/gpt[1]"}, []),
        ({"resource": "p/gpt?1]*"}, []),
        ({"actor": "admin"}, [2, 1]),
        ({"address": "2001:db8::1"}, [3]),
        ({"outcome": "refused"}, [3]),
        ({"request_id": "req_2"}, [2]),
        ({"since": 1_700_000_060.0}, [3, 2]),
        ({"until": 1_700_000_060.0}, [1]),
        ({"since": 1_700_000_060.0, "until": 1_700_000_120.5}, [2]),
        ({"before": "3"}, [2, 1]),
    ],
)
async def test_a_query_leaves_out_the_rest(
    kept: Kept, query: dict[str, object], found: list[int]
) -> None:
    assert found == await ids(kept, **query)


async def test_a_page_has_its_limit_and_its_offset(kept: Kept) -> None:
    rows = await kept.trail.page(AuditQuery(limit=1, offset=1))

    assert ([2], 3) == ([row.id for row in rows], await kept.trail.count(AuditQuery()))


async def test_the_trail_is_verified_up_to_its_last_entry(kept: Kept) -> None:
    verdict = await kept.trail.verify()

    (last,) = await kept.trail.page(AuditQuery(limit=1))
    assert (3, 3, last.hash, None) == (
        verdict.rows,
        verdict.last_id,
        verdict.last_hash,
        verdict.broken,
    )
    assert last.hash == await kept.trail.hash_of(3)
    assert await kept.trail.hash_of(4) is None
