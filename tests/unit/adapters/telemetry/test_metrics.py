"""metrics: what is counted, under which names, and that labels stay few."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tokenhub.adapters.telemetry import metrics as module
from tokenhub.adapters.telemetry.families import FAMILIES, PROCESS
from tokenhub.adapters.telemetry.metrics import Metrics, Readings
from tokenhub.core.attempts import HEDGED
from tokenhub.core.outcome import Attempt, Outcome
from tokenhub.core.waits import Waits

KINDS = {family.name: family.kind for family in (*FAMILIES, *PROCESS)}


def attempt(**fields):
    return Attempt(
        **{"number": 1, "provider_id": "p", "model_id": "m", "state": "settled"} | fields
    )


def outcome(*attempts, **fields):
    usual = {
        "request_id": "r",
        "at": 0.0,
        "key_id": "k",
        "dialect": "openai",
        "requested_model": "what a caller made up",
        "mode": "cheap",
        "reason": "",
        "model_id": "m",
        "provider_id": "p",
        "latency_s": 0.3,
        "upstream_s": 0.25,
    }
    return Outcome(attempts=attempts or (attempt(),), **usual | fields)


def samples(metrics, name):
    """The samples of this name, by their labels in alphabetical order."""
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
        if sample.name == name
    }


def test_lost_decision_records_are_shown_as_they_are_when_scraped():
    lost = [3]
    metrics = Metrics(lambda: Readings(dropped={"decision": lost[0]}))

    before = metrics.text()
    lost[0] = 5
    after = metrics.text()

    assert b"tokenhub_decisions_lost_total 3.0" in before
    assert b"tokenhub_decisions_lost_total 5.0" in after
    assert b'tokenhub_store_dropped_total{op="decision"} 5.0' in after


def test_where_nothing_is_lost_the_counter_is_there_and_zero():
    assert b"tokenhub_decisions_lost_total 0.0" in Metrics().text()


def test_requests_and_errors_are_counted_under_the_originals_names():
    metrics = Metrics()

    metrics.record(outcome())
    metrics.record(outcome(status=502, error_class="provider_failed"))
    metrics.record(outcome(status=499, error_class="client_gone"))

    assert {("cheap", "m", "p", "ok"): 1.0, ("cheap", "m", "p", "error"): 2.0} == samples(
        metrics, "tokenhub_requests_total"
    )
    assert {("502", "cheap", "m", "p"): 1.0, ("499", "cheap", "m", "p"): 1.0} == samples(
        metrics, "tokenhub_request_errors_total"
    )
    assert {("cheap", "m", "p"): 1.0} == samples(metrics, "tokenhub_request_latency_ms_count")
    assert {("cheap", "m", "p"): 300.0} == samples(metrics, "tokenhub_request_latency_ms_sum")


def test_every_attempt_is_counted_with_its_state_its_cost_and_its_tokens():
    metrics = Metrics()

    metrics.record(
        outcome(
            attempt(provider_id="q", state="voided", kind="overloaded"),
            attempt(number=2, input_tokens=7, output_tokens=5, cost_nusd=2_000_000),
        )
    )

    assert {("overloaded", "m", "q", "voided"): 1.0, ("", "m", "p", "settled"): 1.0} == samples(
        metrics, "tokenhub_attempts_total"
    )
    assert 0.002 == samples(metrics, "tokenhub_cost_usd_total")["m", "p"]
    assert 7.0 == samples(metrics, "tokenhub_tokens_total")["input", "m", "p"]
    assert {(): 1.0} == samples(metrics, "tokenhub_retries_total")


def test_a_hedge_is_no_retry_and_has_won_or_lost():
    metrics = Metrics()
    both = attempt(state="unknown", kind="hedge_lost"), attempt(number=2)

    metrics.record(outcome(*both, hedges=1, reason=HEDGED))
    metrics.record(outcome(*both, hedges=1))

    assert {(): 0.0} == samples(metrics, "tokenhub_retries_total")
    assert {("won",): 1.0, ("lost",): 1.0} == samples(metrics, "tokenhub_hedges_total")


def test_the_first_token_and_what_was_ours_of_the_time():
    metrics = Metrics()

    metrics.record(outcome(first_token_s=0.1))
    metrics.record(outcome())

    assert {("m", "p"): 1.0} == samples(metrics, "tokenhub_first_token_seconds_count")
    assert {(): 2.0} == samples(metrics, "tokenhub_overhead_seconds_count")
    assert 0.1 == pytest.approx(samples(metrics, "tokenhub_overhead_seconds_sum")[()])


def test_a_provider_that_is_passed_over_counts_once_a_request_and_reason():
    metrics = Metrics()

    skipped = (("p/a", "disabled"), ("p/b", "disabled"), ("q/a", "budget_exceeded"))
    metrics.record(outcome(skipped=skipped))

    assert {("p", "disabled"): 1.0, ("q", "budget_exceeded"): 1.0} == samples(
        metrics, "tokenhub_provider_skips_total"
    )


def test_a_mode_that_nobody_knows_is_other():
    metrics = Metrics()

    for number in range(100):
        metrics.record(outcome(mode=f"made up {number}"))

    assert {("other", "m", "p", "ok"): 100.0} == samples(metrics, "tokenhub_requests_total")


def test_models_beyond_the_bound_are_one(monkeypatch):
    monkeypatch.setattr(module, "MOST_ROUTES", 3)
    metrics = Metrics()

    for number in range(50):
        name = f"m{number}"
        skipped = ((f"p{number}/m", "disabled"),)
        tried = attempt(model_id=name)
        metrics.record(outcome(tried, model_id=name, first_token_s=0.1, skipped=skipped))

    counted = samples(metrics, "tokenhub_requests_total")
    assert 50.0 == sum(counted.values())
    assert 47.0 == counted["cheap", "other", "other", "ok"]
    assert 4 == len(samples(metrics, "tokenhub_provider_skips_total"))
    assert 8 == len(samples(metrics, "tokenhub_tokens_total"))


def test_waits_are_shown_at_each_doubling():
    waits = Waits()
    waits.note(0.00015)
    waits.note(100.0)

    metrics = Metrics(lambda: Readings(queue_waits=waits))

    buckets = samples(metrics, "tokenhub_queue_wait_seconds_bucket")
    assert (19, 0.0, 1.0, 2.0) == (
        len(buckets),
        buckets["0.0001",],
        buckets["0.0002",],
        buckets["+Inf",],
    )


def test_the_door_counts_addresses_and_keys():
    metrics = Metrics(
        lambda: Readings(
            under_way=4,
            overload_refused=3,
            addresses_refused=5,
            keys_refused=2,
            operators_refused=1,
        )
    )

    shown = {
        name: samples(metrics, f"tokenhub_{name}")[()]
        for name in (
            "requests_under_way",
            "requests_refused_total",
            "rate_limited_total",
            "key_rate_limited_total",
            "admin_rate_limited_total",
        )
    }
    assert [4.0, 3.0, 7.0, 2.0, 1.0] == list(shown.values())


def test_every_metric_has_its_place_in_the_table_and_its_labels():
    """And with all of them used, nothing of the table is missing from a scrape."""
    metrics = Metrics(
        lambda: Readings(
            dropped={"decision": 1},
            stores={"ledger": True},
            store_faults={"ledger": 1},
            providers={"p": 2},
            routes={("m", "p"): 1},
            version="1",
        )
    )
    metrics.record(outcome(first_token_s=0.1))
    skipped = (("p/a", "disabled"),)
    metrics.record(outcome(status=502, error_class="provider_failed", skipped=skipped))

    found = {}
    for family in text_string_to_metric_families(metrics.text().decode()):
        for sample in family.samples:
            name = re.sub("_(bucket|count|sum|created)$", "", sample.name)
            found.setdefault(name if name in KINDS else sample.name, set()).update(sample.labels)
    ours = {family.name: set(family.labels) for family in FAMILIES}

    assert ours == {
        name: labels - {"le"} for name, labels in found.items() if name.startswith("tokenhub_")
    }
    assert {family.name for family in PROCESS} == found.keys() - ours.keys()


@pytest.mark.anyio
async def test_the_page_is_the_text():
    metrics = Metrics(lambda: Readings(version="1"))
    metrics.record(outcome())

    page = await metrics.page()

    ours = [line for line in metrics.text().splitlines() if b"tokenhub" in line]
    assert ours == [line for line in page.splitlines() if b"tokenhub" in line]
    assert b"process_resident_memory_bytes" in page
