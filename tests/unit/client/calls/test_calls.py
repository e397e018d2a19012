"""Each endpoint once: method, path, query, body, and the type of its answer."""

import pytest

from tokenhub.client.call import Call
from tokenhub.client.calls import (
    audit,
    backups,
    catalog,
    feedback,
    health,
    info,
    keys,
    ledger,
    observe,
    orchestrations,
    prices,
    routing,
)
from tokenhub.wire import catalog as shown
from tokenhub.wire import health as told
from tokenhub.wire import orchestrations as wire
from tokenhub.wire.audit import AuditPage, AuditVerified
from tokenhub.wire.backups import BackupMade, BackupPage
from tokenhub.wire.feedback import FeedbackGiven, FeedbackIn, FeedbackPage
from tokenhub.wire.keys import (
    ApiKey,
    ApiKeyCreate,
    ApiKeyDone,
    ApiKeyIssued,
    ApiKeyPage,
    ApiKeyPatch,
)
from tokenhub.wire.ledger import LedgerVerified
from tokenhub.wire.logs import AttemptPage, LogFacets, LogHistogram
from tokenhub.wire.observe import LogPage
from tokenhub.wire.prices import PriceSync, PriceSynced
from tokenhub.wire.routing import RoutingConfig, RoutingConfigPut

PROVIDER = shown.ProviderCreate(id="p")
MODEL = shown.ModelCreate(id="m", provider_id="p")
P_PATCH = shown.ProviderPatch(enabled=True)
M_PATCH = shown.ModelPatch(weight=1)
KEY = ApiKeyCreate(name="k")
K_PATCH = ApiKeyPatch(enabled=False)
PUT = RoutingConfigPut()
SAID = FeedbackIn(request_id="r", thumbs="up")
V1 = "/admin/v1"

CALLS = [
    (backups.make_backup(), "POST", f"{V1}/backup", None, BackupMade),
    (backups.list_backups(), "GET", f"{V1}/backups", None, BackupPage),
    (catalog.list_providers(), "GET", f"{V1}/providers", None, shown.ProviderPage),
    (catalog.get_provider("p"), "GET", f"{V1}/providers/p", None, shown.Provider),
    (catalog.put_provider(PROVIDER), "POST", f"{V1}/providers", PROVIDER, shown.ProviderDone),
    (
        catalog.update_provider("p", P_PATCH),
        "PATCH",
        f"{V1}/providers/p",
        P_PATCH,
        shown.ProviderDone,
    ),
    (catalog.delete_provider("p"), "DELETE", f"{V1}/providers/p", None, shown.Done),
    (catalog.discover_models("p"), "GET", f"{V1}/providers/p/discover", None, shown.Discovery),
    (catalog.list_models(), "GET", f"{V1}/models", None, shown.ModelPage),
    (catalog.get_model("a/m"), "GET", f"{V1}/models/a/m", None, shown.Model),
    (catalog.put_model(MODEL), "POST", f"{V1}/models", MODEL, shown.ModelDone),
    (catalog.update_model("a/m", M_PATCH), "PATCH", f"{V1}/models/a/m", M_PATCH, shown.ModelDone),
    (catalog.delete_model("a/m"), "DELETE", f"{V1}/models/a/m", None, shown.Done),
    (
        prices.sync_prices(provider_id="p", dry_run=True),
        "POST",
        f"{V1}/models/prices/sync",
        PriceSync(provider_id="p", dry_run=True),
        PriceSynced,
    ),
    (catalog.engine_models(), "GET", f"{V1}/engine/models", None, shown.EnginePage),
    (keys.list_keys(), "GET", f"{V1}/apikeys", None, ApiKeyPage),
    (keys.get_key("k"), "GET", f"{V1}/apikeys/k", None, ApiKey),
    (keys.create_key(KEY), "POST", f"{V1}/apikeys", KEY, ApiKeyIssued),
    (keys.update_key("k", K_PATCH), "PATCH", f"{V1}/apikeys/k", K_PATCH, ApiKeyDone),
    (keys.delete_key("k"), "DELETE", f"{V1}/apikeys/k", None, shown.Done),
    (routing.get_routing(), "GET", f"{V1}/routing-config", None, RoutingConfig),
    (routing.put_routing(PUT), "PUT", f"{V1}/routing-config", PUT, RoutingConfig),
    (observe.list_logs(), "GET", f"{V1}/logs", None, LogPage),
    (observe.log_histogram(), "GET", f"{V1}/logs/histogram", None, LogHistogram),
    (observe.log_facets(), "GET", f"{V1}/logs/facets", None, LogFacets),
    (audit.list_audit(), "GET", f"{V1}/audit", None, AuditPage),
    (health.get_health(), "GET", f"{V1}/health", None, told.Health),
    (health.reset_health("p"), "POST", f"{V1}/health/p/reset", None, told.Reset),
    (health.reset_health("p/org/m"), "POST", f"{V1}/health/p/org/m/reset", None, told.Reset),
    (health.test_provider("p"), "POST", f"{V1}/providers/p/test", None, told.Tested),
    (
        orchestrations.list_orchestrations(),
        "GET",
        f"{V1}/orchestrations",
        None,
        wire.OrchestrationPage,
    ),
    (
        orchestrations.get_orchestration("o"),
        "GET",
        f"{V1}/orchestrations/o",
        None,
        wire.OrchestrationDetail,
    ),
    (orchestrations.list_workflows(), "GET", f"{V1}/workflows", None, wire.WorkflowPage),
    (orchestrations.get_workflow("a/w"), "GET", f"{V1}/workflows/a/w", None, wire.NoWorkflow),
    (
        orchestrations.get_workflow_history("a/w"),
        "GET",
        f"{V1}/workflows/a/w/history",
        None,
        wire.NoWorkflow,
    ),
    (
        feedback.list_feedback(),
        "GET",
        f"{V1}/feedback",
        None,
        FeedbackPage,
    ),
    (feedback.give_feedback(SAID), "POST", f"{V1}/feedback", SAID, FeedbackGiven),
    (info.info(), "GET", f"{V1}/info", None, shown.Info),
    (info.healthz(), "GET", "/healthz", None, shown.Health),
]


