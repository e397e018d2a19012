"""The retry budgets of all providers, as this process has spent them."""

from tokenhub.core.retries import Purse, filled, taken


class Retries:
    """A purse for each provider that was ever asked; times are of the monotonic clock."""

    def __init__(self) -> None:
        self._purses: dict[str, Purse] = {}

    def sent(self, provider_id: str, now: float) -> None:
        """Note a request's first attempt."""
        self._purses[provider_id] = filled(self._purse(provider_id, now), now)

    def has(self, provider_id: str, now: float) -> bool:
        """Whether the provider may get one more attempt."""
        return taken(self._purse(provider_id, now), now) is not None

    def take(self, provider_id: str, now: float) -> bool:
        """Whether the provider may get one more attempt; that takes it."""
        left = taken(self._purse(provider_id, now), now)
        if left is None:
            return False
        self._purses[provider_id] = left
        return True

    def _purse(self, provider_id: str, now: float) -> Purse:
        return self._purses.get(provider_id) or Purse(at=now)
