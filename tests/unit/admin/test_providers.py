import json

import pytest

from tokenhub.admin.changes import By
from tokenhub.admin.providers import ProviderDraft
from tokenhub.core.errors import (
    BadRequest,
    Conflict,
    DeadlineExceeded,
    NotFound,
    ProviderFailed,
    Stale,
    Unavailable,
)
from tokenhub.core.failures import Kind
from tokenhub.ports.provider import UpstreamError

pytestmark = pytest.mark.anyio
BY = By(request_id="req_1")
SECRET = "sk-very-secret"


def draft(**fields):
    return ProviderDraft(**{"id": "p", "base_url": "https://h/v1", **fields})


async def test_a_put_without_a_key_keeps_the_one_that_is_there(control):
    await control.providers.put(draft(secret=SECRET), by=BY)

    row = await control.providers.put(draft(enabled=False), by=BY)

    assert SECRET == control.secret("p")
    assert ("memory", "present", False) == (
        row.cred_store,
        control.providers.credential(row),
        row.enabled,
    )


async def test_an_empty_key_clears_it(control):
    await control.providers.put(draft(secret=SECRET), by=BY)

    row = await control.providers.put(draft(secret=""), by=BY)

    assert control.secret("p") is None
    assert ("none", "none") == (row.cred_store, control.providers.credential(row))


async def test_after_a_restart_a_key_of_memory_is_missing_and_the_note_says_so(control):
    await control.providers.put(draft(secret=SECRET), by=BY)

    again = await control.restarted()

    row = again.providers.get("p")
    assert "missing" == again.providers.credential(row)
    assert "give it again" in again.providers.note(row)


async def test_a_key_that_no_header_can_hold_is_refused_and_not_echoed(control):
    with pytest.raises(BadRequest) as refused:
        await control.providers.put(draft(secret="sk\r\nx: evil"), by=BY)

    assert "api_key" == refused.value.field
    assert "evil" not in str(refused.value)
    assert 0 == control.catalog.current.version


async def test_every_change_is_audited_without_the_key(control):
    await control.providers.put(draft(secret=SECRET), by=BY)
    await control.providers.update("p", {"enabled": False}, by=BY, secret=SECRET)
    await control.providers.delete("p", by=BY)

    trail = control.catalog_store.audit
    assert ["provider.upsert", "provider.patch", "provider.delete"] == [e.action for e in trail]
    assert {("p", "admin", "req_1")} == {(e.resource, e.actor, e.request_id) for e in trail}
    assert not any(SECRET in entry.detail for entry in trail)
    patched = json.loads(trail[1].detail)
    assert (True, False) == (patched["before"]["enabled"], patched["after"]["enabled"])


async def test_the_catalog_is_swapped_whole(control):
    before = control.catalog.current

    await control.providers.put(draft(), by=BY)

    assert {} == before.providers
    assert ["p"] == list(control.catalog.current.providers)


async def test_a_failed_commit_changes_neither_catalog_nor_key(control):
    class Broken:
        async def put_provider(self, *_args, **_kwargs):
            raise Unavailable("the disk is full")

    control.changes.store = Broken()

    with pytest.raises(Unavailable):
        await control.providers.put(draft(secret=SECRET), by=BY)

    assert control.secret("p") is None
    assert {} == control.catalog.current.providers


async def test_a_new_base_url_alone_replaces_the_first_endpoint(control):
    await control.providers.put(
        draft(type="vllm", endpoints=("http://a", "http://b"), base_url=""), by=BY
    )

    row = await control.providers.update("p", {"base_url": "http://c/v1"}, by=BY)

    assert ("http://c", ("http://c", "http://b")) == (row.base_url, row.endpoints)


async def test_new_endpoints_alone_replace_the_base_url(control):
    await control.providers.put(draft(type="vllm"), by=BY)

    row = await control.providers.update("p", {"endpoints": ("http://a", "http://b")}, by=BY)

    assert ("http://a", ("http://a", "http://b")) == (row.base_url, row.endpoints)


