from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.client.text import (
    cells,
    clean,
    escaped,
    harmless,
    local,
    milliseconds,
    money,
    plain,
    seconds,
    tokens,
    usd,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b2Jcleared", "cleared"),
        ("\x1bcreset", "reset"),
        ("an end without an end\x1b]0;rest", "an end without an end"),
        ("two\nlines\tand\r\nmore", "two lines and more"),
        ("bell\x07 null\x00 delete\x7f", "bell null delete"),
        ("abc\u202edcba", "abcdcba"),
        ("große Modelle 模型", "große Modelle 模型"),
    ],
)
def test_words_of_strangers_steer_no_terminal(text: str, shown: str) -> None:
    assert shown == clean(text)


def test_a_text_that_is_written_as_it_comes_keeps_its_lines() -> None:
    assert "one\n\ttwo\n" == harmless("\x1b[2Jone\n\ttwo\r\n\x07")


@given(st.text())
def test_no_control_character_is_left(text: str) -> None:
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in clean(text))


def test_json_keeps_its_meaning_and_no_control_character() -> None:
    assert '"\\u009b2J\\u007f"' == escaped('"\x9b2J\x7f"')


@pytest.mark.parametrize(
    ("text", "width"), [("abc", 3), ("模型", 4), ("e\u0301", 1), ("a\u200bb", 2), ("", 0)]
)
def test_width_is_counted_in_cells(text: str, width: int) -> None:
    assert width == cells(text)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        ("", "-"),
        (True, "yes"),
        (False, "no"),
        (["a", "b"], "a,b"),
        ([], "-"),
        (0, "0"),
    ],
)
def test_plain_values(value: object, shown: str) -> None:
    assert shown == plain(value)


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (None, "unknown"),
        (0, "free"),
        (0.0, "free"),
        (0.0025, "$0.0025"),
        (0.01, "$0.0100"),
        (12.5, "$12.5000"),
        (0.00002, "$0.00002"),
    ],
)
def test_money(amount: float | None, shown: str) -> None:
    assert shown == usd(amount)


@pytest.mark.parametrize(
    ("duration", "shown"), [(0.4, "0ms"), (123.4, "123ms"), (999.9, "1.0s"), (1234, "1.2s")]
)
def test_durations_of_requests(duration: float, shown: str) -> None:
    assert shown == milliseconds(duration)


@pytest.mark.parametrize(
    ("duration", "shown"),
    [(0.4, "0s"), (59, "59s"), (62, "1m 2s"), (7500, "2h 5m"), (273600, "3d 4h")],
)
def test_durations_of_servers(duration: float, shown: str) -> None:
    assert shown == seconds(duration)


def test_unknown_context_is_a_dash() -> None:
    assert ("-", "8192") == (tokens(0), tokens(8192))


def test_times_are_those_of_this_machine() -> None:
    here = datetime.fromisoformat("2026-02-03T04:05:06.789Z").astimezone()

    assert f"{here:%Y-%m-%d %H:%M:%S}" == local("2026-02-03T04:05:06.789Z")
    assert ("-", "-", "soon") == (local(None), local(""), local("soon"))


def test_money_that_was_not_spent_is_no_price() -> None:
    assert ["-", "$0", "$0.0025"] == [money(None), money(0.0), money(0.0025)]
