"""Where the vault is kept, what stretches its passwords, and the cell that holds it."""

import asyncio
from typing import Protocol

from tokenhub.core.vault.keyring import Keyring
from tokenhub.core.vault.passwords import Tries
from tokenhub.core.vault.rows import Contents, Stretch, VaultChange
from tokenhub.ports.stores import Audit


class VaultStore(Protocol):
    """Every write is one transaction together with its audit entry. All raise Unavailable."""

    async def load(self) -> Contents | None:
        """The vault as it is on disk, None where it was never set up."""
        ...

    async def epoch(self) -> int:
        """That of the vault on disk, 0 where it was never set up."""
        ...

    async def commit(self, change: VaultChange, audit: Audit) -> None:
        """Write a change. Raises Conflict where the vault has another epoch than was expected."""
        ...

    async def tries(self) -> Tries:
        """Wrong passwords so far."""
        ...

    async def note(self, tries: Tries, audit: Audit) -> None:
        """Write down how a try ended."""
        ...

    async def enter(self, audit: Audit) -> None:
        """Write an audit entry alone."""
        ...


class Stretcher(Protocol):
    """Argon2id, one at a time, beside the loop."""

    async def cost(self) -> Stretch:
        """What a new password is to cost on this machine."""
        ...

    async def stretched(self, password: bytes, *, salt: bytes, cost: Stretch) -> bytes: ...


class Safe:
    """The vault of this process. Readers take `contents` and `ring` once and keep them.

    `ring` is None while it is locked, `contents` until it is set up. `lock` is held from the read
    of either to the write that follows from it. `used` is set whenever a secret is used.
    """

    __slots__ = ("contents", "lock", "ring", "used", "version")

    def __init__(self) -> None:
        self.contents: Contents | None = None
        self.ring: Keyring | None = None
        self.lock = asyncio.Lock()
        self.version = 0
        self.used = False

    @property
    def locked(self) -> bool:
        return self.contents is not None and self.ring is None

    def swap(self, contents: Contents | None, ring: Keyring | None) -> None:
        """Put contents and keys in force that are on disk."""
        self.contents = contents
        self.ring = ring
        self.version += 1
