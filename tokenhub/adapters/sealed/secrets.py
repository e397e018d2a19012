"""The providers' keys in the vault, opened for each use and never kept open."""

import asyncio
import hmac
from collections.abc import Callable
from typing import NamedTuple, Self

from tokenhub.adapters.memory.secrets import MemorySecrets
from tokenhub.core.catalog import Provider
from tokenhub.core.errors import VaultLocked
from tokenhub.core.urls import origins
from tokenhub.core.vault.changes import dropped, kept, torn_out
from tokenhub.core.vault.keyring import Draw, Keyring
from tokenhub.core.vault.rows import Sealed, changed, secret_aad
from tokenhub.ports.hiding import Hide, shown
from tokenhub.ports.secrets import KeyChange
from tokenhub.ports.vault import Safe

_PURPOSE = "provider"


class _Bound(NamedTuple):
    """A row found fit for a provider, with what it is bound to worked out."""

    provider: Provider
    row: Sealed
    aad: bytes
    fits: bool


class VaultSecrets:
    """A Secrets over the vault. Until that is set up, keys are in memory, and usable.

    From then on they are not, while it is locked: those that came meanwhile wait in memory for
    it to be unlocked. `now` gives Unix seconds; `hide` is told of each key before it is used.
    """

    def __init__(
        self,
        safe: Safe,
        *,
        now: Callable[[], float],
        draw: Draw,
        hide: Hide = shown,
        memory: MemorySecrets | None = None,
    ) -> None:
        self._safe = safe
        self._now = now
        self._draw = draw
        self._hide = hide
        self._memory = memory or MemorySecrets(hide)
        self._bound: dict[str, _Bound] = {}

    @property
    def lock(self) -> asyncio.Lock:
        return self._safe.lock

    @property
    def version(self) -> int:
        return self._safe.version + self._memory.version

    @property
    def place(self) -> str:
        return "memory" if self._safe.contents is None else "vault"

    @property
    def open(self) -> bool:
        return not self._safe.locked

    def get(self, provider: Provider) -> bytes | None:
        self._safe.used = True
        return self.peek(provider)

    def peek(self, provider: Provider) -> bytes | None:
        contents, ring = self._safe.contents, self._safe.ring
        if contents is None:
            return self._memory.peek(provider)
        if ring is None:
            return None
        row = contents.secrets.get(named(provider.id))
        if row is None:
            return self._memory.peek(provider)
        return self._opened(provider, row, ring)

    def away(self, provider: Provider) -> bool:
        contents = self._safe.contents
        if contents is None or self._safe.ring is not None:
            return False
        held = named(provider.id) in contents.secrets
        return held or self._memory.peek(provider) is not None

    def loose(self, provider: Provider) -> bytes | None:
        contents, ring = self._safe.contents, self._safe.ring
        held = self._memory.peek(provider)
        if contents is None or ring is None or held is None:
            return None
        row = contents.secrets.get(named(provider.id))
        known = None if row is None else self._opened(provider, row, ring)
        if known is not None and hmac.compare_digest(known, held):
            self._memory.apply(KeyChange(provider_id=provider.id))
            return None
        return held

    def given(self, provider: Provider, secret: bytes) -> KeyChange:
        contents, ring = self._safe.contents, self._safe.ring
        if contents is None:
            return self._memory.given(provider, secret)
        if ring is None:
            raise VaultLocked(
                "vault is locked, and a key cannot be taken into it; unlock it with "
                '"tokenhubctl vault unlock", then give the key again'
            )
        step = kept(
            contents,
            ring,
            named(provider.id),
            secret,
            purpose=_purpose(provider),
            now=self._now(),
            draw=self._draw,
        )
        return KeyChange(provider_id=provider.id, written=step.change, step=step)

    def taken(self, provider_id: str) -> KeyChange:
        contents, ring, name = self._safe.contents, self._safe.ring, named(provider_id)
        if contents is None or name not in contents.secrets:
            return self._memory.taken(provider_id)
        if ring is None:
            return KeyChange(provider_id=provider_id, written=torn_out(contents, name))
        step = dropped(contents, ring, name, draw=self._draw)
        return KeyChange(provider_id=provider_id, written=step.change, step=step)

    def apply(self, change: KeyChange) -> None:
        self._memory.apply(change)
        self._bound.pop(change.provider_id, None)
        if change.step is not None:
            self._safe.swap(change.step.contents, change.step.ring)
        elif change.written is not None and self._safe.contents is not None:
            self._safe.swap(changed(self._safe.contents, change.written), self._safe.ring)

    def hold(self, provider_id: str, secret: bytes) -> None:
        self._memory.hold(provider_id, secret)

    def copied(self, safe: Safe) -> Self:
        """The same keys over a copy of the safe, to be changed apart."""
        memory = self._memory.copied()
        return type(self)(safe, now=self._now, draw=self._draw, hide=self._hide, memory=memory)

    def take_over(self, other: Self) -> None:
        """Hold what a copy has come to hold, once that is committed."""
        self._memory.take_over(other._memory)
        self._bound.clear()
        self._safe.swap(other._safe.contents, other._safe.ring)

    def _opened(self, provider: Provider, row: Sealed, ring: Keyring) -> bytes | None:
        """The key of a row; None where it was sealed for other origins, or was changed."""
        bound = self._bound.get(provider.id)
        if bound is None or bound.provider is not provider or bound.row is not row:
            fits = set(_purpose(provider).split()) <= set(row.purpose.split())
            bound = _Bound(provider, row, secret_aad(ring.vault_id, row), fits)
            self._bound[provider.id] = bound
            if fits and (secret := ring.unbox(row.key_id, row.sealed, bound.aad, row.nonce)):
                self._hide(secret)
        if not bound.fits:
            return None
        return ring.unbox(row.key_id, row.sealed, bound.aad, row.nonce)


def named(provider_id: str) -> str:
    """The name of a provider's key in the vault, as in the original (original-behaviour 5.1)."""
    return f"provider:{provider_id}:api_key"


def _purpose(provider: Provider) -> str:
    """For whom it is: the origins of the row, each scheme, host and port."""
    told = [f"{scheme}://{host}:{port}" for scheme, host, port in sorted(origins(provider))]
    return " ".join([_PURPOSE, *told])
