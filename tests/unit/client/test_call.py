from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.client.call import item, query
from tokenhub.client.errors import BadCall


def test_slashes_of_an_id_stay_slashes() -> None:
    assert "/models/anthropic/claude-4" == item("/models", "anthropic/claude-4")


def test_everything_else_in_a_segment_is_encoded() -> None:
    assert "/models/a%20b%25c%3Fd%23e/f%3Afree" == item("/models", "a b%c?d#e/f:free")


def test_bytes_that_are_no_utf8_leave_as_they_came() -> None:
    assert "/models/%FF" == item("/models", "\udcff")


@pytest.mark.parametrize("name", ["", ".", "..", "../providers/openai", "a/../b", "a/.", "a/./b"])
def test_an_id_that_leads_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(BadCall, match="is no id"):
        item("/models", name)


@given(st.text(min_size=1).filter(lambda name: not {".", ".."} & set(name.split("/"))))
def test_any_other_id_comes_back_from_its_path(name: str) -> None:
    name = name.encode("utf-8", "ignore").decode() or "x"

    path = item("", name)

    assert name == unquote(path[1:])
    assert path.isascii()


def test_query_leaves_out_what_was_not_given() -> None:
    assert (("limit", "5"), ("offset", "0")) == query(limit=5, offset=0, a=None, b="")
