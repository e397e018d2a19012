"""Rows that come page by page."""

import msgspec

from tokenhub_tui.state.kept import Kept


class One(msgspec.Struct):
    id: int
    word: str = ""


def kept(*ids: int, following: str | None = None) -> Kept[One]:
    new: Kept[One] = Kept(lambda one: str(one.id))
    new.begin([One(n) for n in ids], following)
    return new


def test_the_newest_page_comes_before_what_was_read_further_down() -> None:
    rows = kept(6, 5, 4, 3, following="3")

    rows.renew([One(8), One(7), One(6, "changed")], "6")

    assert [8, 7, 6, 5, 4, 3] == [one.id for one in rows.rows]
    assert "changed" == rows.rows[2].word
    assert "3" == rows.next


def test_rows_are_begun_anew_where_the_newest_page_does_not_reach_them() -> None:
    rows = kept(3, 2, following="2")

    rows.renew([One(9), One(8)], "8")

    assert [9, 8] == [one.id for one in rows.rows]
    assert "8" == rows.next


def test_first_page_anew_of_which_nothing_is_meant_changes_nothing() -> None:
    rows = kept(1, following="1")

    rows.renew([], "0")

    assert [1] == [one.id for one in rows.rows]
    assert "1" == rows.next


def test_first_page_anew_that_is_all_takes_the_place() -> None:
    rows = kept(2, 1)

    rows.renew([One(2)], None)

    assert [2] == [one.id for one in rows.rows]
    assert rows.next is None
