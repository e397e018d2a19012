"""Windows end now and begin at a border; a longer one has all that a shorter one has."""

from tests.support.requests import ended
from tokenhub.core import series
from tokenhub.core.series import CUTS, OTHER, REQUESTS, Cells
from tokenhub.core.windows import GLOBAL, MOST_ROWS, WINDOWS, by_label, starts, summed

NOW = 1_700_000_123.5


def cells(cut: str, count: int = 1, **labels: str) -> Cells:
    slot = series.slot()
    for number in range(count):
        slot.count(ended(number, **labels))
    return slot.cut(cut)


def test_a_window_is_at_least_as_long_as_it_says() -> None:
    begun = starts(NOW)

    assert ["24h", "1h", "5m", "1m"] == list(begun)
    for name, (length, border) in WINDOWS.items():
        assert 0 == begun[name] % border
        assert length <= NOW - begun[name] < length + border


def test_each_window_has_its_own_and_all_that_is_later() -> None:
    pieces = [cells("modes", count).items() for count in (1, 2, 4, 8)]

    found = summed(pieces)

    counts = [sum(cell.sums[REQUESTS] for cell in window.values()) for window in found]
    assert [15, 14, 12, 8] == counts


def test_errors_are_told_by_class() -> None:
    found = {
        **cells("ends_of_routes", 3),
        **cells("ends_of_routes", 2, error_class="timeout"),
        **cells("ends_of_routes", 1, error_class="rate_limited"),
        **cells("ends_of_routes", 1, model_id="b"),
    }

    models = by_label("ends_of_routes", "model", found)
    whole = by_label("ends_of_routes", GLOBAL, found)

    assert ["a", "b"] == list(models)
    assert {"timeout": 2, "rate_limited": 1} == models["a"].classes
    assert {} == models["b"].classes
    assert 7 == whole[GLOBAL].cell.sums[REQUESTS]


def test_rows_beyond_what_anybody_reads_become_one() -> None:
    found: Cells = {}
    for number in range(MOST_ROWS + 20):
        found |= cells("ends_of_keys", key_id=f"k{number:03}", error_class="timeout")

    rows = by_label("ends_of_keys", "key", found)

    assert MOST_ROWS == len(rows)
    assert (21, {"timeout": 21}) == (rows[OTHER].cell.sums[REQUESTS], rows[OTHER].classes)
    assert "ends_of_keys" in CUTS
