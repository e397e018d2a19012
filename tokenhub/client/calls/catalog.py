"""Calls about providers and models."""

from tokenhub.client.call import Call, item, query
from tokenhub.wire.catalog import (
    Discovery,
    Done,
    EnginePage,
    Model,
    ModelCreate,
    ModelDone,
    ModelPage,
    ModelPatch,
    Provider,
    ProviderCreate,
    ProviderDone,
    ProviderPage,
    ProviderPatch,
)

PROVIDERS = "/admin/v1/providers"
MODELS = "/admin/v1/models"


def list_providers(*, limit: int | None = None, offset: int | None = None) -> Call[ProviderPage]:
    """Providers by id; the server decides where no `limit` is given."""
    return Call(
        method="GET",
        path=PROVIDERS,
        query=query(limit=limit, offset=offset),
        returns=ProviderPage,
    )


def get_provider(provider_id: str) -> Call[Provider]:
    """One provider."""
    return Call(method="GET", path=item(PROVIDERS, provider_id), returns=Provider)


def put_provider(provider: ProviderCreate) -> Call[ProviderDone]:
    """Create the provider, or replace the one of that id."""
    return Call(method="POST", path=PROVIDERS, body=provider, returns=ProviderDone)


def update_provider(
    provider_id: str, patch: ProviderPatch, *, if_match: int | None = None
) -> Call[ProviderDone]:
    """Change the fields that are set."""
    return Call(
        method="PATCH",
        path=item(PROVIDERS, provider_id),
        body=patch,
        if_match=if_match,
        returns=ProviderDone,
    )


def delete_provider(provider_id: str, *, if_match: int | None = None) -> Call[Done]:
    """Take away the provider and its models."""
    return Call(method="DELETE", path=item(PROVIDERS, provider_id), if_match=if_match, returns=Done)


def discover_models(provider_id: str) -> Call[Discovery]:
    """What the provider itself says it offers; asks it now."""
    return Call(method="GET", path=f"{item(PROVIDERS, provider_id)}/discover", returns=Discovery)


def list_models(
    *, provider_id: str = "", limit: int | None = None, offset: int | None = None
) -> Call[ModelPage]:
    """Models, of one provider or of all; the server decides where no `limit` is given."""
    return Call(
        method="GET",
        path=MODELS,
        query=query(provider_id=provider_id, limit=limit, offset=offset),
        returns=ModelPage,
    )


def get_model(model_id: str, *, provider_id: str = "") -> Call[Model]:
    """One model. `provider_id` is needed where it stands at several providers."""
    return Call(
        method="GET",
        path=item(MODELS, model_id),
        query=query(provider_id=provider_id),
        returns=Model,
    )


def put_model(model: ModelCreate) -> Call[ModelDone]:
    """Create the model, or replace the one of that id and provider."""
    return Call(method="POST", path=MODELS, body=model, returns=ModelDone)


def update_model(
    model_id: str, patch: ModelPatch, *, provider_id: str = "", if_match: int | None = None
) -> Call[ModelDone]:
    """Change the fields that are set."""
    return Call(
        method="PATCH",
        path=item(MODELS, model_id),
        query=query(provider_id=provider_id),
        body=patch,
        if_match=if_match,
        returns=ModelDone,
    )


def delete_model(
    model_id: str, *, provider_id: str = "", if_match: int | None = None
) -> Call[Done]:
    """Take the model out of the catalog."""
    return Call(
        method="DELETE",
        path=item(MODELS, model_id),
        query=query(provider_id=provider_id),
        if_match=if_match,
        returns=Done,
    )


def engine_models(*, limit: int | None = None, offset: int | None = None) -> Call[EnginePage]:
    """Models as the router sees them, with the providers that can be called."""
    return Call(
        method="GET",
        path="/admin/v1/engine/models",
        query=query(limit=limit, offset=offset),
        returns=EnginePage,
    )