async def test_a_type_that_cannot_take_turns_refuses_several_endpoints(control):
    await control.providers.put(draft(type="vllm", endpoints=("http://b",)), by=BY)

    with pytest.raises(BadRequest) as refused:
        await control.providers.update("p", {"type": "openai"}, by=BY)

    assert "endpoints" == refused.value.field


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("id", {"id": ""}),
        ("id", {"id": "a/b"}),
        ("id", {"id": "x" * 101}),
        ("id", {"id": "a\nb"}),
        ("type", {"type": "gemini"}),
        ("base_url", {"base_url": ""}),
        ("base_url", {"base_url": "ftp://h"}),
        ("endpoints[0]", {"type": "vllm", "endpoints": ("nope",)}),
        ("endpoints", {"type": "vllm", "endpoints": tuple(f"http://h{i}" for i in range(65))}),
    ],
)
async def test_bad_values_name_their_field(control, field, fields):
    with pytest.raises(BadRequest) as refused:
        await control.providers.put(draft(**fields), by=BY)

    assert field == refused.value.field


async def test_a_host_that_does_not_resolve_can_be_registered(control):
    row = await control.providers.put(draft(base_url="https://not-there.invalid"), by=BY)

    assert "https://not-there.invalid" == row.base_url


async def test_a_stale_change_is_refused(control):
    row = await control.providers.put(draft(), by=BY)
    await control.providers.update("p", {"enabled": False}, by=BY)

    with pytest.raises(Stale):
        await control.providers.update("p", {"enabled": True}, by=BY, expected=row.version)
    with pytest.raises(Stale):
        await control.providers.delete("p", by=BY, expected=row.version)
    with pytest.raises(Stale):
        await control.providers.put(draft(), by=BY, expected=row.version)

    assert isinstance(Stale("x"), Conflict)
    assert control.providers.get("p").enabled is False


async def test_a_delete_takes_models_and_key_along(control):
    control.upstreams.offers["p"] = ["m"]
    await control.providers.put(draft(secret=SECRET), by=BY)
    await control.providers.autoload("p", by=BY)

    await control.providers.delete("p", by=BY)

    assert control.secret("p") is None
    assert {} == control.catalog.current.models


async def test_what_is_not_there_is_not_found(control):
    with pytest.raises(NotFound):
        control.providers.get("p")
    with pytest.raises(NotFound):
        await control.providers.discover("p")
    with pytest.raises(NotFound):
        await control.providers.update("p", {}, by=BY)
    with pytest.raises(NotFound):
        await control.providers.delete("p", by=BY)


async def test_discovery_tells_which_models_are_registered(control):
    await control.providers.put(draft(), by=BY)
    control.upstreams.offers["p"] = ["a"]
    await control.providers.autoload("p", by=BY)
    control.upstreams.offers["p"] = ["a", "b"]

    found = await control.providers.discover("p")

    assert [("a", True), ("b", False)] == [(offer.id, offer.registered) for offer in found]


async def test_autoload_adds_what_is_missing_and_touches_nothing_else(control):
    await control.providers.put(draft(), by=BY)
    control.upstreams.offers["p"] = ["a", "a", "org/b", "bad\nid", "", "x//y"]
    await control.providers.autoload("p", by=BY)
    await control.models.update("a", {"weight": 9}, by=BY)

    added = await control.providers.autoload("p", by=BY)

    assert [] == added
    rows = {row.id: row for row in control.models.every()}
    assert {"a", "org/b"} == set(rows)
    assert (9, 5) == (rows["a"].weight, rows["org/b"].weight)
    assert rows["org/b"].enabled
    assert rows["org/b"].input_price is None


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("upstream_unreachable", Kind.UNREACHABLE),
        ("upstream_timeout", Kind.TIMEOUT),
        ("upstream_lost", Kind.LOST),
        ("upstream_throttled", Kind.THROTTLED),
        ("upstream_exhausted", Kind.EXHAUSTED),
        ("upstream_credential", Kind.CREDENTIAL),
        ("upstream_overloaded", Kind.OVERLOADED),
        ("upstream_invalid_response", Kind.BROKEN),
        ("upstream_refused", Kind.CONTEXT),
        ("upstream_refused", Kind.CLIENT),
    ],
)
async def test_a_failed_discovery_names_the_class_and_not_the_providers_words(control, code, kind):
    await control.providers.put(draft(), by=BY)
    control.upstreams.faults["p"] = UpstreamError(kind, status=404, message="secret words")

    with pytest.raises(ProviderFailed) as failed:
        await control.providers.discover("p")

    assert code == failed.value.code
    assert "secret words" not in str(failed.value)
    assert (kind is Kind.TIMEOUT) == isinstance(failed.value, DeadlineExceeded)


