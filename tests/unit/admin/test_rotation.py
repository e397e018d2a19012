"""A new credential for a key: what opens it before, meanwhile and after."""

import pytest

from tokenhub.admin.changes import By
from tokenhub.admin.rotation import overlap_s
from tokenhub.core.credentials import DAY_S, MAX_FORMER
from tokenhub.core.errors import BadRequest, Conflict, NotFound, Stale, Unauthenticated
from tokenhub.core.keys import digest
from tokenhub.gateway.admit import admitted

pytestmark = pytest.mark.anyio
BY = By(request_id="req_1")
HOUR_S = 3600.0


def opens(control, key, *, after_s=0.0):
    """Whether this text is let in, so long after now."""
    now = control.clock.now() + after_s
    try:
        admitted(key, control.key_table.current, scope="chat", now=now)
    except Unauthenticated:
        return False
    return True


async def made(control, **fields):
    return await control.keys.create(name="app", scopes=["chat"], by=BY, **fields)


@pytest.mark.parametrize(
    ("expected", "text"),
    [(DAY_S, ""), (DAY_S, " 24h "), (5400.0, "1h30m"), (0.0, "0"), (0.0, "0s"), (0.0, " 000h ")],
)
def test_an_overlap_is_a_duration_a_day_or_nothing(expected, text):
    assert expected == overlap_s(text)


@pytest.mark.parametrize("text", ["soon", "-1h", "0x", "1", "0.0", "36501d"])
def test_other_overlaps_are_refused(text):
    with pytest.raises(BadRequest) as refused:
        overlap_s(text)

    assert "overlap" == refused.value.field


async def test_a_rotated_key_is_opened_by_both_for_a_day(control):
    first = await made(control)
    control.clock.unix_s += HOUR_S

    second = await control.keys.rotate(first.key.id, by=BY)

    assert (first.key.id, control.clock.now()) == (second.key.id, second.key.rotated_at)
    assert first.key.created_at == second.key.created_at
    assert [True, True] == [opens(control, one.secret) for one in (first, second)]
    assert not opens(control, first.secret, after_s=DAY_S)
    assert opens(control, second.secret, after_s=DAY_S)


async def test_without_an_overlap_every_former_credential_ends_at_once(control):
    first = await made(control)
    second = await control.keys.rotate(first.key.id, by=BY)

    third = await control.keys.rotate(first.key.id, overlap="0", by=BY)

    assert [False, False, True] == [opens(control, one.secret) for one in (first, second, third)]
    assert {digest(third.secret)} == set(control.key_table.current)


async def test_a_further_rotation_lengthens_no_life(control):
    first = await made(control)
    await control.keys.rotate(first.key.id, overlap="1h", by=BY)

    await control.keys.rotate(first.key.id, overlap="30d", by=BY)

    assert opens(control, first.secret, after_s=HOUR_S - 1)
    assert not opens(control, first.secret, after_s=HOUR_S)


async def test_a_credential_that_is_too_old_opens_nothing_until_the_key_is_rotated(control):
    first = await made(control, rotation_days=10)
    states = []
    for days in (7.9, 0.1, 1.9, 0.1):
        control.clock.unix_s += days * DAY_S
        states.append(control.keys.rotation(control.keys.get(first.key.id)))
    dead = opens(control, first.secret)

    second = await control.keys.rotate(first.key.id, by=BY)

    assert ["fresh", "due", "due", "overdue"] == states
    assert not dead
    assert opens(control, second.secret, after_s=10 * DAY_S - 1)
    assert not opens(control, second.secret, after_s=10 * DAY_S)
    # What was too old is not brought back to life by the overlap.
    assert not opens(control, first.secret)
    assert second.key.enabled


async def test_an_overlap_does_not_outlast_the_age(control):
    first = await made(control, rotation_days=1)
    control.clock.unix_s += DAY_S - 60

    await control.keys.rotate(first.key.id, by=BY)

    assert opens(control, first.secret, after_s=59)
    assert not opens(control, first.secret, after_s=60)


