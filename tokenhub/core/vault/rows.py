"""What the vault is on disk: rows without a secret in clear, and the bytes that bind each of them.

Every seal is bound to its place (associated data): to the vault, to its own name, number and
version. A row that is moved, mixed or edited does not open. A row that is put back as it once was
does not either: the manifest, sealed by a key under the root, says which version of each row is
the one in force.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, TypeVar

import msgspec
from msgspec.structs import replace

from tokenhub.core.errors import VaultDamaged

K = TypeVar("K")
V = TypeVar("V")

FORMAT = 1
ARGON2ID = "argon2id"
SALT_BYTES = 16
ID_BYTES = 16
Kind = Literal["password", "recovery"]
PASSWORD: Kind = "password"  # noqa: S105 - the kind of a slot
RECOVERY: Kind = "recovery"


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """What Argon2id is to cost."""

    passes: int
    memory_kib: int
    lanes: int


# RFC 9106 section 4, second recommended option.
LEAST = Stretch(passes=3, memory_kib=65_536, lanes=4)
# What is believed of a file: an attacker may have written 4 GiB there. The least is OWASP's
# (19 MiB), the rest bounds the work of one try; age refuses work factors for the same reason.
_KIB = range(19 * 1024, (1 << 20) + 1)
_PASSES = range(1, 17)
_LANES = range(1, 9)
MOST_PASSES = _PASSES[-1]


class Meta(msgspec.Struct, frozen=True, kw_only=True):
    """`epoch` counts the changes; `manifest` is sealed. Times are Unix seconds."""

    vault_id: bytes
    format: int
    epoch: int
    manifest: bytes
    created_at: float
    rotated_at: float


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """One way to open: the root, wrapped by what a password is stretched to.

    `commitment` is HMAC-SHA256 of a constant under a key of its own: AES-GCM alone would let one
    box open under two passwords. `epoch` is that of the change which wrote it.
    """

    kind: Kind
    kdf: str
    passes: int
    memory_kib: int
    lanes: int
    salt: bytes
    commitment: bytes
    wrapped: bytes
    epoch: int
    created_at: float

    @property
    def stretch(self) -> Stretch:
        """The cost that it says, within bounds. Raises VaultDamaged."""
        if self.kdf != ARGON2ID:
            raise VaultDamaged(
                "the vault asks for a password hash that is not known here", code=_REFUSED
            )
        ok = self.passes in _PASSES and self.memory_kib in _KIB and self.lanes in _LANES
        if not ok or len(self.salt) != SALT_BYTES:
            raise VaultDamaged(
                f"the vault's {self.kind} slot asks for work that no TokenHub would write "
                f"({self.memory_kib} KiB, {self.passes} passes, {self.lanes} lanes); "
                "somebody has changed the file: restore a backup",
                code=_REFUSED,
            )
        return Stretch(passes=self.passes, memory_kib=self.memory_kib, lanes=self.lanes)


class RingKey(msgspec.Struct, frozen=True, kw_only=True):
    """A data key, wrapped by the root. `used` counts what it has sealed."""

    id: int
    wrapped: bytes
    used: int
    created_at: float
    retired_at: float | None = None


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """A secret. `purpose` says what it is for, a provider's key the origins it may be sent to.

    `version` is the epoch of the change that wrote it.
    """

    name: str
    version: int
    key_id: int
    purpose: str
    nonce: bytes
    sealed: bytes
    created_at: float


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """All of it, as read from disk."""

    meta: Meta
    slots: Mapping[str, Slot]
    ring: Mapping[int, RingKey]
    secrets: Mapping[str, Sealed]


class VaultChange(msgspec.Struct, frozen=True, kw_only=True):
    """What one transaction writes. `expected` is the epoch that it finds, 0 where there is none.

    Without `meta` rows are only taken away, which needs no key and leaves the epoch.
    """

    expected: int
    meta: Meta | None = None
    slots: tuple[Slot, ...] = ()
    no_slots: tuple[str, ...] = ()
    ring: tuple[RingKey, ...] = ()
    no_ring: tuple[int, ...] = ()
    secrets: tuple[Sealed, ...] = ()
    no_secrets: tuple[str, ...] = ()


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows are in force: the epochs of slots, the data keys, the versions of secrets."""

    slots: dict[str, int]
    ring: list[int]
    secrets: dict[str, int]


def changed(contents: Contents, change: VaultChange) -> Contents:
    """The contents after a change."""
    return Contents(
        meta=change.meta or contents.meta,
        slots=_without(contents.slots, change.no_slots) | {row.kind: row for row in change.slots},
        ring=_without(contents.ring, change.no_ring) | {row.id: row for row in change.ring},
        secrets=_without(contents.secrets, change.no_secrets)
        | {row.name: row for row in change.secrets},
    )


def manifest_of(contents: Contents) -> Manifest:
    """The rows of these contents, as a manifest."""
    return Manifest(
        slots={kind: slot.epoch for kind, slot in sorted(contents.slots.items())},
        ring=sorted(contents.ring),
        secrets={name: row.version for name, row in sorted(contents.secrets.items())},
    )


def in_force(contents: Contents, manifest: Manifest) -> tuple[Contents, tuple[str, ...]]:
    """The contents with the secrets that the manifest names, and the names of the others.

    Raises VaultDamaged where a way to open, or a data key, is not the one in force.
    """
    found = manifest_of(contents)
    if found.slots != manifest.slots or found.ring != manifest.ring:
        raise VaultDamaged(
            "the vault's slots or keys are not those that it was last written with; "
            "somebody has changed the file: restore a backup"
        )
    stale = tuple(
        name for name, version in found.secrets.items() if manifest.secrets.get(name) != version
    )
    return replace(contents, secrets=_without(contents.secrets, stale)), stale


def slot_aad(vault_id: bytes, slot: Slot) -> bytes:
    """What a wrapped root is bound to."""
    cost = (slot.passes, slot.memory_kib, slot.lanes)
    return bound("th-slot", FORMAT, vault_id, slot.kind, slot.kdf, *cost, slot.salt, slot.epoch)


def ring_aad(vault_id: bytes, key_id: int) -> bytes:
    """What a wrapped data key is bound to."""
    return bound("th-key", FORMAT, vault_id, key_id)


def secret_aad(vault_id: bytes, row: Sealed) -> bytes:
    """What a sealed secret is bound to."""
    return bound("th-secret", FORMAT, vault_id, row.name, row.version, row.key_id, row.purpose)


def manifest_aad(vault_id: bytes, epoch: int) -> bytes:
    """What the manifest is bound to."""
    return bound("th-manifest", FORMAT, vault_id, epoch)


def bound(*fields: str | int | bytes) -> bytes:
    """The fields as bytes that read in one way only: each with its kind and its length."""
    return b"".join(_field(field) for field in fields)


def _field(field: str | int | bytes) -> bytes:
    if isinstance(field, int):
        mark, text = b"i", field.to_bytes(8, "big")
    elif isinstance(field, str):
        mark, text = b"s", field.encode()
    else:
        mark, text = b"b", field
    return mark + len(text).to_bytes(8, "big") + text


def _without(rows: Mapping[K, V], names: Iterable[K]) -> dict[K, V]:
    gone = set(names)
    return {name: row for name, row in rows.items() if name not in gone}


_REFUSED = "vault_kdf_refused"
