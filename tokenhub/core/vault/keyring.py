"""The keys of an open vault, and the boxes that they open.

Keys live in objects of the crypto library, which show nothing of themselves; plain bytes of a key
exist within a call. That none stays in freed memory cannot be promised (docs/developer/vault.md).
"""

import hmac
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from tokenhub.core.errors import VaultDamaged, WrongPassword
from tokenhub.core.vault.rows import (
    Contents,
    Manifest,
    RingKey,
    Sealed,
    Slot,
    manifest_aad,
    ring_aad,
    secret_aad,
    slot_aad,
)

if TYPE_CHECKING:
    from typing import Any

# Random bytes: so many, each time other ones.
Draw = Callable[[int], bytes]

KEY_BYTES = 32
NONCE_BYTES = 12
# Half of NIST SP 800-38D's bound of 2**32 boxes with random nonces under one key.
MOST_BOXES = 1 << 31
_COMMITTED = b"tokenhub vault, format 1"


class Keyring:
    """What opens and seals while the vault is open. `used` counts the boxes of the current key."""

    __slots__ = ("_data", "_manifest", "_root", "current", "used", "vault_id")

    def __init__(self, root: bytes, vault_id: bytes) -> None:
        self.vault_id = vault_id
        self.current = 0
        self.used = 0
        self._root = AESGCM(_derived(root, b"th-root"))
        self._manifest = AESGCM(_derived(root, b"th-manifest"))
        self._data: dict[int, AESGCM] = {}

    def take(self, row: RingKey) -> None:
        """Unwrap a data key; the newest that is not retired seals from now on."""
        key = _opened(self._root, row.wrapped, ring_aad(self.vault_id, row.id))
        if key is None or len(key) != KEY_BYTES:
            raise VaultDamaged(f"data key {row.id} of the vault was changed; restore a backup")
        self._data[row.id] = AESGCM(key)
        if row.retired_at is None and row.id > self.current:
            self.current, self.used = row.id, row.used

    def with_key(self, key_id: int, *, now: float, draw: Draw) -> tuple["Keyring", RingKey]:
        """A ring that has a new data key besides, which seals from now on; and its row."""
        fresh = self._copied()
        wrapped = _box(self._root, draw(KEY_BYTES), ring_aad(self.vault_id, key_id), draw)
        row = RingKey(id=key_id, wrapped=wrapped, used=0, created_at=now)
        fresh.take(row)
        return fresh, row

    def without(self, key_ids: tuple[int, ...]) -> "Keyring":
        """A ring without these data keys."""
        fresh = self._copied()
        for key_id in key_ids:
            fresh._data.pop(key_id, None)  # noqa: SLF001 - one of its own kind
        return fresh

    def with_rows(self, rows: Iterable[RingKey]) -> "Keyring":
        """A ring that has these data keys besides. Raises VaultDamaged."""
        fresh = self._copied()
        for row in rows:
            fresh.take(row)
        return fresh

    def seal(self, secret: bytes, row: Sealed, *, draw: Draw) -> Sealed:
        """The row with the secret in it, under the current key; found to open again."""
        nonce = draw(NONCE_BYTES)
        row = msgspec.structs.replace(row, key_id=self.current, nonce=nonce)
        box = self.box(secret, secret_aad(self.vault_id, row), nonce)
        row = msgspec.structs.replace(row, sealed=box)
        if not hmac.compare_digest(self.open(row), secret):
            raise VaultDamaged("a secret that was sealed did not open again; nothing was written")
        return row

    def open(self, row: Sealed) -> bytes:
        """The secret of a row. Raises VaultDamaged where it is not as it was written."""
        found = self.unbox(row.key_id, row.sealed, secret_aad(self.vault_id, row), row.nonce)
        if found is None:
            raise VaultDamaged(
                f"the secret {row.name!r} is not as it was written: set it again, "
                "or restore a backup"
            )
        return found

    def box(self, content: bytes, aad: bytes, nonce: bytes) -> bytes:
        """Content under the current key."""
        self.used += 1
        return self._data[self.current].encrypt(nonce, content, aad)

    def unbox(self, key_id: int, box: bytes, aad: bytes, nonce: bytes) -> bytes | None:
        """The content of a box, None where it does not open."""
        key = self._data.get(key_id)
        if key is None:
            return None
        try:
            return key.decrypt(nonce, box, aad)
        except (InvalidTag, ValueError):
            return None

    def sealed_manifest(self, manifest: Manifest, epoch: int, *, draw: Draw) -> bytes:
        """The manifest of an epoch, as it is written."""
        content = msgspec.json.encode(manifest)
        return _box(self._manifest, content, manifest_aad(self.vault_id, epoch), draw)

    def manifest(self, contents: Contents) -> Manifest:
        """The manifest of these contents. Raises VaultDamaged."""
        meta = contents.meta
        found = _opened(self._manifest, meta.manifest, manifest_aad(self.vault_id, meta.epoch))
        if found is None:
            raise VaultDamaged("the vault's list of its rows was changed; restore a backup")
        return msgspec.json.decode(found, type=Manifest)

    def __repr__(self) -> str:
        return f"Keyring(current={self.current})"

    def __reduce__(self) -> "Any":
        raise TypeError("the keys of a vault are not copied")

    def _copied(self) -> "Keyring":
        fresh = object.__new__(Keyring)
        fresh.vault_id, fresh.current, fresh.used = self.vault_id, self.current, self.used
        fresh._root, fresh._manifest = self._root, self._manifest
        fresh._data = dict(self._data)
        return fresh


