"""A draft is what a catalog would be, after any changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.adapters.memory.draft import Draft
from tokenhub.core.catalog import Catalog, Model, Provider
from tokenhub.core.errors import NotFound

PROVIDERS = st.sampled_from(["a", "b", "c"])
# One that is written as a route of another provider's would be.
MODELS = st.sampled_from(["m", "n", "a/m"])
CHANGES = st.lists(
    st.tuples(st.sampled_from(["provider", "model", "no provider", "no model"]), PROVIDERS, MODELS)
)
NAMES = [name for owner in "abc" for name in ("m", "n", f"{owner}/m", f"{owner}/n", "a/a/m")]


def told(catalog):
    """All that control reads of a catalog."""
    return (
        catalog.version,
        catalog.providers,
        catalog.models,
        {
            name: [(it.id, it.model, it.provider) for it in catalog.routes_of(name)]
            for name in NAMES
        },
    )


def change(draft, what, provider_id, model_id):
    draft.version += 1
    if what == "provider":
        draft.put_provider(Provider(id=provider_id, base_url=f"http://{draft.version}"))
    elif what == "model" and provider_id in draft.providers:
        draft.put_model(Model(id=model_id, provider_id=provider_id, weight=draft.version % 10))
    elif what == "no provider" and provider_id in draft.providers:
        draft.drop_provider(provider_id)
    elif what == "no model" and (provider_id, model_id) in draft.models:
        draft.drop_model((provider_id, model_id))


@given(first=CHANGES, then=CHANGES)
def test_it_is_what_a_catalog_would_be_and_leaves_the_first_one_alone(first, then):
    start = Draft(Catalog.build())
    for one in first:
        change(start, *one)
    before = Catalog.build(
        version=start.version, providers=start.providers.values(), models=start.models.values()
    )
    kept = told(before)

    draft = Draft(before)
    for one in then:
        change(draft, *one)

    built = Catalog.build(
        version=draft.version, providers=draft.providers.values(), models=draft.models.values()
    )
    assert told(built) == told(draft.catalog)
    assert kept == told(before)


def test_a_model_of_nobody_is_refused():
    draft = Draft(Catalog.build())

    with pytest.raises(NotFound):
        draft.put_model(Model(id="m", provider_id="none"))
