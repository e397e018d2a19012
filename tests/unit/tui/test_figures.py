from tokenhub.wire.stats import Aggregate, Stats
from tokenhub_tui.state.figures import figures


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
    stats = Stats(total=list(windows), by_model={}, by_provider={}, by_api_key={}, by_mode={})
    return [f"{one.value} {one.change}".strip() for one in figures(stats)]


def test_the_last_minutes_stand_against_the_hour_before_them() -> None:
    found = shown(window("5m", 100, p95=150), window("1h", 650), window("24h", 9000))

    assert ["20 ▲100%", "150 ▲50%", "$1.20 ▲100%", "0.0%", "2.0k ▲100%"] == found


def test_an_hour_that_has_hardly_begun_is_nothing_to_compare_rates_with() -> None:
    found = shown(window("5m", 100, errors=7), window("1h", 200), window("24h", 200))

    assert ["20", "100", "$1.20", "7.0% 7 ✗", "2.0k"] == found


def test_too_few_requests_are_nothing_to_compare_with() -> None:
    found = shown(window("5m", 10, p95=900), window("1h", 20), window("24h", 50))

    assert ["2.0", "900", "$0.12", "0.0%", "200"] == found


def test_without_a_request_there_are_no_figures() -> None:
    assert ["-"] * 5 == shown()
