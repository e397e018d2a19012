import msgspec

from tokenhub.client.text import from_ms
from tokenhub.wire.events import Event
from tokenhub.wire.observe import AttemptLog
from tokenhub.wire.stats import Aggregate, Stats
from tokenhub_tui.state.figures import Counted, figures

NOW = 1_767_225_600.0


def window(name: str, requests: int, *, p95: float = 100.0, errors: int = 0) -> Aggregate:
    return Aggregate(
        window=name, request_count=requests, error_count=errors,
        error_rate=errors / requests if requests else 0, avg_latency_ms=1, p50_latency_ms=1,
        p95_latency_ms=p95, p99_latency_ms=1, first_token_count=0, avg_first_token_ms=None,
        p50_first_token_ms=None, p95_first_token_ms=None, p99_first_token_ms=None,
        total_cost_usd=requests * 0.001, unpriced=0, input_tokens=0, output_tokens=0,
        total_tokens=requests * 100, rps=0, errors_by_class={},
    )  # fmt: skip


def shown(*windows: Aggregate) -> list[str]:
    return [f"{one.value} {one.change}".strip() for one in figures(stats(*windows))]


def stats(*windows: Aggregate) -> Stats:
    return Stats(total=list(windows), by_model={}, by_provider={}, by_api_key={}, by_mode={})


def ended(at: float, *, failed: bool = False) -> Event:
    return Event(
        type="route_error" if failed else "route_success", timestamp=from_ms(at * 1000),
        request_id="r", cost_usd=0 if failed else 0.001, total_tokens=0 if failed else 100,
    )  # fmt: skip


def values(counted: Counted) -> list[str]:
    return [one.value for one in counted.figures()]


def test_the_last_minutes_stand_against_the_hour_before_them() -> None:
    found = shown(window("5m", 100, p95=150), window("1h", 650), window("24h", 9000))

    assert ["20 ▲100%", "150 ▲50%", "$1.20 ▲100%", "0.0%", "2.0k ▲100%"] == found


def test_an_hour_that_has_hardly_begun_is_nothing_to_compare_rates_with() -> None:
    found = shown(window("5m", 100, errors=7), window("1h", 200), window("24h", 200))

    assert ["20", "100", "$1.20", "7.0% 7 ✗", "2.0k"] == found


def test_too_few_requests_are_nothing_to_compare_with() -> None:
    found = shown(window("5m", 10, p95=900), window("1h", 20), window("24h", 50))

    assert ["2.0", "900", "$0.12", "0.0%", "200"] == found


def test_money_that_is_not_all_known_is_said_to_be_at_least_that() -> None:
    unpriced = msgspec.structs.replace(window("5m", 100), unpriced=3)
    attempt = AttemptLog(
        attempt=1, provider_id="one", model_id="gpt", state="settled", status_code=200,
        error_class="", latency_ms=1.0, input_tokens=1, output_tokens=1, cost_usd=None,
        estimated=False,
    )  # fmt: skip
    unknown = msgspec.structs.replace(ended(NOW + 1), attempts=[attempt])
    counted = Counted().answered(stats(window("5m", 100)), NOW).heard([unknown], NOW + 2)

    assert "≥$1.20" == shown(unpriced)[2]
    assert values(counted)[2].startswith("≥$")


def test_without_a_request_there_are_no_figures() -> None:
    assert ["-"] * 5 == shown()


def test_what_has_ended_since_the_answer_is_counted_up() -> None:
    before = Counted().answered(stats(window("5m", 100)), NOW)

    later = before.heard([ended(NOW + 1), ended(NOW + 1.5, failed=True)], NOW + 2)

    assert ["20", "100", "$1.20", "0.0%", "2.0k"] == values(before)
    assert (102, 1) == (later.since.requests + 100, later.since.errors)
    assert ["20", "100", "$1.20", "1.0%", "2.0k"] == values(later)


def test_the_next_answer_has_what_was_counted_and_nothing_is_counted_twice() -> None:
    heard = [ended(NOW + 1), ended(NOW + 4.9)]
    counted = Counted().answered(stats(window("5m", 100)), NOW).heard(heard[:1], NOW + 2)

    counted = counted.answered(stats(window("5m", 102)), NOW + 5)

    # The second is in the answer, and comes after it.
    assert values(counted) == values(counted.heard(heard[1:], NOW + 5.1))


def test_an_even_flow_stays_even_however_late_the_answer_is() -> None:
    """Twenty a minute, which a window that only grows would make more of."""
    counted = Counted().answered(stats(window("5m", 100)), NOW)

    for second in range(3, 601, 3):
        counted = counted.heard([ended(NOW + second)], NOW + second)

    assert "20" == values(counted)[0]


def test_events_of_a_lost_connection_are_in_the_answer_of_after_it() -> None:
    counted = Counted().answered(stats(window("5m", 100)), NOW)
    told_again = [ended(NOW - 40), ended(NOW - 20)]

    assert values(counted) == values(counted.heard(told_again, NOW + 1))
    assert 1 == counted.heard([*told_again, ended(NOW + 0.5)], NOW + 1).since.requests


def test_a_server_whose_clock_is_ahead_is_no_reason_to_count_twice() -> None:
    counted = Counted().heard([ended(NOW + 30)], NOW).answered(stats(window("5m", 100)), NOW + 1)

    late = counted.heard([ended(NOW + 30.9)], NOW + 1.1)
    new = late.heard([ended(NOW + 31.5)], NOW + 1.6)

    assert (0, 1) == (late.since.requests, new.since.requests)


def test_the_first_requests_are_figures_before_the_next_answer() -> None:
    counted = Counted().answered(stats(), NOW).heard([ended(NOW + 1)], NOW + 1)

    assert ["0.2", "-", "$0.01", "0.0%", "20"] == values(counted)
    assert [] == values(Counted())
