"""Times and spans as they are written on a line."""

from datetime import UTC, datetime, timedelta

import pytest
import typer

from tokenhub_cli.spans import moment, span_s


@pytest.mark.parametrize(
    ("text", "expected"),
    [("30", 30.0), ("30s", 30.0), ("0.5", 0.5), ("1h30m", 5400.0), ("2d", 172_800.0), ("0", 0.0)],
)
def test_a_span_is_seconds(text: str, expected: float) -> None:
    assert expected == span_s(text, flag="--for")


@pytest.mark.parametrize("text", ["", "a while", "30x", "1h30", "-3s", "3 s", "1e3"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="no span"):
        span_s(text, flag="--for")


def test_a_time_is_told_or_so_long_ago() -> None:
    assert datetime(2026, 1, 31, tzinfo=UTC) == moment("2026-01-31T00:00:00Z", flag="--since")
    begun = datetime.now(UTC)  # noqa: TID251 - the reader's now
    assert begun - timedelta(hours=1) <= moment("1h", flag="--since") < begun


@pytest.mark.parametrize(("text", "told"), [("2026-01-31", "no zone"), ("2026-13-31Z", "no time")])
def test_what_is_no_time_is_refused(text: str, told: str) -> None:
    with pytest.raises(typer.BadParameter, match=told):
        moment(text, flag="--since")
