"""A terminal that does not keep up."""

import io

from tokenhub_tui.state.flushes import MOST_LONG, SHORT_AGAIN, Flushes
from tokenhub_tui.terminal import Timed


def test_a_terminal_is_slow_after_three_long_flushes_until_many_are_short() -> None:
    flushes, seen = Flushes(), []

    for duration_s in [0.2, 0.01, *[0.2] * (MOST_LONG - 1), *[0.01] * SHORT_AGAIN]:
        flushes.took(duration_s)
        seen.append(flushes.slow)

    assert [False, False, False, True, *[True] * (SHORT_AGAIN - 1), False] == seen


def test_what_is_written_comes_through_and_each_flush_is_told() -> None:
    file, told = io.StringIO(), []
    timed = Timed(file, told.append)

    timed.write("a")
    timed.write("b")
    timed.flush()
    timed.flush()

    assert "ab" == file.getvalue()
    assert 2 == len(told)
