"""The installed list fills what nobody has priced, and touches nothing else."""

import pytest

from tests.support.control import Control, credentials
from tokenhub.admin.changes import By
from tokenhub.admin.providers import ProviderDraft
from tokenhub.core.catalog import Model, Tier
from tokenhub.core.errors import BadRequest, NotFound, Unavailable
from tokenhub.ports.prices import Listed

pytestmark = pytest.mark.anyio
BY = By(request_id="req_1")
OPENAI = "https://api.openai.com"
GPT = Listed(
    max_context_tokens=128_000,
    input_price=2500,
    output_price=10_000,
    cached_price=1250,
    reasoning_price=11_000,
    tiers=(Tier(above_tokens=100_000, input_price=5000, output_price=20_000),),
)
M = Model(id="gpt", provider_id="openai", pricing_source="unknown")
OWN = Model(id="gpt", provider_id="openai", input_price=7, output_price=9)


class Unreadable:
    """A price list that cannot be read."""

    async def find(self, wanted, *, at):
        raise Unavailable("the installed price list cannot be read")


@pytest.fixture
async def listed(control):
    control.listed.entries[OPENAI, "gpt"] = GPT
    where = {"openai": OPENAI, "mirror": "https://llm.example", "box": "http://10.0.0.7:8000"}
    for name, url in where.items():
        await control.providers.put(ProviderDraft(id=name, base_url=url), by=BY)
    await control.providers.put(
        ProviderDraft(id="own", type="vllm", base_url="https://api.openai.com"), by=BY
    )
    return control.listed


def shown(row):
    return (row.pricing_source, row.input_price, row.output_price, row.cached_price)


async def test_a_model_without_a_price_gets_the_lists(control, listed):
    row = await control.models.put(M, by=BY)

    assert ("catalogue", 2500, 10_000, 1250) == shown(row)
    assert (128_000, 11_000, GPT.tiers) == (row.max_context_tokens, row.reasoning_price, row.tiers)


async def test_a_price_of_the_operators_stands_and_the_context_is_filled(control, listed):
    row = await control.models.put(OWN, by=BY)

    assert ("manual", 7, 9, None) == shown(row)
    assert 128_000 == row.max_context_tokens


async def test_a_context_size_of_the_operators_stands(control, listed):
    row = await control.models.put(
        Model(id="gpt", provider_id="openai", pricing_source="unknown", max_context_tokens=8),
        by=BY,
    )

    assert ("catalogue", 8) == (row.pricing_source, row.max_context_tokens)


async def test_a_model_that_is_replaced_without_a_price_keeps_the_operators(control, listed):
    await control.models.put(OWN, by=BY)

    row = await control.models.put(M, by=BY)

    assert ("manual", 7, 9, None) == shown(row)


@pytest.mark.parametrize(
    ("provider_id", "model_id"), [("mirror", "gpt"), ("openai", "gpt-unheard-of")]
)
async def test_who_is_not_in_the_list_has_no_price(control, listed, provider_id, model_id):
    row = await control.models.put(
        Model(id=model_id, provider_id=provider_id, pricing_source="unknown"), by=BY
    )

    assert ("unknown", None, None, None) == shown(row)


@pytest.mark.parametrize("provider_id", ["box", "own"])
async def test_the_list_is_not_asked_of_a_server_of_ones_own(control, listed, provider_id):
    row = await control.models.put(
        Model(id="gpt", provider_id=provider_id, pricing_source="unknown"), by=BY
    )

    assert ("unknown", None, None, None) == shown(row)
    assert [] == listed.asked


async def test_models_that_are_loaded_from_a_provider_have_prices(control, listed):
    control.upstreams.offers["openai"] = ["gpt", "new"]

    await control.providers.autoload("openai", by=BY)

    rows = {row.id: shown(row) for row in control.models.every()}
    assert ("catalogue", 2500, 10_000, 1250) == rows["gpt"]
    assert ("unknown", None, None, None) == rows["new"]


async def test_a_list_that_cannot_be_read_costs_no_model(control, listed):
    control.prices._listed = Unreadable()

    row = await control.models.put(M, by=BY)

    assert ("unknown", None, None, None) == shown(row)
    with pytest.raises(Unavailable):
        await control.prices.sync(by=BY)


# --- changing a price


async def test_a_price_set_by_hand_ends_what_the_list_said_of_its_parts(control, listed):
    await control.models.put(M, by=BY)

    row = await control.models.update("gpt", {"input_price": 0}, by=BY)

    assert ("manual", 0, 10_000, None) == shown(row)
    assert (11_000, ()) == (row.reasoning_price, row.tiers)


async def test_a_part_set_by_hand_leaves_the_rest(control, listed):
    await control.models.put(M, by=BY)

    row = await control.models.update("gpt", {"cached_price": 5}, by=BY)

    assert ("manual", 2500, 10_000, 5) == shown(row)


async def test_prices_set_by_hand_stay_when_another_is_set(control, listed):
    tiers = (Tier(above_tokens=10, input_price=8),)
    await control.models.put(OWN, by=BY)
    await control.models.update("gpt", {"cached_price": 1, "tiers": tiers}, by=BY)

    row = await control.models.update("gpt", {"input_price": 3}, by=BY)

    assert ("manual", 3, 9, 1) == shown(row)
    assert tiers == row.tiers


async def test_an_operator_may_go_back_to_the_list(control, listed):
    await control.models.put(OWN, by=BY)

    row = await control.models.update("gpt", {"pricing_source": "catalogue"}, by=BY)

    assert ("catalogue", 2500, 10_000, 1250) == shown(row)


