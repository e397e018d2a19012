import pytest

from tests.support.control import ENVIRONMENT, Control
from tokenhub.admin.changes import By
from tokenhub.admin.providers import ProviderDraft
from tokenhub.core.catalog import Defaults
from tokenhub.core.errors import BadRequest, Stale

pytestmark = pytest.mark.anyio
BY = By(request_id="req_1")


def said(mode="", budget=0, latency=0.0):
    return Defaults(mode=mode, max_budget_nusd=budget, max_latency_s=latency)


async def test_what_is_said_overrides_and_the_rest_follows_the_environment(control):
    found = await control.routing.put(said(mode="cheap"), by=BY)

    assert ("cheap", ENVIRONMENT.max_budget_nusd, ENVIRONMENT.max_latency_s) == (
        found.mode,
        found.max_budget_nusd,
        found.max_latency_s,
    )
    assert found == control.catalog.current.defaults
    assert "routing-config.update" == control.catalog_store.audit[-1].action


async def test_the_row_survives_a_restart_and_later_writes_of_others(control):
    await control.routing.put(said(mode="cheap", budget=None), by=BY)

    again = await control.restarted()
    await again.providers.put(ProviderDraft(id="p", base_url="http://h"), by=BY)

    assert ("cheap", None) == (
        again.catalog.current.defaults.mode,
        again.catalog.current.defaults.max_budget_nusd,
    )


async def test_saying_nothing_goes_back_to_the_environment(control):
    await control.routing.put(said(mode="cheap", budget=None, latency=1.0), by=BY)

    found = await control.routing.put(said(), by=BY)

    assert ENVIRONMENT.mode == found.mode
    assert ENVIRONMENT.max_budget_nusd == found.max_budget_nusd
    assert ENVIRONMENT.max_latency_s == found.max_latency_s


async def test_a_row_that_says_nothing_follows_another_environment(control):
    await control.routing.put(said(latency=5.0), by=BY)

    again = await Control(
        catalog_store=control.catalog_store, environment=Defaults(mode="planning")
    ).started()

    assert ("planning", 5.0) == (
        again.routing.current().mode,
        again.routing.current().max_latency_s,
    )


@pytest.mark.parametrize(
    ("field", "row"),
    [
        ("default_mode", said(mode="turbo")),
        ("default_max_budget_usd", said(budget=-1)),
        ("default_max_budget_usd", said(budget=100_000_000_001)),
        ("default_max_latency_ms", said(latency=300.1)),
        ("default_max_latency_ms", said(latency=-1.0)),
    ],
)
async def test_bad_values_name_their_field(control, field, row):
    with pytest.raises(BadRequest) as refused:
        await control.routing.put(row, by=BY)

    assert field == refused.value.field


async def test_another_change_of_the_catalog_makes_it_stale(control):
    read = control.routing.version
    await control.providers.put(ProviderDraft(id="p", base_url="http://h"), by=BY)

    with pytest.raises(Stale):
        await control.routing.put(said(), by=BY, expected=read)
