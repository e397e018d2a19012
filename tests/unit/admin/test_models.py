import pytest

from tokenhub.admin.changes import By
from tokenhub.admin.models import price_of
from tokenhub.admin.providers import ProviderDraft
from tokenhub.core.catalog import Model
from tokenhub.core.errors import BadRequest, Conflict, NotFound, Stale

pytestmark = pytest.mark.anyio
BY = By(request_id="req_1")


@pytest.fixture
async def models(control):
    for name in ("p", "q"):
        await control.providers.put(ProviderDraft(id=name, base_url="https://h"), by=BY)
    return control.models


async def test_an_id_with_slashes_is_found_as_it_stands_before_provider_and_id(models):
    await models.put(Model(id="q/m", provider_id="p"), by=BY)
    await models.put(Model(id="m", provider_id="q"), by=BY)

    assert ("p", "q/m") == models.get("q/m").key
    assert ("q", "m") == models.get("m").key
    assert ("p", "q/m") == models.get("p/q/m").key


async def test_the_same_model_at_two_providers_must_be_told_apart(models):
    await models.put(Model(id="m", provider_id="p", weight=1), by=BY)
    await models.put(Model(id="m", provider_id="q", weight=2), by=BY)

    with pytest.raises(Conflict, match="p, q"):
        models.get("m")

    assert 1 == models.get("m", provider_id="p").weight
    assert 2 == models.get("q/m").weight


async def test_another_provider_is_never_meant_by_a_wrong_prefix(models):
    await models.put(Model(id="m", provider_id="p"), by=BY)

    with pytest.raises(NotFound):
        models.get("elsewhere/m")
    with pytest.raises(NotFound):
        models.get("m", provider_id="q")


async def test_an_unknown_provider_is_refused_naming_the_field(models):
    with pytest.raises(BadRequest) as refused:
        await models.put(Model(id="m", provider_id="nobody"), by=BY)

    assert "provider_id" == refused.value.field


@pytest.mark.parametrize("changes", [{"input_price": 1}, {"output_price": None}])
async def test_setting_a_price_marks_it_manual(models, changes):
    await models.put(Model(id="m", provider_id="p", pricing_source="list"), by=BY)

    row = await models.update("m", changes, by=BY)

    assert "manual" == row.pricing_source


async def test_another_change_leaves_the_mark_of_the_price(models):
    await models.put(Model(id="m", provider_id="p", pricing_source="list"), by=BY)

    row = await models.update("m", {"weight": 3}, by=BY)

    assert ("list", 3) == (row.pricing_source, row.weight)


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("id", {"id": ""}),
        ("id", {"id": "a\r\nb"}),
        ("id", {"id": "/a"}),
        ("id", {"id": "a/../b"}),
        ("id", {"id": "x" * 201}),
        ("weight", {"weight": 11}),
        ("weight", {"weight": -1}),
        ("max_context_tokens", {"max_context_tokens": -1}),
        ("max_context_tokens", {"max_context_tokens": 10**30}),
        ("pricing_source", {"pricing_source": "a\nb"}),
        ("input_per_1k", {"input_price": -1}),
    ],
)
async def test_bad_values_name_their_field(models, field, fields):
    with pytest.raises(BadRequest) as refused:
        await models.put(Model(**{"id": "m", "provider_id": "p", **fields}), by=BY)

    assert field == refused.value.field


@pytest.mark.parametrize("usd", [-1.0, 1000.1, 1e308])
def test_a_price_out_of_bounds_names_its_field(usd):
    with pytest.raises(BadRequest) as refused:
        price_of(usd, field="output_per_1k")

    assert "output_per_1k" == refused.value.field


async def test_a_stale_change_is_refused_and_a_fitting_one_is_not(models):
    row = await models.put(Model(id="m", provider_id="p"), by=BY)
    newer = await models.update("m", {"weight": 2}, by=BY, expected=row.version)

    with pytest.raises(Stale):
        await models.update("m", {"weight": 3}, by=BY, expected=row.version)
    with pytest.raises(Stale):
        await models.delete("m", by=BY, expected=row.version)
    with pytest.raises(Stale):
        await models.put(row, by=BY, expected=row.version)

    await models.delete("m", by=BY, expected=newer.version)
    assert [] == models.every()


async def test_changes_are_audited(control, models):
    await models.put(Model(id="org/m", provider_id="p"), by=BY)
    await models.update("org/m", {"weight": 2}, by=BY)
    await models.delete("org/m", by=BY)

    trail = control.catalog_store.audit[-3:]
    assert ["model.upsert", "model.patch", "model.delete"] == [entry.action for entry in trail]
    assert {"p/org/m"} == {entry.resource for entry in trail}
