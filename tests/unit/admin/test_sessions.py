import pytest

from tests.support.control import Control
from tokenhub.admin.changes import By
from tokenhub.admin.sessions import MAX_SESSIONS
from tokenhub.core.access import IDLE_S, SESSION_S, session_digest
from tokenhub.core.errors import Unavailable

pytestmark = pytest.mark.anyio
BY = By(actor="alice", address="192.0.2.1", request_id="req_1")


@pytest.fixture
def sessions(control):
    return control.sessions


@pytest.fixture
async def alice(control):
    return (await control.tokens.create(name="alice", role="operator", by=BY)).token


@pytest.fixture
def name_of(sessions):
    """In whose name a session is, None where it is none or over."""

    def name(session_id, *, renew=True):
        found = sessions.find(session_id, renew=renew)
        return None if found is None else found[0].name

    return name


async def test_a_session_opens_and_only_hashes_are_kept(control, sessions, alice, name_of):
    started = await sessions.begin(alice, by=BY)

    assert "alice" == name_of(started.session_id)
    assert started.session_id.startswith("ths_")
    (row,) = await control.token_store.sessions()
    assert session_digest(started.session_id) == row.digest
    assert started.session_id not in repr((row, control.token_store.audit))
    entry = control.token_store.audit[-1]
    assert ("session.create", alice.id, "alice") == (entry.action, entry.resource, entry.actor)


@pytest.mark.parametrize("session_id", ["", "ths_", "ths_" + "0" * 64, "\udc80"])
async def test_nothing_else_opens(sessions, alice, name_of, session_id):
    await sessions.begin(alice, by=BY)

    assert name_of(session_id) is None


async def test_a_session_that_is_used_lives_on_to_its_longest(control, sessions, alice, name_of):
    started = await sessions.begin(alice, by=BY)

    lived_s = 0.0
    while name_of(started.session_id):
        control.clock.unix_s += IDLE_S - 1
        lived_s += IDLE_S - 1

    assert SESSION_S <= lived_s < SESSION_S + IDLE_S


async def test_an_idle_session_ends_and_a_look_at_it_is_no_use(control, sessions, alice, name_of):
    started = await sessions.begin(alice, by=BY)

    control.clock.unix_s += IDLE_S - 1
    assert "alice" == name_of(started.session_id, renew=False)
    control.clock.unix_s += 1

    assert name_of(started.session_id) is None


async def test_rotation_ends_the_sessions_of_a_token_and_no_others(
    control, sessions, alice, name_of
):
    first = await sessions.begin(control.tokens.get("admin"), by=BY)
    started = await sessions.begin(alice, by=BY)

    await control.tokens.rotate("alice", overlap="1h", by=BY)

    assert [None, "admin"] == [name_of(started.session_id), name_of(first.session_id)]


async def test_rotating_the_first_token_ends_its_sessions(control, sessions, name_of):
    started = await sessions.begin(control.tokens.get("admin"), by=BY)

    await control.tokens.rotate("admin", by=BY)

    assert name_of(started.session_id) is None


async def test_a_first_token_that_was_changed_by_hand_ends_its_sessions(control, sessions, name_of):
    started = await sessions.begin(control.tokens.get("admin"), by=BY)

    control.token.current = "another-token-of-some-length"

    assert name_of(started.session_id) is None


async def test_revoking_and_expiry_end_sessions(control, sessions, alice, name_of):
    started = await sessions.begin(alice, by=BY)
    await control.tokens.update("alice", {"expires_in": "1m"}, by=BY)
    control.clock.unix_s += 60
    assert name_of(started.session_id) is None

    await control.tokens.update("alice", {"expires_in": ""}, by=BY)
    assert "alice" == name_of(started.session_id)
    await control.tokens.delete("alice", by=BY)
    assert name_of(started.session_id) is None


async def test_a_session_has_the_role_that_its_token_has_now(control, sessions, alice):
    started = await sessions.begin(alice, by=BY)

    await control.tokens.update("alice", {"role": "viewer"}, by=BY)

    assert "viewer" == sessions.find(started.session_id, renew=True)[0].role


async def test_an_ended_session_is_over_and_noted(control, sessions, alice, name_of):
    started = await sessions.begin(alice, by=BY)

    await sessions.end(started.session.digest, by=BY)
    await sessions.end(started.session.digest, by=BY)

    assert name_of(started.session_id) is None
    assert [] == list(await control.token_store.sessions())
    actions = [entry.action for entry in control.token_store.audit]
    assert ["token.create", "session.create", "session.delete"] == actions


async def test_sessions_outlive_a_restart_with_their_last_use(control, sessions, alice):
    started = await sessions.begin(alice, by=BY)
    control.clock.unix_s += IDLE_S - 1
    sessions.find(started.session_id, renew=True)
    await sessions.write_down()

    again = Control()
    again.clock.unix_s = control.clock.unix_s + IDLE_S - 1
    again.tokens._store = again.sessions._store = control.token_store
    await again.tokens.load()
    await again.sessions.load()

    assert again.sessions.find(started.session_id, renew=True) is not None


async def test_what_is_over_is_forgotten(control, sessions, alice):
    await sessions.begin(alice, by=BY)
    control.clock.unix_s += IDLE_S

    await sessions.write_down()

    assert [] == list(await control.token_store.sessions())
    assert {} == sessions._rows


async def test_a_last_use_that_cannot_be_written_is_written_later(control, sessions, alice):
    started = await sessions.begin(alice, by=BY)
    control.clock.unix_s += 5
    sessions.find(started.session_id, renew=True)
    control.tokens.used(alice, control.clock.now())
    write = control.token_store.seen

    async def refuse(**_):
        raise Unavailable("the disk is full")

    control.token_store.seen = refuse
    await sessions.write_down()
    control.token_store.seen = write
    await sessions.write_down()

    (session,) = await control.token_store.sessions()
    (token,) = await control.token_store.load()
    assert control.clock.now() == session.seen_at == token.last_used_at


async def test_a_token_has_so_many_sessions_and_the_idlest_goes(control, sessions, alice, name_of):
    started = []
    for _ in range(MAX_SESSIONS + 1):
        control.clock.unix_s += 1
        started.append((await sessions.begin(alice, by=BY)).session_id)

    assert name_of(started[0]) is None
    assert all(name_of(session_id) for session_id in started[1:])


async def test_an_end_that_could_not_be_written_is_written_later(control, sessions, alice, name_of):
    store = control.token_store
    started = await sessions.begin(alice, by=BY)
    good, store.end = store.end, full

    with pytest.raises(Unavailable):
        await sessions.end(started.session.digest, by=BY)
    over = name_of(started.session_id)
    store.end = good
    await sessions.write_down()

    assert over is None
    assert [] == await store.sessions()


async def full(*_given, **_named):
    raise Unavailable("the disk is full")
