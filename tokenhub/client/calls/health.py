"""Calls about how providers are doing."""

from tokenhub.client.call import Call, item
from tokenhub.wire.health import Health, Reset, Tested


def get_health() -> Call[Health]:
    """All providers and their routes."""
    return Call(method="GET", path="/admin/v1/health", returns=Health)


def reset_health(name: str) -> Call[Reset]:
    """Think of a route, or of a provider and its routes, as if they had never been met."""
    path = f"{item('/admin/v1/health', name)}/reset"
    return Call(method="POST", path=path, returns=Reset)


def test_provider(provider_id: str) -> Call[Tested]:
    """Ask a provider for its models, with its key."""
    path = f"{item('/admin/v1/providers', provider_id)}/test"
    return Call(method="POST", path=path, returns=Tested)
