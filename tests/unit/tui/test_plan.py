"""One orchestration in a line."""

import msgspec

from tokenhub.wire.orchestrations import OrchestrationDetail
from tokenhub_tui.state.plan import title

PLAN = OrchestrationDetail(
    id="plan_1", timestamp="2026-01-31T10:00:00.000Z", api_key_id="key_1", dialect="openai",
    mode="vote", status="partial", iterations=1, step_count=4, stream=False,
    cost_estimate_usd=0.02, cost_usd=0.012, error_class="", latency_ms=4100.0, steps=[],
)  # fmt: skip


def test_title_tells_the_cost_beside_what_was_expected() -> None:
    assert ("! vote · partial · 4 steps · 4.1s · $0.0120 (expected $0.0200)", "warn") == title(PLAN)


def test_title_of_a_failure_names_it() -> None:
    failed = msgspec.structs.replace(
        PLAN, status="failed", step_count=1, error_class="no_provider_available", cost_usd=None
    )

    text, tone = title(failed)

    assert text.startswith("✗ vote · failed · 1 step · 4.1s · cost unknown")
    assert (True, "bad") == (text.endswith("no route may answer"), tone)
