"""The providers' keys in memory."""

import asyncio
from typing import Self

from tokenhub.core.catalog import Provider
from tokenhub.ports.hiding import Hide, shown
from tokenhub.ports.secrets import KeyChange


class MemorySecrets:
    """A Secrets that a restart forgets. It shows itself without what it holds.

    `hide` is told of each secret before it is kept.
    """

    place = "memory"
    open = True

    def __init__(self, hide: Hide = shown) -> None:
        self._hide = hide
        self.lock = asyncio.Lock()
        self.version = 0
        self._secrets: dict[str, bytes] = {}

    def get(self, provider: Provider) -> bytes | None:
        return self._secrets.get(provider.id)

    def peek(self, provider: Provider) -> bytes | None:
        return self._secrets.get(provider.id)

    def away(self, provider: Provider) -> bool:
        del provider
        return False

    def loose(self, provider: Provider) -> bytes | None:
        """None: there is nowhere else to keep it."""
        del provider
        return None

    def given(self, provider: Provider, secret: bytes) -> KeyChange:
        return KeyChange(provider_id=provider.id, secret=secret)

    def taken(self, provider_id: str) -> KeyChange:
        return KeyChange(provider_id=provider_id)

    def apply(self, change: KeyChange) -> None:
        if change.secret:
            self._hide(change.secret)
            self._secrets[change.provider_id] = change.secret
        else:
            self._secrets.pop(change.provider_id, None)
        self.version += 1

    def hold(self, provider_id: str, secret: bytes) -> None:
        self.apply(KeyChange(provider_id=provider_id, secret=secret))

    def copied(self) -> Self:
        """The same keys, to be changed apart."""
        copy = type(self)(self._hide)
        copy.take_over(self)
        return copy

    def take_over(self, other: Self) -> None:
        """Hold what the other one holds."""
        self._secrets = dict(other._secrets)
        self.version += 1
