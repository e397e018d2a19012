import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core.errors import BadRequest
from tokenhub.web.cursors import cursor_of, row_of


@given(st.text(min_size=1))
def test_a_cursor_comes_back_as_its_row(row_id):
    assert row_id == row_of(cursor_of(row_id))


def test_no_cursor_is_the_beginning():
    assert "" == row_of("")


@given(st.text(min_size=1, max_size=20))
def test_what_is_no_cursor_of_ours_is_refused(text):
    try:
        row_id = row_of(text)
    except BadRequest as error:
        row_id = None
        field = error.field
    else:
        field = "cursor"

    assert "cursor" == field
    assert row_id is None or text == cursor_of(row_id)


@pytest.mark.parametrize("text", ["a", "acmVxXzE=", "bcmVxXzE", "a_", "a\u00e9", "a gg"])
def test_a_cursor_that_was_changed_is_refused(text):
    with pytest.raises(BadRequest, match="no cursor of ours"):
        row_of(text)
