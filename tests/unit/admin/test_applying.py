"""What an apply costs: its entries, and not their square."""

import sys
from typing import Any, cast

import pytest

from tests.support.control import Control
from tokenhub.adapters.memory.feedback import MemoryFeedback
from tokenhub.adapters.memory.prices import MemoryPriceList
from tokenhub.admin.applying import Configuration
from tokenhub.admin.changes import By
from tokenhub.admin.declared import Wanted, WantedKey, WantedModel, WantedProvider
from tokenhub.admin.providers import ProviderDraft
from tokenhub.app.rehearsing import Rehearsal
from tokenhub.core.aliases import Alias, Variant

pytestmark = pytest.mark.anyio
NOWHERE = "http://127.0.0.1:9"
REHEARSED = By(rehearsed=True)


class Counted(MemoryPriceList):
    """It counts how often it is asked."""

    times = 0

    async def find(self, wanted, *, at):
        self.times += 1
        return await super().find(wanted, at=at)


def configuration(control: Control, listed: MemoryPriceList) -> Configuration:
    """That of a control plane, for dry runs alone."""
    rehearsal = Rehearsal(
        changes=control.changes,
        held=control.secrets,
        safe=control.safe,
        keys=control.keys,
        vault=control.vault,
        allowed=control.allowed,
        listed=listed,
        series=control.series,
        feedback=MemoryFeedback(control.journal),
        journal=control.journal,
        orchestrations=control.orchestration_store,
        learning=control.observed.lessons,
        board=control.observed,
        upstreams=cast("Any", control.upstreams),
        token_given=False,
        clock=control.clock,
    )
    return Configuration(
        changes=control.changes,
        secrets=control.secrets,
        keys=control.keys,
        series=control.series,
        store=cast("Any", None),
        stage=rehearsal.stage,
    )


def models(count: int) -> Wanted:
    prices = {"input_price": 1, "output_price": 2}
    rows = [WantedModel(id=f"m{at}", provider_id="one", prices=prices) for at in range(count)]
    return Wanted(models=rows)


def keys(count: int) -> Wanted:
    rows = [WantedKey(name=f"k{at}", fields={"scopes": ["chat"]}) for at in range(count)]
    return Wanted(keys=rows)


def aliases(count: int) -> Wanted:
    variants = (Variant(model_id="m0"),)
    return Wanted(
        models=models(1).models,
        aliases=[Alias(name=f"a{at}", variants=variants) for at in range(count)],
    )


def providers(count: int) -> Wanted:
    drafts = [ProviderDraft(id=f"p{at}", base_url=NOWHERE) for at in range(count)]
    return Wanted(providers=[WantedProvider(draft=draft) for draft in drafts])


async def calls(control: Control, wanted: Wanted, *, prune: bool = False) -> int:
    """How many functions a dry run calls: that does not hang on the machine, as time does."""
    called = 0

    def count(*_: object) -> None:
        nonlocal called
        called += 1

    found = configuration(control, MemoryPriceList())
    sys.setprofile(count)
    try:
        await found.apply(wanted, prune=prune, by=REHEARSED)
    finally:
        sys.setprofile(None)
    return called


@pytest.mark.parametrize("rows", [providers, models, aliases, keys])
async def test_four_times_the_entries_are_four_times_the_work(control, rows):
    await control.providers.put(ProviderDraft(id="one", base_url=NOWHERE), by=By())

    few = await calls(control, rows(50))
    many = await calls(control, rows(200))

    assert 5 * few > many


async def test_what_is_there_already_makes_no_entry_dearer(control):
    few = await calls(control, keys(50))
    for at in range(200):
        await control.keys.create(name=f"other {at}", scopes=["chat"], by=By())
    among_many = await calls(control, keys(50))

    # Each row that is there is read once, and copied.
    assert 3 * few > among_many


async def test_the_price_list_is_asked_once_for_all_new_models(control):
    """It is a process of its own, of half a second."""
    listed = Counted()
    await control.providers.put(ProviderDraft(id="one", base_url="https://api.x.com"), by=By())
    wanted = Wanted(models=[WantedModel(id=f"m{at}", provider_id="one") for at in range(20)])

    told = await configuration(control, listed).apply(wanted, prune=False, by=REHEARSED)

    assert (["create"] * 20, 1) == ([step.action for step in told.steps], listed.times)
