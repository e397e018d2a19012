"""The providers' keys in memory."""

from tokenhub.ports.hiding import Hide, shown


class MemorySecrets:
    """A Secrets that a restart forgets. It shows itself without what it holds.

    `hide` is told of each secret before it is kept.
    """

    def __init__(self, hide: Hide = shown) -> None:
        self.version = 0
        self._hide = hide
        self._secrets: dict[str, str] = {}

    def get(self, provider_id: str) -> str | None:
        return self._secrets.get(provider_id)

    def put(self, provider_id: str, secret: str) -> None:
        self._hide(secret)
        self._secrets[provider_id] = secret
        self.version += 1

    def forget(self, provider_id: str) -> None:
        self._secrets.pop(provider_id, None)
        self.version += 1