def wrapped(slot: Slot, root: bytes, stretched: bytes, *, vault_id: bytes, draw: Draw) -> Slot:
    """The slot with the root in it, found to open again."""
    kek, commitment = _keys_of(stretched)
    box = _box(kek, root, slot_aad(vault_id, slot), draw)
    slot = msgspec.structs.replace(slot, wrapped=box, commitment=commitment)
    if not hmac.compare_digest(unwrapped(slot, stretched, vault_id=vault_id), root):
        raise VaultDamaged("a slot that was written did not open again; nothing was changed")
    return slot


def unwrapped(slot: Slot, stretched: bytes, *, vault_id: bytes) -> bytes:
    """The root of a slot. Raises WrongPassword; VaultDamaged where only one of two proofs holds."""
    kek, commitment = _keys_of(stretched)
    committed = hmac.compare_digest(commitment, slot.commitment)
    root = _opened(kek, slot.wrapped, slot_aad(vault_id, slot))
    if not committed and root is None:
        raise WrongPassword("unlock failed: the password is wrong, or the vault was changed")
    if not committed or root is None or len(root) != KEY_BYTES:
        raise VaultDamaged(f"the vault's {slot.kind} slot was changed; restore a backup")
    return root


def _keys_of(stretched: bytes) -> tuple[AESGCM, bytes]:
    """The key that wraps, and the commitment to it."""
    commitment = hmac.digest(_derived(stretched, b"th-commitment"), _COMMITTED, "sha256")
    return AESGCM(_derived(stretched, b"th-kek")), commitment


def _derived(key: bytes, label: bytes) -> bytes:
    """A key for one use, by HKDF-SHA256's expansion (RFC 5869 2.3): the input is uniform."""
    return HKDFExpand(algorithm=SHA256(), length=KEY_BYTES, info=label).derive(key)


def _box(key: AESGCM, content: bytes, aad: bytes, draw: Draw) -> bytes:
    nonce = draw(NONCE_BYTES)
    return nonce + key.encrypt(nonce, content, aad)


def _opened(key: AESGCM, box: bytes, aad: bytes) -> bytes | None:
    try:
        return key.decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], aad)
    except (InvalidTag, ValueError):
        return None