@pytest.mark.parametrize(("call", "method", "path", "body", "returns"), CALLS)
def test_call_is_what_the_endpoint_wants(
    call: Call[object], method: str, path: str, body: object, returns: type
) -> None:
    assert Call(method=method, path=path, body=body, returns=returns) == call


@pytest.mark.parametrize(
    ("call", "path", "returns"),
    [
        (audit.verify_audit(), f"{V1}/audit/verify", AuditVerified),
        (ledger.verify_ledger(), f"{V1}/ledger/verify", LedgerVerified),
    ],
)
def test_a_verification_changes_nothing(call: Call[object], path: str, returns: type) -> None:
    assert Call(method="POST", path=path, returns=returns, asks=True) == call
    assert not call.changes


def test_lists_ask_for_their_page() -> None:
    page = (("limit", "2"), ("offset", "4"))

    assert page == catalog.list_providers(limit=2, offset=4).query
    assert page == catalog.engine_models(limit=2, offset=4).query
    assert page == keys.list_keys(limit=2, offset=4).query
    assert (("provider_id", "p"), *page) == catalog.list_models(
        provider_id="p", limit=2, offset=4
    ).query


def test_the_log_is_asked_with_a_filter() -> None:
    asked = observe.list_logs(wanted="model:gpt", cursor="aX")
    attempts = observe.list_attempts(wanted="ms>5", limit=3)

    assert (("cursor", "aX"), ("filter", "model:gpt")) == asked.query
    assert (("attempts", "rows"), ("limit", "3"), ("filter", "ms>5")) == attempts.query
    assert AttemptPage is attempts.returns


def test_a_model_at_several_providers_is_named_with_its_provider() -> None:
    named = (("provider_id", "p"),)

    assert named == catalog.get_model("m", provider_id="p").query
    assert named == catalog.update_model("m", M_PATCH, provider_id="p").query
    assert named == catalog.delete_model("m", provider_id="p").query


def test_changes_carry_the_version_that_was_read() -> None:
    changes: list[Call[object]] = [
        catalog.update_provider("p", P_PATCH, if_match=3),
        catalog.delete_provider("p", if_match=3),
        catalog.update_model("m", M_PATCH, if_match=3),
        catalog.delete_model("m", if_match=3),
        keys.update_key("k", K_PATCH, if_match=3),
        keys.delete_key("k", if_match=3),
        routing.put_routing(PUT, if_match=3),
    ]

    assert [3] * len(changes) == [call.if_match for call in changes]


def test_logs_are_narrowed_by_all_that_was_given() -> None:
    call = observe.list_logs(limit=20, before="r1", model_id="m", status=500)

    assert (("limit", "20"), ("before", "r1"), ("model_id", "m"), ("status", "500")) == call.query


def test_a_request_is_read_by_its_id() -> None:
    call = observe.get_request("req_1")

    assert ("GET", "/admin/v1/requests/req_1", ()) == (call.method, call.path, call.query)


def test_a_request_is_explained_by_its_id_and_verified_where_that_is_asked() -> None:
    plain = observe.explain_request("req/1")
    verified = observe.explain_request("req/1", verify=True)

    path = "/admin/v1/routing/explain/req/1"
    assert ("GET", path, ()) == (plain.method, plain.path, plain.query)
    assert (path, (("verify", "true"),)) == (verified.path, verified.query)


def test_only_reading_is_safe_to_repeat() -> None:
    assert catalog.list_models().safe
    assert not catalog.put_model(MODEL).safe
    assert not catalog.delete_model("m").safe