async def test_an_age_that_has_passed_already_is_refused(control):
    key = (await made(control)).key
    control.clock.unix_s += 30 * DAY_S

    with pytest.raises(BadRequest, match="is 30 days old; rotate it first") as refused:
        await control.keys.update(key.id, {"rotation_days": 30}, by=BY)
    changed = await control.keys.update(key.id, {"rotation_days": 31}, by=BY)

    assert "rotation_days" == refused.value.field
    assert "due" == control.keys.rotation(changed)


async def test_an_expired_key_is_not_rotated_and_a_disabled_one_stays_so(control):
    expired = (await made(control, expires_in="1h")).key
    off = await made(control)
    await control.keys.update(off.key.id, {"enabled": False}, by=BY)
    control.clock.unix_s += HOUR_S

    with pytest.raises(Conflict, match="has expired; give it a new expiry"):
        await control.keys.rotate(expired.id, by=BY)
    again = await control.keys.rotate(off.key.id, by=BY)

    assert not again.key.enabled
    assert not opens(control, again.secret)


async def test_an_expiry_is_moved_from_now_and_taken_away(control):
    issued = await made(control, expires_in="1h")
    control.clock.unix_s += 2 * HOUR_S

    await control.keys.update(issued.key.id, {"expires_in": "1h"}, by=BY)
    moved = [opens(control, issued.secret, after_s=s) for s in (HOUR_S - 1, HOUR_S)]
    never = await control.keys.update(issued.key.id, {"expires_in": ""}, by=BY)

    assert [True, False] == moved
    assert never.expires_at is None
    assert opens(control, issued.secret, after_s=1e9)


async def test_credentials_are_shown_with_what_is_left_of_them(control):
    first = await made(control)
    control.clock.unix_s += HOUR_S
    second = await control.keys.rotate(first.key.id, overlap="1h", by=BY)
    now = control.clock.now()

    shown = control.keys.credentials(second.key)
    control.clock.unix_s += HOUR_S
    later = control.keys.credentials(second.key)

    assert [(second.key.prefix, None), (first.key.prefix, now + HOUR_S)] == [
        (one.prefix, one.expires_at) for one in shown
    ]
    assert [now, now - HOUR_S] == [one.issued_at for one in shown]
    assert [second.key.prefix] == [one.prefix for one in later]


async def test_a_rotation_that_runs_wild_is_stopped_and_can_be_ended(control):
    key = (await made(control)).key
    for _ in range(MAX_FORMER):
        await control.keys.rotate(key.id, by=BY)

    with pytest.raises(Conflict, match='rotate it with an overlap of "0"'):
        await control.keys.rotate(key.id, by=BY)
    issued = await control.keys.rotate(key.id, overlap="0", by=BY)

    assert () == issued.key.former


async def test_a_rotation_survives_a_restart_and_leaves_no_digest_in_the_audit(control):
    first = await made(control, rotation_days=9)
    second = await control.keys.rotate(first.key.id, by=BY)

    again = await control.restarted()

    assert control.key_table.current == again.key_table.current
    assert second.key == again.keys.get(first.key.id)
    trail = "".join(entry.detail for entry in control.key_store.audit)
    assert "apikey.rotate" == control.key_store.audit[-1].action
    assert '"digest"' not in trail
    assert first.secret not in trail


async def test_a_stale_or_unknown_rotation_changes_nothing(control):
    issued = await made(control)

    with pytest.raises(Stale):
        await control.keys.rotate(issued.key.id, by=BY, expected=issued.key.version + 1)
    with pytest.raises(NotFound):
        await control.keys.rotate("key_x", by=BY)

    assert issued.key == control.keys.get(issued.key.id)


async def test_no_scopes_open_nothing(control):
    issued = await control.keys.create(name="app", scopes=[], by=BY)

    assert () == issued.key.scopes
    assert not any(issued.key.may(scope) for scope in ("chat", "plan", "embeddings", "*", ""))
