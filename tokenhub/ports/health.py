"""What is known of the health of providers and routes, for those who look and those who mend."""

from collections.abc import Mapping
from typing import Protocol

from tokenhub.core.health import Known


class HealthBoard(Protocol):
    """By the id of a provider or of a route (`provider/model`)."""

    def known(self) -> Mapping[str, Known]:
        """All that has been met; times are of the monotonic clock."""
        ...

    def latency_s(self, route_id: str) -> float | None:
        """A route's usual latency, None until an answer was timed."""
        ...

    def forget(self, name: str) -> None:
        """Think of it as if it had never been met."""
        ...
