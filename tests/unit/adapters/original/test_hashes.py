"""bcrypt of the original's keys."""

import pytest

from tests.support.original_db import hashed
from tokenhub.adapters.original.hashes import fits

KEY = f"tokenhub_{'0123456789abcdef' * 4}"


@pytest.mark.parametrize("cost", [4, 10])
def test_the_hash_fits_its_key_and_no_other(cost):
    old_hash = hashed(KEY, cost=cost)

    assert fits(KEY, old_hash)
    assert not fits(f"{KEY[:-1]}0", old_hash)
    assert not fits("", old_hash)


def test_a_fixed_vector_fits():
    """Made once, in Go's variant of the format: bcrypt of the hex SHA-256 of the key."""
    assert fits(KEY, "$2a$10$8eoCgVWPbUPfWie5crqaG.U9UfllHldsyo5PSEich5xEU/AZeG3bm")
