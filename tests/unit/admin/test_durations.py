import pytest

from tokenhub.admin.durations import seconds
from tokenhub.core.errors import BadRequest


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (2_592_000.0, "720h"),
        (5400.0, "1h30m"),
        (2_592_000.0, "30d"),
        (5400.0, "1.5h"),
        (1.0, " 1s "),
    ],
)
def test_durations_are_read(expected, text):
    assert expected == seconds(text, field="expires_in")


@pytest.mark.parametrize(
    "text", ["0s", "-1h", "1", "h", "1w", "1h 30m", "36501d", "1e3h", "9" * 500]
)
def test_what_is_no_duration_names_the_field(text):
    with pytest.raises(BadRequest) as refused:
        seconds(text, field="expires_in")

    assert "expires_in" == refused.value.field
