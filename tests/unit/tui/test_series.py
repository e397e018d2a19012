"""Metrics over time as curves and as rows."""

from tokenhub.wire.tsdb import Chart, Point, Series
from tokenhub_tui.state import series
from tokenhub_tui.state.cells import Cell
from tokenhub_tui.state.series import COST, GROUPS, KEYS, P95, WINDOWS, Ask, Charted, Chosen

HOUR = 1_767_225_600
MODELS = GROUPS[0]


def chart(*lines: Series, step_s: int = 60) -> Chart:
    return Chart(
        series=list(lines), metric="latency", agg="p95", unit="ms", group_by=["model_id"],
        start=HOUR * 1000, end=(HOUR + 3600) * 1000, step_ms=step_s * 1000,
    )  # fmt: skip


def line(model_id: str, *at: tuple[int, float]) -> Series:
    points = [Point(t=(HOUR + 60 * step) * 1000, v=value) for step, value in at]
    return Series(metric="latency", points=points, model_id=model_id)


def charted(**requests: float) -> Charted:
    found = series.curves(chart(*(line(name, (0, 10.0)) for name in requests)), P95, MODELS)
    return Charted(
        ask=Ask(), start=HOUR, end=HOUR + 3600, lines={"p95": found}, totals={"req": requests}
    )


def test_step_without_a_point_is_a_gap() -> None:
    found = series.curves(chart(line("gpt", (0, 5.0), (1, 6.0), (4, 7.0))), P95, MODELS)

    assert [5.0, 6.0, None, 7.0] == [value for _, value in found["gpt"]]


def test_values_are_in_the_unit_that_is_shown() -> None:
    found = series.curves(chart(line("gpt", (0, 0.001))), COST, MODELS)

    assert 3.6 == found["gpt"][0][1]


def test_window_before_is_moved_to_where_this_one_is() -> None:
    found = series.curves(chart(line("gpt", (0, 1.0))), P95, MODELS, moved_s=3600.0)

    assert HOUR + 3600 == found["gpt"][0][0]


def test_total_is_one_step_that_begins_where_the_window_does() -> None:
    asked = series.asked_total(series.TOTALS[1], MODELS, start_s=HOUR)

    assert {"metric": "latency", "agg": "p50", "group_by": "model_id"}.items() <= asked.items()
    assert asked["start"] == asked["step"]


def test_keys_of_one_name_are_several_curves() -> None:
    keys = series.told_apart({"k1": "ci", "k2": "ci", "k3": "other"})
    of_keys = [
        Series(metric="cost", points=[Point(t=HOUR * 1000, v=1.0)], api_key_id=name)
        for name in ("k1", "k2", "k3", "gone")
    ]

    assert ["ci k1", "ci k2", "other", "gone"] == list(
        series.curves(chart(*of_keys), P95, KEYS, keys)
    )
    assert 4 == len(series.total(chart(*of_keys), P95, KEYS, keys))


def test_series_are_called_by_their_labels() -> None:
    route = Series(metric="cost", points=[], provider_id="one", model_id="gpt")
    key = Series(metric="cost", points=[], api_key_id="k1")

    assert "one/gpt" == series.named(route, GROUPS[1], {})
    assert "ci-bot" == series.named(key, KEYS, {"k1": "ci-bot"})
    assert "k1" == series.named(key, KEYS, {})
    assert "(none)" == series.named(Series(metric="cost", points=[]), GROUPS[1], {})
    assert "all" == series.named(key, GROUPS[-1], {})


def test_series_keep_their_colours_and_new_ones_take_what_is_free() -> None:
    first = series.coloured({}, ["a", "b", "c"])

    assert {"a": 0, "b": 1, "c": 2} == first
    assert {"c": 2, "a": 0, "d": 1} == series.coloured(first, ["c", "a", "d"])


def test_no_more_are_drawn_than_can_be_told_apart() -> None:
    names = [f"m{n}" for n in range(12)]

    assert names[:8] == Chosen().shown(names)
    assert names[1:9] == Chosen(hidden={"m0"}).shown(names)
    assert ["m11"] == Chosen(only="m11").shown(names)


def test_errors_are_never_on_a_log_scale() -> None:
    data = charted(gpt=5.0)

    assert series.plot(data, P95, Chosen(log=True), {"gpt": 0}).log
    assert not series.plot(data, series.ERRORS, Chosen(log=True), {"gpt": 0}).log


