"""What each change makes of a vault, and what no edited file opens."""

import msgspec
import pytest

from tests.support.vaults import NOW, PURPOSE, a_password, a_vault, draws, reopened, written
from tokenhub.core.errors import TokenHubError, VaultDamaged, WrongPassword
from tokenhub.core.vault.changes import dropped, kept, rekeyed, reslotted, torn_out, unslotted
from tokenhub.core.vault.rows import PASSWORD, RECOVERY, Contents, changed

replace = msgspec.structs.replace


def secrets_of(contents, text="first"):
    found = reopened(contents, text)
    return {name: found.ring.open(row) for name, row in found.contents.secrets.items()}


def test_what_was_kept_opens_again():
    step = a_vault(draws(), a=b"sk-a", b=b"sk-b")

    assert {"a": b"sk-a", "b": b"sk-b"} == secrets_of(step.contents)


def test_a_wrong_password_opens_nothing():
    step = a_vault(draws(), a=b"sk-a")

    with pytest.raises(WrongPassword):
        reopened(step.contents, "another")


def test_another_password_touches_no_secret():
    draw = draws()
    step = a_vault(draw, a=b"sk-a")
    before = step.contents

    done = reslotted(
        reopened(before),
        PASSWORD,
        by=before.slots[PASSWORD],
        stretched=a_password().key,
        new=a_password("second"),
        now=NOW,
        draw=draw,
    )

    after = written(before, done)
    assert {"a": b"sk-a"} == secrets_of(after, "second")
    assert before.secrets == after.secrets
    assert before.ring == after.ring
    with pytest.raises(WrongPassword):
        reopened(after)


def test_a_recovery_key_opens_beside_the_password_until_it_is_taken_away():
    draw = draws()
    before = a_vault(draw, a=b"sk-a").contents
    with_it = reslotted(
        reopened(before),
        RECOVERY,
        by=before.slots[PASSWORD],
        stretched=a_password().key,
        new=a_password("recovery"),
        now=NOW,
        draw=draw,
    )

    both = written(before, with_it)
    alone = written(both, unslotted(with_it.contents, with_it.ring, RECOVERY, draw=draw))

    assert {PASSWORD, RECOVERY} == set(both.slots)
    assert {"a": b"sk-a"} == secrets_of(both)
    assert {PASSWORD} == set(alone.slots)
    assert {"a": b"sk-a"} == secrets_of(alone)


def test_another_data_key_seals_everything_anew_and_the_old_one_goes_a_rotation_later():
    draw = draws()
    first = a_vault(draw, a=b"sk-a")
    second = rekeyed(first.contents, first.ring, now=NOW, forgotten_before=0.0, draw=draw)
    third = rekeyed(second.contents, second.ring, now=NOW + 9, forgotten_before=NOW + 5, draw=draw)

    after = written(written(first.contents, second), third)

    assert {1, 2} == set(written(first.contents, second).ring)
    assert {2, 3} == set(after.ring)
    assert {3} == {row.key_id for row in after.secrets.values()}
    assert {"a": b"sk-a"} == secrets_of(after)
    assert NOW + 9 == after.meta.rotated_at


def test_a_data_key_counts_what_it_has_sealed():
    step = a_vault(draws(), a=b"sk-a", b=b"sk-b")

    assert 2 == step.contents.ring[1].used
    assert 2 == reopened(step.contents).ring.used


def test_a_row_that_is_torn_out_without_a_key_leaves_the_rest():
    step = a_vault(draws(), a=b"sk-a", b=b"sk-b")

    after = changed(step.contents, torn_out(step.contents, "a"))

    assert {"b": b"sk-b"} == secrets_of(after)
    assert () == reopened(after).stale


def kept_again(step, draw):
    return kept(step.contents, step.ring, "a", b"sk-new", purpose=PURPOSE, now=NOW, draw=draw)


