"""Credentials of a key: what each opens, and until when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.support.builders import a_key
from tokenhub.core.credentials import DAY_S, Credential, due_at, earliest, rotation
from tokenhub.core.keys import digest, mint, opened

OLD = Credential(digest=b"o" * 32, prefix="old", issued_at=0.0, expires_at=500.0)


@pytest.mark.parametrize(
    ("expected", "days"),
    [("fresh", 0), ("fresh", 7.999), ("due", 8), ("due", 9.999), ("overdue", 10), ("overdue", 99)],
)
def test_a_credential_is_due_at_four_fifths_of_its_age(expected: str, days: float) -> None:
    assert expected == rotation(1000.0, 10, 1000.0 + days * DAY_S)


def test_without_an_age_nothing_is_due() -> None:
    assert "none" == rotation(0.0, 0, 1e12)
    assert due_at(0.0, 0) is None


def test_the_earliest_of_times_is_never_where_none_is_given() -> None:
    assert earliest(None, 3.0, 2.0, None) == 2.0
    assert earliest(None, None) is None
    assert earliest() is None


def test_a_key_with_one_credential_is_in_the_table_as_it_is() -> None:
    _, key = a_key(expires_at=7.0)

    assert [(key.digest, key)] == list(opened(key).items())
    assert opened(key)[key.digest] is key


def test_the_age_of_a_credential_ends_it_for_the_table() -> None:
    _, key = a_key(created_at=100.0, rotation_days=2, rotated_at=200.0)
    _, sooner = a_key(created_at=100.0, rotation_days=2, expires_at=150.0)

    assert 200.0 + 2 * DAY_S == opened(key)[key.digest].expires_at
    assert opened(sooner)[sooner.digest] is sooner


def test_a_former_credential_opens_the_same_key_until_its_own_end() -> None:
    _, key = a_key(former=(OLD,), rate_limit_rps=7)

    entry = opened(key)[OLD.digest]

    assert (key.id, 7, "old", 500.0) == (
        entry.id,
        entry.rate_limit_rps,
        entry.prefix,
        entry.expires_at,
    )
    assert entry.usable(499.9)
    assert not entry.usable(500.0)


def test_a_disabled_key_has_no_credential_that_opens_it() -> None:
    _, key = a_key(former=(OLD,), enabled=False)

    assert not any(entry.usable(0.0) for entry in opened(key).values())


times = st.floats(0, 1e9)


@given(times, times, st.none() | times, st.integers(0, 3650), st.none() | times)
def test_no_credential_outlives_its_key(
    issued: float, ends: float, expires: float | None, days: int, rotated: float | None
) -> None:
    old = replace(OLD, issued_at=issued, expires_at=ends)
    _, key = a_key(former=(old,), expires_at=expires, rotation_days=days, rotated_at=rotated)

    entries = opened(key)

    bounds = {key.digest: (expires, due_at(key.issued_at, days))}
    bounds[old.digest] = (expires, ends, due_at(issued, days))
    for mark, entry in entries.items():
        assert mark == entry.digest
        assert earliest(*bounds[mark]) == entry.expires_at


def test_credentials_are_no_two_the_same() -> None:
    assert 100 == len({digest(mint(secret)) for secret in range(100)})
