"""The log as rows, and as bars."""

import re

from tests.unit.tui.test_request import attempt, request
from tokenhub_tui.state.cells import natural
from tokenhub_tui.state.kept import MOST, Kept
from tokenhub_tui.state.requests import Bars, axis, columns, drawn, filled, grouped, row


def cells(one, names=()):
    shown = columns(names)
    return {
        column.id: natural(cell)
        for column, cell in zip(shown, row(one, 0.0, shown).cells, strict=True)
    }


def test_row_tells_who_failed_before() -> None:
    told = cells(request(attempt(1, 5, model_id="large", error_class="timeout"), attempt(2, 5)))

    assert ("↻", "200", "gpt←large") == (told["mark"], told["status_code"], told["model_id"])
    assert "402/128" == told["tokens"]


def test_row_without_an_answer_names_what_was_asked() -> None:
    one = request(provider_id="", model_id="", requested_model="o9", error_class="no_model")

    assert ("✗", "o9", "no model") == tuple(
        cells(one)[name] for name in ("mark", "model_id", "error_class")
    )


def test_columns_of_a_view_are_fields_of_the_row() -> None:
    told = cells(request(), ["request_id", "stream", "latency_ms", "overhead_ms"])

    assert {
        "request_id": "req_1", "stream": "no", "latency_ms": "1.0s", "overhead_ms": "2.0",
    } == told  # fmt: skip


def test_bars_are_never_nothing_where_there_is_something() -> None:
    assert " ▁▄█" == drawn([0, 1, 500, 1000])
    assert "" == drawn([])


def test_more_bars_than_room_are_summed() -> None:
    assert [3, 7, 5] == grouped([1, 2, 3, 4, 5], 3)


def test_axis_tells_the_time_of_a_bar_and_the_highest() -> None:
    bars = Bars(requests=[1] * 60, errors=[0] * 59 + [2], since=0.0, until=3600.0, step_s=60.0)

    told = axis(bars, 60)

    assert 60 == len(told)
    assert "a bar 1m · most 1, 2 failed" in told
    assert "a bar 2m · most 2, 2 failed" in axis(bars, 30)


def test_axis_of_a_short_while_tells_seconds() -> None:
    bars = Bars(requests=[1] * 60, errors=[0] * 60, since=0.0, until=60.0, step_s=1.0)

    told = axis(bars, 60)

    assert re.fullmatch(r"\d\d:\d\d:00 +a bar 1s · most 1, 0 failed +\d\d:\d\d:00", told)


def test_chart_of_a_young_log_begins_where_it_does() -> None:
    assert 3 == filled([0, 0, 7, 0, 1])
    assert 0 == filled([0, 0])


def test_pages_follow_each_other_without_a_row_twice() -> None:
    kept = Kept(str)
    kept.begin([5, 4], "4")
    kept.more([4, 3], "3")

    assert ([5, 4, 3], "3") == (kept.rows, kept.next)

    kept.more(range(MOST), "more")

    assert (True, None) == (kept.full, kept.next)