@pytest.mark.parametrize("url", ["https://other/v1", "http://h/v1", "https://h:8443/v1"])
async def test_a_key_does_not_follow_its_provider_to_another_origin(control, url):
    await control.providers.put(draft(secret=SECRET), by=BY)

    row = await control.providers.update("p", {"base_url": url}, by=BY)

    assert control.secret("p") is None
    assert ("memory", "missing") == (row.cred_store, control.providers.credential(row))
    assert "another origin" in control.providers.note(row)


async def test_a_put_to_another_origin_forgets_the_key_too(control):
    await control.providers.put(draft(secret=SECRET), by=BY)

    row = await control.providers.put(draft(base_url="https://other"), by=BY)

    assert control.secret("p") is None
    assert "another origin" in control.providers.note(row)


async def test_a_new_endpoint_at_another_origin_forgets_the_key(control):
    two = ("http://a", "http://b")
    await control.providers.put(draft(type="vllm", base_url="", endpoints=two, secret="s"), by=BY)

    await control.providers.update("p", {"endpoints": (*two, "http://c")}, by=BY)

    assert control.secret("p") is None


async def test_an_endpoint_less_is_no_new_origin(control):
    two = ("http://a", "http://b")
    await control.providers.put(draft(type="vllm", base_url="", endpoints=two, secret="s"), by=BY)

    await control.providers.update("p", {"endpoints": ("http://b",)}, by=BY)

    assert "s" == control.secret("p")


async def test_a_key_stays_where_only_the_path_changes(control):
    await control.providers.put(draft(secret=SECRET), by=BY)

    row = await control.providers.update("p", {"base_url": "https://H:443/compatible/v1"}, by=BY)

    assert SECRET == control.secret("p")
    assert "another origin" not in control.providers.note(row)


async def test_a_key_that_comes_with_the_new_origin_is_used(control):
    await control.providers.put(draft(secret=SECRET), by=BY)

    moved = {"base_url": "https://other"}
    row = await control.providers.update("p", moved, by=BY, secret="sk-new")

    assert "sk-new" == control.secret("p")
    assert "present" == control.providers.credential(row)


async def test_after_a_new_key_the_note_speaks_of_the_origin_no_more(control):
    await control.providers.put(draft(secret=SECRET), by=BY)
    await control.providers.update("p", {"base_url": "https://other"}, by=BY)

    await control.providers.update("p", {}, by=BY, secret="sk-new")
    control.secrets.apply(control.secrets.taken("p"))

    assert "another origin" not in control.providers.note(control.providers.get("p"))


async def test_a_move_that_cannot_be_committed_keeps_the_key(control):
    class Broken:
        async def put_provider(self, *_args, **_kwargs):
            raise Unavailable("the disk is full")

    await control.providers.put(draft(secret=SECRET), by=BY)
    control.changes.store = Broken()

    with pytest.raises(Unavailable):
        await control.providers.update("p", {"base_url": "https://other"}, by=BY)

    assert SECRET == control.secret("p")


async def test_a_provider_without_a_key_moves_without_a_word(control):
    await control.providers.put(draft(), by=BY)

    row = await control.providers.update("p", {"base_url": "https://other"}, by=BY)

    assert ("none", "") == (control.providers.credential(row), control.providers.note(row))


@pytest.mark.parametrize("kind", ["openai", "anthropic", "vllm"])
async def test_every_type_of_provider_can_be_registered(control, kind):
    row = await control.providers.put(draft(type=kind), by=BY)

    assert kind == row.type
