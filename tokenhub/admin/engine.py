"""The catalog as the router sees it."""

from collections.abc import Sequence

from tokenhub.core.catalog import Catalog, Model, Provider


def callable_providers(catalog: Catalog) -> Sequence[Provider]:
    """The providers that requests may go to now, by id."""
    rows = catalog.providers.values()
    return sorted((row for row in rows if row.enabled), key=lambda row: row.id)


def routable_models(catalog: Catalog) -> Sequence[Model]:
    """The models that have a route, enabled or not, by id."""
    rows = [route.model for route in catalog.routes]
    return sorted(rows, key=lambda row: (row.id, row.provider_id))


def health_endpoint(provider: Provider) -> str:
    """Where a provider is asked for its health (original-behaviour 3.3)."""
    path = "/health" if provider.type == "vllm" else "/v1/models"
    return f"{provider.base_url}{path}"
