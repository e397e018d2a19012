"""What a key may use: each entry of its lists alone says the same as all of them at once."""

from hypothesis import given
from hypothesis import strategies as st

from tests.support.builders import a_catalog, a_model
from tokenhub.core.catalog import Route
from tokenhub.core.grants import Lists

CATALOG = a_catalog(
    *[a_model(model, provider) for model in ("m", "m2", "a/m", "*", "x*") for provider in "ab"]
)
NAMES = [*CATALOG.by_route, *CATALOG.by_model, "nobody"]
entries = st.sampled_from(NAMES).flatmap(
    lambda name: st.sampled_from([name, f"{name}*", f"{name[:1]}*", "*"])
)


def _is(route: Route, entry: str) -> bool:
    if entry.endswith("*"):
        return route.model.id.startswith(entry[:-1]) or route.id.startswith(entry[:-1])
    return entry in {route.model.id, route.id}


@given(
    models=st.lists(entries, max_size=4).map(tuple),
    providers=st.lists(st.sampled_from(["a", "b", "nobody"]), max_size=2).map(tuple),
)
def test_lists_allow_what_one_entry_of_each_allows(
    models: tuple[str, ...], providers: tuple[str, ...]
) -> None:
    lists = Lists(models, providers)

    for route in CATALOG.routes:
        by_provider = not providers or route.provider.id in providers
        by_model = not models or any(_is(route, entry) for entry in models)
        assert (by_provider and by_model) == lists.allow(route)
