"""Events in words: units, and what is left out."""

import msgspec
import pytest

from tests.support.builders import a_catalog, a_model, an_intent, signals
from tokenhub.app.live import changes, counted
from tokenhub.core.decide import decide
from tokenhub.core.errors import BadRequest
from tokenhub.core.events import BUDGET_ALERT, DECISION, ROUTE_ERROR, Event
from tokenhub.core.outcome import Outcome
from tokenhub.ports.stores import REFUSED, Audit
from tokenhub.web.admin.events import compiled
from tokenhub.web.admin.live import told

AT = 1_750_000_000.25
CATALOG = a_catalog(a_model("org/gpt", "one"), a_model("small", "two"))


def words(event):
    return msgspec.json.decode(told(AT, event))


def test_money_and_time_are_in_the_units_of_the_wire():
    event = Event(type=BUDGET_ALERT, key_name="app", percent=50, spent_nusd=5 * 10**8)

    assert {
        "type": "budget_alert",
        "timestamp": "2025-06-15T15:06:40.250Z",
        "api_key_name": "app",
        "percent": 50,
        "spent_usd": 0.5,
    } == words(event)


@pytest.mark.parametrize(
    ("hint", "shown"),
    [
        ("org/gpt", "org/gpt"),
        ("one/org/gpt", "one/org/gpt"),
        ("small", "small"),
        ("tell me a secret", ""),
    ],
)
def test_a_name_that_a_caller_sent_is_told_where_it_is_one_of_ours(hint, shown):
    intent = an_intent(hint, substitute="any")
    record = decide(intent, CATALOG, signals(), 1).record

    found = words(Event(type=DECISION, request_id="req_1", record=record))

    assert shown == found["decision"]["hint"]
    assert 2 == len(found["decision"]["candidates"])


def test_an_error_is_told_by_its_class():
    outcome = Outcome(
        request_id="req_1",
        at=AT,
        key_id="key_1",
        dialect="openai",
        requested_model="tell me a secret",
        mode="cheap",
        reason="",
        status=503,
        error_class="overloaded",
        latency_s=0.25,
    )

    found = words(Event(type=ROUTE_ERROR, key_name="app", outcome=outcome))

    assert ("overloaded", "overloaded: answered with status 503", 250.0, 503) == (
        found["error_class"],
        found["error_msg"],
        found["latency_ms"],
        found["status_code"],
    )
    assert "secret" not in str(found)


def audited(action, outcome="ok"):
    return Audit(action=action, resource="r", actor="ann", at=AT, outcome=outcome)


def test_changes_are_told_and_looks_and_refusals_are_not():
    found = []

    class Events:
        def emit(self, event):
            found.append((event.type, event.action, event.resource, event.new_state))

    heard = changes(Events())
    for action in ("model.patch", "vault.lock", "vault.secret.set", "vault.secret.get"):
        heard(audited(action))
    for action in ("session.create", "auth.admin", "backup.create", "health.reset"):
        heard(audited(action))
    heard(audited("vault.unlock", REFUSED))

    assert [
        ("config_changed", "model.patch", "r", ""),
        ("vault_changed", "vault.lock", "", "locked"),
        ("vault_changed", "vault.secret.set", "", ""),
    ] == found


def test_a_heartbeat_counts_what_could_answer():
    models = (a_model("gpt", "one"), a_model("old", "one", enabled=False))

    assert "providers=1 models=1" == counted(a_catalog(*models))


def test_every_term_of_a_filter_must_hold():
    matches = compiled("model:gpt  ms>10")

    assert matches({"type": "attempt", "model_id": "gpt", "latency_ms": 11.0})
    assert not matches({"type": "attempt", "latency_ms": 11.0})
    assert not matches({"type": "attempt", "model_id": "gpt"})


def test_a_filter_that_would_hold_up_requests_is_refused():
    """It is asked of every event, in the loop that serves requests."""
    compiled(" ".join(["!word"] * 8))

    with pytest.raises(BadRequest, match="8 terms"):
        compiled(" ".join(["!word"] * 9))
