"""A catalog while it is being written: each change costs the same, however much there is."""

from msgspec.structs import replace

from tokenhub.core.aliases import Alias
from tokenhub.core.catalog import Catalog, Defaults, Model, Provider, Route
from tokenhub.core.errors import NotFound


class Draft:
    """Begins with what is in `catalog`, which stays as it is. Rows are stamped with `version`.

    A `Catalog.build` for each row of a thousand would take seconds.
    """

    def __init__(self, catalog: Catalog) -> None:
        self.version = catalog.version
        self.defaults = catalog.defaults
        self.providers = dict(catalog.providers)
        self.models = dict(catalog.models)
        self.aliases = dict(catalog.aliases)
        self._by_model = dict(catalog.by_model)
        self._by_route = dict(catalog.by_route)
        self._of: dict[str, set[str]] = {}
        for provider_id, model_id in catalog.models:
            self._of.setdefault(provider_id, set()).add(model_id)

    @property
    def catalog(self) -> Catalog:
        """It as it is now, for control alone: no decision can be made of it.

        It changes with the draft, and it has neither an order of routes nor their kinds.
        """
        return Catalog(
            version=self.version,
            providers=self.providers,
            models=self.models,
            defaults=self.defaults,
            routes=(),
            by_model=self._by_model,
            by_route=self._by_route,
            aliases=self.aliases,
        )

    def put_provider(self, provider: Provider) -> None:
        self.providers[provider.id] = replace(provider, version=self.version)
        for model_id in self._of.get(provider.id, ()):
            self._route(self.models[provider.id, model_id])

    def drop_provider(self, provider_id: str) -> None:
        """And its models."""
        del self.providers[provider_id]
        for model_id in list(self._of.get(provider_id, ())):
            self.drop_model((provider_id, model_id))

    def put_model(self, model: Model) -> None:
        """Raises NotFound where its provider is not there."""
        if model.provider_id not in self.providers:
            raise NotFound(f"no provider is called {model.provider_id!r}")
        row = replace(model, version=self.version)
        self.models[row.key] = row
        self._of.setdefault(row.provider_id, set()).add(row.id)
        self._route(row)

    def drop_model(self, key: tuple[str, str]) -> None:
        provider_id, model_id = key
        del self.models[key]
        self._of[provider_id].discard(model_id)
        self._by_route.pop(f"{provider_id}/{model_id}", None)
        self._rank(model_id, [it for it in self._by_model.get(model_id, ()) if it.model.key != key])

    def put_alias(self, alias: Alias) -> None:
        self.aliases[alias.name] = replace(alias, version=self.version)

    def put_defaults(self, defaults: Defaults) -> None:
        self.defaults = replace(defaults, version=self.version)

    def _route(self, model: Model) -> None:
        provider = self.providers[model.provider_id]
        route = Route(id=f"{model.provider_id}/{model.id}", model=model, provider=provider)
        self._by_route[route.id] = route
        others = [it for it in self._by_model.get(model.id, ()) if it.id != route.id]
        self._rank(model.id, [*others, route])

    def _rank(self, model_id: str, routes: list[Route]) -> None:
        """The routes of a model, in the order of a catalog's."""
        if routes:
            self._by_model[model_id] = tuple(sorted(routes, key=lambda it: it.model.key))
        else:
            self._by_model.pop(model_id, None)