async def test_an_operator_may_pin_the_lists_prices(control, listed):
    await control.models.put(M, by=BY)
    await control.models.update("gpt", {"pricing_source": "manual"}, by=BY)
    listed.entries[OPENAI, "gpt"] = Listed(input_price=1, output_price=1)

    await control.prices.sync(by=BY)

    assert ("manual", 2500, 10_000, 1250) == shown(control.models.get("gpt"))


@pytest.mark.parametrize(
    "changes",
    [
        {"pricing_source": "litellm"},
        {"pricing_source": "catalogue", "input_price": 1},
    ],
)
async def test_a_source_that_makes_no_sense_is_refused(control, listed, changes):
    await control.models.put(OWN, by=BY)

    with pytest.raises(BadRequest) as refused:
        await control.models.update("gpt", changes, by=BY)

    assert "pricing_source" == refused.value.field


async def test_the_list_cannot_price_what_it_does_not_know(control, listed):
    await control.models.put(Model(id="mine", provider_id="own", input_price=1), by=BY)

    with pytest.raises(BadRequest, match="own_server"):
        await control.models.update("mine", {"pricing_source": "catalogue"}, by=BY)


# --- sync


@pytest.fixture
async def several(control, listed):
    rows = [
        M,
        Model(id="hand", provider_id="openai", input_price=0, output_price=0),
        Model(id="said", provider_id="openai"),
        Model(id="gone", provider_id="openai", pricing_source="catalogue", input_price=3),
        Model(id="new", provider_id="openai", pricing_source="unknown"),
        Model(id="at", provider_id="mirror", pricing_source="unknown"),
        Model(id="local", provider_id="own", pricing_source="unknown"),
    ]
    for row in rows:
        await control.models.put(row, by=BY)
    listed.entries[OPENAI, "gpt"] = Listed(input_price=1, output_price=2, dearest_hours=True)
    listed.entries[OPENAI, "hand"] = Listed(input_price=1, output_price=2, max_context_tokens=9)


async def test_sync_tells_of_every_model_what_it_did_and_why(control, several):
    before = control.catalog.current.version

    done = await control.prices.sync(by=BY)

    told = {one.after.id: (one.result, one.reason) for one in done.verdicts}
    assert {
        "gpt": ("changed", ""),
        "hand": ("changed", "manual"),
        "said": ("kept", "manual"),
        "gone": ("kept", "no_longer_listed"),
        "new": ("unknown", "model_not_listed"),
        "at": ("unknown", "model_not_listed"),
        "local": ("unknown", "own_server"),
    } == told
    rows = {row.id: row for row in control.models.every()}
    assert ("catalogue", 1, 2, None) == shown(rows["gpt"])
    assert (("manual", 0, 0, None), 9) == (shown(rows["hand"]), rows["hand"].max_context_tokens)
    assert ("catalogue", 3, None, None) == shown(rows["gone"])
    assert () == rows["gpt"].tiers
    assert ["gpt"] == [one.after.id for one in done.verdicts if one.dearest_hours]
    assert (before + 1, "a list of the tests") == (control.catalog.current.version, done.catalogue)


async def test_sync_is_one_change_with_one_audit_entry(control, several):
    there = len(control.catalog_store.audit)

    await control.prices.sync(by=BY, provider_id="openai")

    (entry,) = control.catalog_store.audit[there:]
    assert ("model.prices_sync", "openai", "req_1") == (
        entry.action,
        entry.resource,
        entry.request_id,
    )


async def test_a_second_sync_changes_nothing(control, several):
    await control.prices.sync(by=BY)
    version = control.catalog.current.version

    done = await control.prices.sync(by=BY)

    assert "changed" not in {one.result for one in done.verdicts}
    assert version == control.catalog.current.version


async def test_a_dry_run_tells_the_same_and_changes_nothing(control, several):
    version = control.catalog.current.version

    told = await control.prices.sync(by=BY, dry_run=True)
    done = await control.prices.sync(by=BY)

    assert [one.result for one in done.verdicts] == [one.result for one in told.verdicts]
    assert version + 1 == control.catalog.current.version


async def test_sync_of_one_provider_looks_at_its_models_alone(control, several):
    done = await control.prices.sync(by=BY, provider_id="mirror")

    assert ["at"] == [one.after.id for one in done.verdicts]


async def test_sync_of_a_stranger_is_refused(control):
    with pytest.raises(NotFound):
        await control.prices.sync(by=BY, provider_id="nobody")


# --- the credentials file

P = {"id": "openai", "base_url": f"{OPENAI}/v1"}
ENTRY = {"id": "gpt", "provider_id": "openai", "weight": 3}


async def applied(control: Control, entry):
    messages = await control.bootstrap.apply(credentials(providers=[P], models=[entry]))
    assert [] == messages
    return control.models.get("gpt")


async def test_an_entry_without_a_price_gets_the_lists(control):
    control.listed.entries[OPENAI, "gpt"] = GPT

    row = await applied(control, ENTRY)

    assert ("catalogue", 2500, 10_000, 1250) == shown(row)
    assert (128_000, "credentials") == (row.max_context_tokens, row.source)


async def test_a_start_changes_no_price_by_itself(control):
    control.listed.entries[OPENAI, "gpt"] = GPT
    first = await applied(control, ENTRY)
    again = await control.restarted()
    again.listed.entries[OPENAI, "gpt"] = Listed(input_price=1, output_price=1)

    second = await applied(again, {**ENTRY, "weight": 4})

    assert (shown(first), 4) == (shown(second), second.weight)
    assert [] == again.listed.asked


async def test_an_entry_with_prices_is_an_operators_word(control):
    control.listed.entries[OPENAI, "gpt"] = GPT
    prices = {"input_per_1k": 0, "output_per_1k": 0, "cached_input_per_1k": 0}

    row = await applied(control, ENTRY | prices)

    assert ("manual", 0, 0, 0) == shown(row)
