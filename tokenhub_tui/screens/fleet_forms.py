"""The forms of the fleet: each knows what it changes, and by which version."""

from collections.abc import Sequence

from tokenhub.client.calls import aliases, catalog, routing
from tokenhub.wire.aliases import Alias
from tokenhub.wire.catalog import Model, Provider
from tokenhub.wire.native import PolicyIn
from tokenhub.wire.replay import ReplayIn
from tokenhub.wire.routing import RoutingConfig
from tokenhub_tui.dialogs.form import FormDialog
from tokenhub_tui.link import Link
from tokenhub_tui.state import fleet_forms as forms
from tokenhub_tui.state.form import Value, Values


def provider_form(link: Link, one: Provider) -> FormDialog[str]:
    """Edits a provider; gives what to say of it."""
    version = [one.version]

    async def save(_: dict[str, Value], new: dict[str, Value]) -> str:
        call = catalog.update_provider(one.id, forms.provider_patch(new), if_match=version[0])
        done = await link(call)
        return f"Changed provider {one.id}" + (f": {done.note}" if done.note else "")

    async def theirs() -> Values:
        found = await link(catalog.get_provider(one.id))
        version[0] = found.version
        return forms.values_of(forms.provider_fields(found))

    return FormDialog(f"Edit provider {one.id}", forms.provider_fields(one), save, theirs=theirs)


def model_form(link: Link, one: Model) -> FormDialog[str]:
    """Edits a model; gives what to say of it."""
    version = [one.version]

    async def save(_: dict[str, Value], new: dict[str, Value]) -> str:
        patch = forms.model_patch(new)
        await link(
            catalog.update_model(one.id, patch, provider_id=one.provider_id, if_match=version[0])
        )
        return f"Changed model {one.id}"

    async def theirs() -> Values:
        found = await link(catalog.get_model(one.id, provider_id=one.provider_id))
        version[0] = found.version
        return forms.values_of(forms.model_fields(found))

    return FormDialog(f"Edit model {one.id}", forms.model_fields(one), save, theirs=theirs)


def new_model_form(
    link: Link, providers: Sequence[str], provider_id: str, taken: frozenset[str]
) -> FormDialog[str]:
    """Registers a model; gives what to say of it. `taken` are the rows that there are."""

    async def save(values: dict[str, Value], _: dict[str, Value]) -> str:
        new = forms.model_new(values)
        if f"{new.provider_id}/{new.id}" in taken:
            raise forms.taken("id", "there is one of that id; e edits it")
        await link(catalog.put_model(new))
        return f"Added model {new.id}"

    return FormDialog("New model", forms.model_fields(None, providers, provider_id), save, new=True)


def alias_form(link: Link, one: Alias | None, taken: frozenset[str]) -> FormDialog[str]:
    """Edits an alias, or makes one; gives what to say of it."""
    version = [one.version if one else None]

    async def save(values: dict[str, Value], _: dict[str, Value]) -> str:
        name = str(values["name"])
        if one is None and name in taken:
            raise forms.taken("name", "there is one of that name; e edits it")
        await link(aliases.put_alias(name, forms.alias_put(values), if_match=version[0]))
        return f"{'Changed' if one else 'Added'} alias {name}"

    async def theirs() -> Values:
        assert one is not None
        found = await link(aliases.get_alias(one.name))
        version[0] = found.version
        return forms.values_of(forms.alias_fields(found))

    return FormDialog(
        f"Edit alias {one.name}" if one else "New alias",
        forms.alias_fields(one),
        save,
        theirs=theirs if one else None,
        new=one is None,
    )


def routing_form(link: Link, one: RoutingConfig) -> FormDialog[str]:
    """Edits the routing defaults, and tells what the last hour would have come to."""
    version = [one.version]

    async def save(values: dict[str, Value], _: dict[str, Value]) -> str:
        await link(routing.put_routing(forms.routing_put(values), if_match=version[0]))
        return "Changed the routing defaults"

    async def theirs() -> Values:
        found = await link(routing.get_routing())
        version[0] = found.version
        return forms.values_of(forms.routing_fields(found))

    async def effect(values: dict[str, Value]) -> str:
        put = forms.routing_put(values)
        policy = PolicyIn(
            mode=put.default_mode,
            max_budget_usd=put.default_max_budget_usd,
            max_latency_ms=put.default_max_latency_ms,
        )
        return forms.hour_under(await link(routing.replay(ReplayIn(policies=[policy], since="1h"))))

    return FormDialog(
        "Edit the routing defaults", forms.routing_fields(one), save, theirs=theirs, effect=effect
    )
