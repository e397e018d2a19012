"""What each change makes of the vault: computed whole, and tried, before anything is written."""

import msgspec
from msgspec.structs import replace

from tokenhub.core.errors import VaultDamaged
from tokenhub.core.vault.keyring import KEY_BYTES, Draw, Keyring, unwrapped, wrapped
from tokenhub.core.vault.rows import (
    ARGON2ID,
    FORMAT,
    ID_BYTES,
    PASSWORD,
    Contents,
    Kind,
    Meta,
    RingKey,
    Sealed,
    Slot,
    Stretch,
    VaultChange,
    changed,
    in_force,
    manifest_of,
)


class Stretched(msgspec.Struct, frozen=True, kw_only=True):
    """A password as Argon2id left it, with the salt and the cost that it took."""

    key: bytes
    salt: bytes
    cost: Stretch

    def __repr__(self) -> str:
        return "Stretched(...)"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A change, and what is to be in force once it is written."""

    change: VaultChange
    contents: Contents
    ring: Keyring


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """An open vault. `stale` are the secrets that are not those last written: they are left out."""

    contents: Contents
    ring: Keyring
    stale: tuple[str, ...]


def founded(password: Stretched, *, now: float, draw: Draw) -> Step:
    """A new vault with one slot and nothing in it."""
    root, vault_id = draw(KEY_BYTES), draw(ID_BYTES)
    slot = _slot(PASSWORD, password, root, vault_id=vault_id, epoch=1, now=now, draw=draw)
    ring, key = Keyring(root, vault_id).with_key(1, now=now, draw=draw)
    meta = Meta(
        vault_id=vault_id, format=FORMAT, epoch=0, manifest=b"", created_at=now, rotated_at=now
    )
    contents = Contents(meta=meta, slots={}, ring={}, secrets={})
    change = VaultChange(expected=0, slots=(slot,), ring=(key,))
    return _step(contents, change, ring, draw=draw)


def opened(contents: Contents, slot: Slot, stretched: bytes) -> Opened:
    """The vault, opened by a slot. Raises WrongPassword, VaultDamaged."""
    vault_id = contents.meta.vault_id
    if contents.meta.format != FORMAT:
        raise VaultDamaged(
            f"the vault has format {contents.meta.format}, and this TokenHub knows {FORMAT}; "
            "install the version that wrote it"
        )
    ring = Keyring(unwrapped(slot, stretched, vault_id=vault_id), vault_id)
    for key in contents.ring.values():
        ring.take(key)
    true, stale = in_force(contents, ring.manifest(contents))
    return Opened(contents=true, ring=ring, stale=stale)


def reread(contents: Contents, ring: Keyring) -> Opened:
    """What is on disk now, for a vault that is open already. Raises VaultDamaged."""
    fresh = ring.with_rows(contents.ring.values())
    true, stale = in_force(contents, fresh.manifest(contents))
    return Opened(contents=true, ring=fresh, stale=stale)


def reslotted(
    now_open: Opened,
    kind: Kind,
    *,
    by: Slot,
    stretched: bytes,
    new: Stretched,
    now: float,
    draw: Draw,
) -> Step:
    """The slot of a kind written anew; `by` and `stretched` open the vault one last time."""
    meta = now_open.contents.meta
    root = unwrapped(by, stretched, vault_id=meta.vault_id)
    epoch = meta.epoch + 1
    slot = _slot(kind, new, root, vault_id=meta.vault_id, epoch=epoch, now=now, draw=draw)
    change = VaultChange(expected=meta.epoch, slots=(slot,))
    return _step(now_open.contents, change, now_open.ring, draw=draw)


def unslotted(contents: Contents, ring: Keyring, kind: Kind, *, draw: Draw) -> Step:
    """Without the slot of a kind."""
    change = VaultChange(expected=contents.meta.epoch, no_slots=(kind,))
    return _step(contents, change, ring, draw=draw)


def rekeyed(
    contents: Contents, ring: Keyring, *, now: float, forgotten_before: float, draw: Draw
) -> Step:
    """All secrets under a new data key. The old one stays for what else it sealed, for a time.

    Those that retired before `forgotten_before` go. Raises VaultDamaged for a secret that does
    not open, naming it.
    """
    gone = tuple(
        key.id
        for key in contents.ring.values()
        if key.retired_at is not None and key.retired_at < forgotten_before
    )
    retired = tuple(
        replace(key, retired_at=now, used=ring.used if key.id == ring.current else key.used)
        for key in contents.ring.values()
        if key.retired_at is None
    )
    fresh, key = ring.without(gone).with_key(max(contents.ring) + 1, now=now, draw=draw)
    epoch = contents.meta.epoch + 1
    secrets = tuple(
        fresh.seal(ring.open(row), replace(row, version=epoch), draw=draw)
        for row in contents.secrets.values()
    )
    change = VaultChange(
        expected=contents.meta.epoch,
        ring=(*retired, replace(key, used=fresh.used)),
        no_ring=gone,
        secrets=secrets,
    )
    rotated = replace(contents, meta=replace(contents.meta, rotated_at=now))
    return _step(rotated, change, fresh, draw=draw)


def kept(
    contents: Contents,
    ring: Keyring,
    name: str,
    secret: bytes,
    *,
    purpose: str,
    now: float,
    draw: Draw,
) -> Step:
    """With a secret under a name, new or in the place of another."""
    row = Sealed(
        name=name,
        version=contents.meta.epoch + 1,
        key_id=0,
        purpose=purpose,
        nonce=b"",
        sealed=b"",
        created_at=now,
    )
    sealed = ring.seal(secret, row, draw=draw)
    used = _counted(contents, ring)
    change = VaultChange(expected=contents.meta.epoch, secrets=(sealed,), ring=used)
    return _step(contents, change, ring, draw=draw)


def dropped(contents: Contents, ring: Keyring, name: str, *, draw: Draw) -> Step:
    """Without the secret of a name."""
    change = VaultChange(expected=contents.meta.epoch, no_secrets=(name,))
    return _step(contents, change, ring, draw=draw)


def torn_out(contents: Contents, name: str) -> VaultChange:
    """Without the secret of a name while nobody can seal: the row goes, the list names it still."""
    return VaultChange(expected=contents.meta.epoch, no_secrets=(name,))


def _slot(
    kind: Kind,
    password: Stretched,
    root: bytes,
    *,
    vault_id: bytes,
    epoch: int,
    now: float,
    draw: Draw,
) -> Slot:
    slot = Slot(
        kind=kind,
        kdf=ARGON2ID,
        passes=password.cost.passes,
        memory_kib=password.cost.memory_kib,
        lanes=password.cost.lanes,
        salt=password.salt,
        commitment=b"",
        wrapped=b"",
        epoch=epoch,
        created_at=now,
    )
    return wrapped(slot, root, password.key, vault_id=vault_id, draw=draw)


def _counted(contents: Contents, ring: Keyring) -> tuple[RingKey, ...]:
    """The row of the current key with what it has sealed."""
    return (replace(contents.ring[ring.current], used=ring.used),)


def _step(contents: Contents, change: VaultChange, ring: Keyring, *, draw: Draw) -> Step:
    """The change with its manifest, found to open again."""
    after = changed(contents, change)
    epoch = change.expected + 1
    manifest = ring.sealed_manifest(manifest_of(after), epoch, draw=draw)
    meta = replace(contents.meta, epoch=epoch, manifest=manifest)
    after = replace(after, meta=meta)
    in_force(after, ring.manifest(after))
    return Step(change=replace(change, meta=meta), contents=after, ring=ring)
