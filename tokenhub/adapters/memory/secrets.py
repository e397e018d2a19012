"""The providers' keys in memory."""


class MemorySecrets:
    """A Secrets that a restart forgets. It shows itself without what it holds."""

    def __init__(self) -> None:
        self.version = 0
        self._secrets: dict[str, str] = {}

    def get(self, provider_id: str) -> str | None:
        return self._secrets.get(provider_id)

    def put(self, provider_id: str, secret: str) -> None:
        self._secrets[provider_id] = secret
        self.version += 1

    def forget(self, provider_id: str) -> None:
        self._secrets.pop(provider_id, None)
        self.version += 1
