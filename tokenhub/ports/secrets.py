"""The providers' keys."""

import asyncio
from typing import Protocol

import msgspec

from tokenhub.core.catalog import Provider
from tokenhub.core.vault.changes import Step
from tokenhub.core.vault.rows import VaultChange


class KeyChange(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's key on its way: `written` goes into the transaction of the provider's row.

    Without `secret` the key is forgotten. `step` is what the vault becomes by it.
    """

    provider_id: str
    secret: bytes = b""
    written: VaultChange | None = None
    step: Step | None = None

    def __repr__(self) -> str:
        return f"KeyChange({self.provider_id!r})"


class Secrets(Protocol):
    """Each key is bound to the origins of the provider that it was given for.

    `version` grows with every change, and when the vault is locked or unlocked, so that what is
    derived from them can be kept. `place` is where a key that is given now is kept: `vault`, or
    `memory`, which a restart forgets. `lock` is held from `given` or `taken` to `apply`.
    """

    @property
    def lock(self) -> asyncio.Lock: ...

    @property
    def version(self) -> int: ...

    @property
    def place(self) -> str: ...

    @property
    def open(self) -> bool:
        """Whether a key that is given now can be kept there."""
        ...

    def get(self, provider: Provider) -> bytes | None:
        """The key, where it may be sent to this row's addresses; it counts as a use."""
        ...

    def peek(self, provider: Provider) -> bytes | None:
        """The same, and no use: for probes, and to see whether there is one."""
        ...

    def away(self, provider: Provider) -> bool:
        """Whether it has a key that is locked away now."""
        ...

    def loose(self, provider: Provider) -> bytes | None:
        """Its key where that is in memory although the vault could keep it.

        One that the vault has already is forgotten by this.
        """
        ...

    def given(self, provider: Provider, secret: bytes) -> KeyChange:
        """A key for this row. Raises VaultLocked."""
        ...

    def taken(self, provider_id: str) -> KeyChange:
        """No key any more; possible at any time."""
        ...

    def apply(self, change: KeyChange) -> None:
        """Put a change in force that has been committed."""
        ...

    def hold(self, provider_id: str, secret: bytes) -> None:
        """Keep a key in memory until the vault can take it; while that is locked, it is away."""
        ...
