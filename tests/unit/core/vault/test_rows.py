"""The vault's rows: what binds them, and what is believed of a file."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.vaults import a_vault, draws
from tokenhub.core.errors import VaultDamaged
from tokenhub.core.vault.rows import PASSWORD, bound

FIELDS = st.lists(
    st.one_of(st.text(max_size=8), st.integers(0, 2**63 - 1), st.binary(max_size=8)), max_size=4
)


@given(FIELDS, FIELDS)
def test_two_lists_of_fields_never_read_the_same(one, other):
    same = [(type(field), field) for field in one] == [(type(field), field) for field in other]

    assert same == (bound(*one) == bound(*other))


def test_the_bytes_of_bound_fields_are_those_of_the_manual():
    assert (
        b"s\0\0\0\0\0\0\0\x02thi\0\0\0\0\0\0\0\x08\0\0\0\0\0\0\0\x01b\0\0\0\0\0\0\0\x01\xff"
    ) == bound("th", 1, b"\xff")


@pytest.mark.parametrize(
    "asked",
    [
        {"memory_kib": 4 << 20},
        {"memory_kib": (1 << 20) + 1},
        {"memory_kib": 19 * 1024 - 1},
        {"memory_kib": -1},
        {"passes": 17},
        {"passes": 0},
        {"lanes": 9},
        {"lanes": 0},
        {"salt": b"short"},
        {"kdf": "md5"},
    ],
)
def test_work_that_nobody_would_write_is_refused(asked):
    slot = a_vault(draws()).contents.slots[PASSWORD]

    with pytest.raises(VaultDamaged) as refused:
        _ = msgspec.structs.replace(slot, **asked).stretch

    assert "vault_kdf_refused" == refused.value.code


def test_the_bounds_themselves_are_within():
    slot = a_vault(draws()).contents.slots[PASSWORD]

    for kib, passes, lanes in ((19 * 1024, 1, 1), (1 << 20, 16, 8)):
        bounded = msgspec.structs.replace(slot, memory_kib=kib, passes=passes, lanes=lanes)
        assert kib == bounded.stretch.memory_kib
