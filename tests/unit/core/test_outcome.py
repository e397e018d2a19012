"""What one request came to, over all of its attempts."""

from typing import Any

import pytest

from tokenhub.core.outcome import Attempt, Outcome


def attempt(number: int, **changes: Any) -> Attempt:
    return Attempt(number=number, provider_id="p", model_id="m", state="settled", **changes)


def outcome(*attempts: Attempt, **changes: Any) -> Outcome:
    given: dict[str, Any] = {
        "request_id": "req_1",
        "at": 1.0,
        "key_id": "k",
        "dialect": "openai",
        "requested_model": "",
        "mode": "normal",
        "reason": "",
    }
    return Outcome(attempts=attempts, **(given | changes))


def test_every_attempt_counts() -> None:
    whole = outcome(
        attempt(1, input_tokens=10, output_tokens=2, cost_nusd=5),
        attempt(2, input_tokens=10, output_tokens=3, cost_nusd=7),
    )

    assert (20, 5, 12) == (whole.input_tokens, whole.output_tokens, whole.cost_nusd)


def test_request_that_nobody_was_asked_costs_nothing() -> None:
    assert (0, 0, 0) == (outcome().input_tokens, outcome().output_tokens, outcome().cost_nusd)


def test_one_unknown_price_makes_the_sum_unknown() -> None:
    assert outcome(attempt(1, cost_nusd=5), attempt(2, cost_nusd=None)).cost_nusd is None


@pytest.mark.parametrize(
    ("latency", "upstream", "overhead"), [(1.0, 0.75, 0.25), (1.0, 1.5, 0.0), (0.5, 0.0, 0.5)]
)
def test_overhead_is_what_is_left_and_never_negative(
    latency: float, upstream: float, overhead: float
) -> None:
    assert overhead == outcome(latency_s=latency, upstream_s=upstream).overhead_s
