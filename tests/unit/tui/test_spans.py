"""Spans of time in few cells."""

from tokenhub_tui.state.spans import ago, ahead, short


def test_spans_have_the_unit_that_fits_them() -> None:
    assert ["59s", "1m", "59m", "1h00m", "47h59m", "2d", "400d"] == [
        short(span_s) for span_s in (59.9, 60, 3599, 3600, 172_799, 172_800, 400 * 86_400)
    ]


def test_times_of_the_api_are_told_from_now() -> None:
    assert "5s" == ago("1970-01-01T00:01:40Z", 105.0)
    assert "0s" == ago("1970-01-01T00:01:40Z", 90.0)
    assert "-" == ago(None, 90.0)
    assert 10.0 == ahead("1970-01-01T00:01:40Z", 90.0)
    assert ahead(None, 90.0) is None
