from tokenhub.adapters.telemetry.metrics import Metrics


def test_lost_decision_records_are_shown_as_they_are_when_scraped() -> None:
    lost = [3]
    metrics = Metrics(decisions_lost=lambda: lost[0])

    before = metrics.text()
    lost[0] = 5
    after = metrics.text()

    assert b"tokenhub_decisions_lost_total 3.0" in before
    assert b"tokenhub_decisions_lost_total 5.0" in after


def test_where_nothing_is_lost_the_counter_is_there_and_zero() -> None:
    assert b"tokenhub_decisions_lost_total 0.0" in Metrics().text()
