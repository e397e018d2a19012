"""The retry budgets of all providers, as this process has spent them."""

from tokenhub.core.retries import Purse, filled, taken


class Retries:
    """A purse for each provider that was ever asked; times are of the monotonic clock."""

    def __init__(self) -> None:
        self._purses: dict[str, Purse] = {}

    def sent(self, provider_id: str, now: float) -> None:
        """Note a request's first attempt."""
        purse = self._purses.get(provider_id) or Purse(at=now)
        self._purses[provider_id] = filled(purse, now)

    def take(self, provider_id: str, now: float) -> bool:
        """Whether the provider may get one more attempt; that takes it."""
        left = taken(self._purses.get(provider_id) or Purse(at=now), now)
        if left is None:
            return False
        self._purses[provider_id] = left
        return True
