"""What is known of the health of providers and routes, for those who look and those who mend."""

from collections.abc import Mapping
from typing import Protocol

from tokenhub.core.catalog import Provider
from tokenhub.core.failures import Kind
from tokenhub.core.health import Known, Probe


class HealthBoard(Protocol):
    """By the id of a provider or of a route (`provider/model`)."""

    def known(self) -> Mapping[str, Known]:
        """All that has been met; times are of the monotonic clock."""
        ...

    def latency_s(self, route_id: str) -> float | None:
        """A route's usual latency, None until an answer was timed."""
        ...

    def probed(
        self, provider: Provider, kind: Kind | None, *, status: int, latency_s: float
    ) -> None:
        """Note how a probe of this version of a provider went: None is well."""
        ...

    def plan(self, provider_id: str, at: float | None) -> None:
        """Note when the next probe is due; None where the provider is probed no more."""
        ...

    def probes(self) -> Mapping[str, Probe]:
        """The probes of providers, by their ids; times are of the monotonic clock."""
        ...

    def forget(self, name: str) -> None:
        """Think of it as if it had never been met."""
        ...
