import pytest
from msgspec.structs import replace

from tests.contract.kept import AUDIT, Kept
from tokenhub.core.access import AdminSession, AdminToken
from tokenhub.core.errors import Conflict, NotFound

pytestmark = pytest.mark.anyio
TOKEN = AdminToken(
    id="tok_1",
    name="alice",
    role="operator",
    digest=b"1" * 32,
    prefix="tha_abcd...wxyz",
    created_at=1_700_000_000.125,
    expires_at=1_800_000_000.0,
    last_used_at=1_700_000_001.5,
    previous=b"0" * 32,
    previous_until=1_700_003_600.0,
)
SESSION = AdminSession(
    digest=b"s" * 32,
    token_id="tok_1",
    binding=b"b" * 32,
    created_at=1_700_000_000.25,
    seen_at=1_700_000_010.0,
    address="192.0.2.1",
)


async def test_every_field_of_a_token_comes_back(kept: Kept) -> None:
    bare = replace(TOKEN, id="tok_2", name="bob", digest=b"2" * 32, expires_at=None)
    bare = replace(bare, last_used_at=None, previous=None, previous_until=0.0)

    written = [await kept.tokens.put(TOKEN, AUDIT), await kept.tokens.put(bare, AUDIT)]

    assert [replace(TOKEN, version=1), replace(bare, version=2)] == written
    assert written == list(await kept.tokens.load())


async def test_every_field_of_a_session_comes_back(kept: Kept) -> None:
    await kept.tokens.begin(SESSION, AUDIT)

    assert [SESSION] == list(await kept.tokens.sessions())


async def test_a_name_is_taken_once_and_a_refusal_leaves_no_trace(kept: Kept) -> None:
    await kept.tokens.put(TOKEN, AUDIT)

    with pytest.raises(Conflict, match="alice"):
        await kept.tokens.put(replace(TOKEN, id="tok_2", digest=b"2" * 32), AUDIT)

    assert ["tok_1"] == [token.id for token in await kept.tokens.load()]
    assert 1 == len(await kept.audit())


async def test_a_token_goes_with_its_sessions(kept: Kept) -> None:
    others = replace(SESSION, digest=b"o" * 32, token_id="admin")
    await kept.tokens.put(TOKEN, AUDIT)
    await kept.tokens.begin(SESSION, AUDIT)
    await kept.tokens.begin(others, AUDIT)

    await kept.tokens.delete("tok_1", AUDIT)

    assert [] == list(await kept.tokens.load())
    assert [others] == list(await kept.tokens.sessions())


async def test_a_token_that_is_not_there_cannot_be_deleted(kept: Kept) -> None:
    with pytest.raises(NotFound, match="tok_9"):
        await kept.tokens.delete("tok_9", AUDIT)

    assert [] == await kept.audit()


async def test_an_ended_session_is_gone_and_ending_it_twice_is_no_error(kept: Kept) -> None:
    await kept.tokens.begin(SESSION, AUDIT)

    for _ in range(2):
        await kept.tokens.end(SESSION.digest, replace(AUDIT, action="session.delete"))

    assert [] == list(await kept.tokens.sessions())
    assert ["put", "session.delete", "session.delete"] == [a for a, _ in await kept.audit()]


async def test_last_uses_are_written_without_an_entry_of_the_trail(kept: Kept) -> None:
    over = replace(SESSION, digest=b"o" * 32)
    await kept.tokens.put(TOKEN, AUDIT)
    for session in (SESSION, over):
        await kept.tokens.begin(session, AUDIT)
    told = len(await kept.audit())

    await kept.tokens.seen(
        tokens={"tok_1": 1_700_000_500.5, "tok_9": 1.0},
        sessions={SESSION.digest: 1_700_000_600.5, b"?" * 32: 1.0},
        over=[over.digest],
    )

    assert [1_700_000_500.5] == [token.last_used_at for token in await kept.tokens.load()]
    assert [replace(SESSION, seen_at=1_700_000_600.5)] == list(await kept.tokens.sessions())
    assert told == len(await kept.audit())


async def test_a_change_elsewhere_is_noted(kept: Kept) -> None:
    await kept.tokens.note(replace(AUDIT, action="admin_token.rotate", resource="admin"))

    assert [("admin_token.rotate", "admin")] == await kept.audit()
