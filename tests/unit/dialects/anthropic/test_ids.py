"""Ids and names of calls in the letters that the vendor takes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.dialects.anthropic.ids import is_valid_name, valid_id, valid_name


class Counted(dict[str, int]):
    """Ids in use, and how often one was looked for."""

    looks = 0

    def __contains__(self, key: object) -> bool:
        self.looks += 1
        return super().__contains__(key)


@given(st.lists(st.sampled_from(["", "a", "a_2", "a_3", "a.2", "a_2_2", "call", "é"])))
def test_ids_are_valid_and_unique(wanted: list[str]) -> None:
    used: dict[str, int] = {}

    got = [valid_id(id_, used) for id_ in wanted]

    assert len(got) == len(set(got))
    assert all(re.fullmatch("[a-zA-Z0-9_-]+", id_) for id_ in got)


@pytest.mark.parametrize("others", [0, 50_000])
def test_calls_of_one_id_cost_two_looks_each(others: int) -> None:
    used = Counted()
    for number in range(others):
        valid_id(f"a_{number}", used)
    used.looks = 0

    got = {valid_id("a", used) for _ in range(50_000)}

    assert 50_000 == len(got)
    assert 2 * 50_000 + others >= used.looks


def test_names_are_kept_where_they_are_valid() -> None:
    assert is_valid_name("get_weather-2")
    assert not any(map(is_valid_name, ["", "a.b", "a b", "x" * 129, "a\n"]))
    assert ["f", "a_b", "tool"] == [valid_name(name) for name in ("f", "a.b", "")]
    assert 128 == len(valid_name("é" * 200))
