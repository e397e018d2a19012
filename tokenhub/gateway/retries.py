"""The retry budgets of all providers, as this process has spent them."""

from tokenhub.core.retries import RetryBudget, filled, taken


class Retries:
    """A budget for each provider that was ever asked; times are of the monotonic clock."""

    def __init__(self) -> None:
        self._budgets: dict[str, RetryBudget] = {}

    def sent(self, provider_id: str, now: float) -> None:
        """Note a request's first attempt."""
        self._budgets[provider_id] = filled(self._budget(provider_id, now), now)

    def has(self, provider_id: str, now: float) -> bool:
        """Whether the provider may get one more attempt."""
        return taken(self._budget(provider_id, now), now) is not None

    def take(self, provider_id: str, now: float) -> bool:
        """Whether the provider may get one more attempt; that takes it."""
        left = taken(self._budget(provider_id, now), now)
        if left is None:
            return False
        self._budgets[provider_id] = left
        return True

    def _budget(self, provider_id: str, now: float) -> RetryBudget:
        return self._budgets.get(provider_id) or RetryBudget(at=now)