def test_legend_says_whose_curves_they_are_and_how_many_more() -> None:
    data = charted(gpt=5.0, opal=3.0)
    colours = {"gpt": 0, "opal": 1}

    def said(chosen: Chosen, room: int) -> str:
        return "".join(text for text, _ in series.legend(data, P95, chosen, colours, room))

    assert "1 gpt  2 opal" == said(Chosen(), 40)
    assert "1 gpt  +1" == said(Chosen(), 10)
    assert said(Chosen(at=float(HOUR)), 60).endswith("  1 gpt 10  2 opal 10")
    assert said(Chosen(at=float(HOUR)), 18).endswith("  1 10  2 10")
    assert said(Chosen(at=HOUR + 60.0), 60).endswith("  1 gpt -  2 opal -")


def test_cross_hair_begins_at_the_last_whole_step_and_stays_within() -> None:
    data = charted(gpt=1.0)

    assert HOUR + 3540 == series.moved(data, None, -1)
    assert HOUR + 3540 == series.moved(data, HOUR + 3540, 1)
    assert HOUR == series.moved(data, HOUR, -1)


def test_rows_are_sorted_and_say_what_is_hidden_by_a_sign() -> None:
    data = charted(gpt=5.0, opal=300.0)
    chosen = Chosen(hidden={"gpt"})

    rows = series.rows(data, chosen, {"opal": 3}, "req", down=True)

    assert ["opal", "gpt"] == [row.id for row in rows]
    assert Cell("4", "series-3") == rows[0].cells[0]
    assert Cell("x", "dim") == rows[1].cells[0]
    assert "300" == rows[0].cells[2]
    assert "-" == rows[0].cells[3]
    assert ["gpt", "opal"] == [row.id for row in series.rows(data, chosen, {}, "name", down=False)]


def test_trend_shows_the_highest_of_each_cell_and_leaves_gaps() -> None:
    points = ((0.0, 4.0), (1.0, 8.0), (4.0, 1.0), (5.0, None), (9.0, 0.0))

    assert "█ ▂ ▁" == series.spark(points, 0.0, 10.0, 5)
    assert "▁" == series.spark(((0.0, 0.0),), 0.0, 1.0, 1)
    assert "  " == series.spark((), 0.0, 1.0, 2)


def test_trend_has_a_column_where_there_is_room() -> None:
    data = charted(gpt=5.0)

    assert [0, 24, 72] == [series.trend_width(width) for width in (80, 120, 200)]
    columns = series.columns(MODELS, 24)
    row = series.rows(data, Chosen(), {"gpt": 1}, "req", down=True, trend=24)[0]
    assert len(columns) == len(row.cells)
    assert Cell(" █" + " " * 23, "series-1") == row.cells[-1]
    assert 60 == data.steps


def test_line_above_says_what_is_looked_at() -> None:
    said = series.said(Ask(before=True), Chosen(hidden={"gpt"}, log=True))

    assert "last hour · step 1 m · by model · 1 hidden · log scale · dots: the 1h before" == said
    assert "all together" in series.said(Ask(group=GROUPS[-1]), Chosen())
    assert "only gpt" in series.said(Ask(), Chosen(only="gpt"))


def test_newest_begins_where_there_is_something_and_is_by_name() -> None:
    """The hour of the chart has points of its last ten minutes, and of its last two."""
    young = chart(line("gpt", (58, 5.0)), line("large", (58, 6.0), (59, 7.0)))
    older = chart(line("gpt", (50, 5.0)), line("gone", (0, 6.0)))

    assert HOUR + 3300 == series.newest(young, ["large", "gpt"]).start
    assert HOUR + 3000 == series.newest(older, ["gpt"]).start
    assert ["gpt", "large"] == series.newest(young, ["large", "none", "gpt"]).names
    assert [] == series.newest(older, ["none"]).names


def test_a_window_that_is_mostly_before_the_first_request_gives_way_to_a_shorter_one() -> None:
    """The five minutes are enough for the last five steps of the hour, and not for six."""
    hour = WINDOWS[1]

    assert WINDOWS[0] == series.fitting_window(chart(line("gpt", (55, 5.0))), hour)
    assert hour == series.fitting_window(chart(line("gpt", (54, 5.0)), line("b", (59, 1.0))), hour)
    assert hour == series.fitting_window(chart(), hour)


def test_legend_counts_the_cells_of_wide_names() -> None:
    entries = [("1 模型模型", 0), ("2 gpt", 1)]

    assert [("1 模型模型", 0), ("  ", None), ("2 gpt", 1)] == series.fitting([], entries, 0, 17)
    assert [("1 模型模型", 0), ("  +1", None)] == series.fitting([], entries, 0, 16)
