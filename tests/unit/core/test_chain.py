from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core.chain import START, link

FIELDS = st.lists(st.binary(max_size=6) | st.integers(), max_size=4)


@given(FIELDS, FIELDS)
def test_two_rows_share_a_hash_only_where_they_are_one(one, other):
    same = [str(f).encode() if isinstance(f, int) else f for f in one] == [
        str(f).encode() if isinstance(f, int) else f for f in other
    ]

    assert same == (link(START, one) == link(START, other))


def test_where_one_field_ends_matters():
    assert link(START, [b"a", b"bc"]) != link(START, [b"ab", b"c"])


def test_the_row_before_matters():
    first = link(START, [b"a"])

    assert link(first, [b"a"]) != first