def test_an_older_secret_that_is_put_back_is_left_out():
    draw = draws()
    old = a_vault(draw, a=b"sk-old", b=b"sk-b")
    new = kept_again(old, draw)

    forged = replace(new.contents, secrets={**new.contents.secrets, "a": old.contents.secrets["a"]})
    found = reopened(forged)

    assert ("a",) == found.stale
    assert {"b"} == set(found.contents.secrets)


def test_a_deleted_secret_that_is_put_back_is_left_out():
    draw = draws()
    old = a_vault(draw, a=b"sk-old")
    new = dropped(old.contents, old.ring, "a", draw=draw)

    forged = replace(new.contents, secrets=old.contents.secrets)

    assert ("a",) == reopened(forged).stale


def test_an_older_slot_that_is_put_back_opens_nothing():
    draw = draws()
    old = a_vault(draw, a=b"sk-a").contents
    new = reslotted(
        reopened(old),
        PASSWORD,
        by=old.slots[PASSWORD],
        stretched=a_password().key,
        new=a_password("second"),
        now=NOW,
        draw=draw,
    ).contents

    forged = replace(new, slots=old.slots)

    with pytest.raises(VaultDamaged):
        reopened(forged)


def flipped(value):
    """The value with each of its bits flipped, one at a time; every field that is not a time."""
    if isinstance(value, bytes):
        for at in range(8 * len(value)):
            yield value[: at // 8] + bytes([value[at // 8] ^ 1 << at % 8]) + value[at // 8 + 1 :]
    elif isinstance(value, int):
        yield from (value ^ 1 << at for at in range(24))
    elif isinstance(value, str):
        yield from (other.decode("latin-1") for other in flipped(value.encode()))


def forgeries(contents: Contents):
    """Each field of each row with each of its bits flipped, rows swapped, and truncated."""
    for kind, group in (("slots", contents.slots), ("ring", contents.ring)):
        for key, row in group.items():
            for other in rows_with_a_flip(row):
                yield replace(contents, **{kind: {**group, key: other}})
    for key, row in contents.secrets.items():
        for other in rows_with_a_flip(row):
            yield replace(contents, secrets={**contents.secrets, key: other})
    for other in rows_with_a_flip(contents.meta):
        yield replace(contents, meta=other)
    a, b = contents.secrets["a"], contents.secrets["b"]
    yield replace(contents, secrets={"a": replace(b, name="a"), "b": replace(a, name="b")})
    yield replace(contents, secrets={"a": replace(a, sealed=b.sealed, nonce=b.nonce), "b": b})
    for cut in range(len(a.sealed)):
        yield replace(contents, secrets={"a": replace(a, sealed=a.sealed[:cut]), "b": b})


# What no box is bound to: times are for eyes, and `used` is a counter.
UNBOUND = {"created_at", "rotated_at", "retired_at", "used"}


def rows_with_a_flip(row):
    for name in row.__struct_fields__:
        if name not in UNBOUND:
            for other in flipped(getattr(row, name)):
                yield replace(row, **{name: other})


def test_no_flipped_bit_opens_as_anything_but_what_was_sealed():
    contents = a_vault(draws(), a=b"sk-a", b=b"sk-b").contents
    whole = {"a": b"sk-a", "b": b"sk-b"}
    tried = refused = 0

    for forged in forgeries(contents):
        tried += 1
        try:
            found = opened_with_what_is_left(forged)
        except TokenHubError:
            refused += 1
            continue
        refused += found != whole
        assert found.items() <= whole.items()

    assert tried == refused
    assert tried > 3000


def opened_with_what_is_left(contents):
    found = reopened(contents)
    left = {}
    for name, row in found.contents.secrets.items():
        try:
            left[name] = found.ring.open(row)
        except VaultDamaged:
            continue
    return left


def test_nothing_of_it_shows_a_key():
    step = a_vault(draws(), a=b"sk-a")

    shown = repr(step.ring) + repr(a_password())

    assert "Keyring(current=1)Stretched(...)" == shown
    with pytest.raises(TypeError):
        step.ring.__reduce__()
