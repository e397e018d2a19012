import pytest
from msgspec.structs import replace

from tests.contract.kept import AUDIT, KEY, Kept
from tokenhub.core.ask import Wish
from tokenhub.core.credentials import Credential
from tokenhub.core.errors import Conflict, NotFound
from tokenhub.core.grants import Grant

pytestmark = pytest.mark.anyio
LAST = Credential(
    digest=b"b" * 32, prefix="tokenhub_b", issued_at=1_740_000_000.25, expires_at=1_750_086_400.5
)
FIRST = replace(LAST, digest=b"a" * 32, prefix="tokenhub_a", issued_at=1_700_000_000.125)


async def test_every_field_comes_back(kept: Kept) -> None:
    forever = replace(KEY, id="key_2", digest=b"2" * 32, expires_at=None, enabled=True)
    forever = replace(forever, rate_limit_rps=7, directives=True)
    policy = Wish(mode="cheap", max_budget_nusd=7, max_latency_s=1.5, min_weight=0)
    forever = replace(
        forever, grant=Grant(models=("gpt-*", "a/m"), providers=("a",), policy=policy)
    )
    forever = replace(forever, tokens_per_minute=9000, concurrency=3, rotation_days=90)
    forever = replace(forever, rotated_at=1_750_000_000.5, former=(LAST, FIRST))

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


async def test_a_credential_belongs_to_one_key_former_or_not(kept: Kept) -> None:
    rotated = replace(KEY, digest=b"9" * 32, former=(LAST,))
    await kept.keys.put(rotated, AUDIT)

    for taken in (b"9" * 32, LAST.digest):
        with pytest.raises(Conflict):
            await kept.keys.put(replace(KEY, id="key_2", digest=taken), AUDIT)
        other = replace(KEY, id="key_2", former=(replace(LAST, digest=taken),))
        with pytest.raises(Conflict):
            await kept.keys.put(other, AUDIT)

    assert 1 == len(await kept.audit())


async def test_credentials_that_are_no_more_are_forgotten_with_their_uses(kept: Kept) -> None:
    await kept.keys.put(replace(KEY, former=(LAST, FIRST)), AUDIT)
    await kept.keys.used({KEY.digest: 10.5, LAST.digest: 20.25, FIRST.digest: 30.0})

    await kept.keys.put(replace(KEY, former=(FIRST,)), AUDIT)
    left = dict(await kept.keys.uses())
    await kept.keys.delete("key_1", AUDIT)

    assert {KEY.digest: 10.5, FIRST.digest: 30.0} == left
    assert {} == dict(await kept.keys.uses())


async def test_a_last_use_is_no_change_of_the_key(kept: Kept) -> None:
    key = await kept.keys.put(KEY, AUDIT)

    await kept.keys.used({KEY.digest: 10.5, b"nobody's": 11.0})
    await kept.keys.used({KEY.digest: 12.5})

    assert {KEY.digest: 12.5} == dict(await kept.keys.uses())
    assert [key] == list(await kept.keys.load())
    assert 1 == len(await kept.audit())


async def test_a_key_that_is_changed_keeps_its_last_use(kept: Kept) -> None:
    await kept.keys.put(KEY, AUDIT)
    await kept.keys.used({KEY.digest: 10.5})

    await kept.keys.put(replace(KEY, name="theirs", enabled=True), AUDIT)

    assert {KEY.digest: 10.5} == dict(await kept.keys.uses())
