import pytest
from msgspec.structs import replace

from tests.contract.kept import AUDIT, KEY, Kept
from tokenhub.core.ask import Wish
from tokenhub.core.errors import Conflict, NotFound
from tokenhub.core.grants import Grant

pytestmark = pytest.mark.anyio


async def test_every_field_comes_back(kept: Kept) -> None:
    forever = replace(KEY, id="key_2", digest=b"2" * 32, expires_at=None, enabled=True)
    forever = replace(forever, rate_limit_rps=7, directives=True)
    policy = Wish(mode="cheap", max_budget_nusd=7, max_latency_s=1.5, min_weight=0)
    forever = replace(
        forever, grant=Grant(models=("gpt-*", "a/m"), providers=("a",), policy=policy)
    )

    written = [await kept.keys.put(KEY, AUDIT), await kept.keys.put(forever, AUDIT)]

    assert [replace(KEY, version=1), replace(forever, version=2)] == written
    assert written == list(await kept.keys.load())


async def test_a_key_is_replaced_by_its_id(kept: Kept) -> None:
    await kept.keys.put(KEY, AUDIT)

    await kept.keys.put(replace(KEY, name="theirs"), AUDIT)

    assert [replace(KEY, name="theirs", version=2)] == list(await kept.keys.load())


async def test_a_deleted_key_is_gone(kept: Kept) -> None:
    await kept.keys.put(KEY, AUDIT)

    await kept.keys.delete("key_1", replace(AUDIT, action="delete"))

    assert [] == list(await kept.keys.load())
    assert ["put", "delete"] == [action for action, _ in await kept.audit()]


async def test_two_ids_for_one_key_are_refused_without_a_trace(kept: Kept) -> None:
    await kept.keys.put(KEY, AUDIT)

    with pytest.raises(Conflict):
        await kept.keys.put(replace(KEY, id="key_2"), AUDIT)

    assert ["key_1"] == [key.id for key in await kept.keys.load()]
    assert 1 == len(await kept.audit())


async def test_an_unknown_key_cannot_be_deleted(kept: Kept) -> None:
    with pytest.raises(NotFound, match="key_9"):
        await kept.keys.delete("key_9", AUDIT)

    assert [] == await kept.audit()


async def test_keys_do_not_move_the_version_of_the_catalog(kept: Kept) -> None:
    await kept.keys.put(KEY, AUDIT)

    assert 0 == (await kept.catalog.load()).version
