"""What the palette finds."""

from tokenhub_tui.state.palette import Entry, meant, row


def entry(title: str, group: str = "here", **given: object) -> Entry:
    return Entry(id=f"{group} {title}", title=title, group=group, **given)  # type: ignore[arg-type]  # fields of the struct


PAUSE = entry("Pause", help="Hold the picture.")
LIVE = entry("Live", "go to")
GPT = entry("one/gpt-4o", "model", quiet=True)
MINI = entry("one/gpt-4o-mini", "model", quiet=True)
ALL = [PAUSE, LIVE, MINI, GPT]


def test_without_a_text_the_quiet_ones_are_left_out() -> None:
    assert [PAUSE, LIVE] == meant(ALL, "  ")


def test_a_beginning_counts_for_more_than_a_part() -> None:
    other = entry("Unpause")

    assert [PAUSE, other] == meant([other, PAUSE], "pau")


def test_a_model_comes_before_the_requests_that_it_answered() -> None:
    answered = entry("req_1  one/gpt-4o", "request", quiet=True)

    assert [GPT, answered] == meant([answered, GPT], "gpt-4o")


def test_every_word_has_to_be_there() -> None:
    assert [MINI] == meant(ALL, "model mini")
    assert [LIVE] == meant(ALL, "go liv")
    assert [] == meant(ALL, "model zebra")


def test_letters_in_their_order_are_enough_for_an_action_but_no_row() -> None:
    assert [PAUSE] == meant(ALL, "pse")
    assert [] == meant(ALL, "gp4o")


def test_what_an_action_does_is_found_last() -> None:
    picture = entry("Picture")

    assert [picture, PAUSE] == meant([PAUSE, picture], "picture")


def test_one_that_is_off_says_why() -> None:
    off = entry("Undo", off="nothing to undo", help="Take it back.")

    assert "Undo (nothing to undo)" == row(off).cells[0]
    assert "Not now: nothing to undo.  Take it back." == off.told
