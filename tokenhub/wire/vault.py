"""The vault on the wire. Passwords and secrets go in as raw JSON strings, read without copies."""

import msgspec
from msgspec import Raw, UnsetType


class Password(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What `init`, `unlock` and `recovery` are sent: a JSON string."""

    admin_password: Raw | UnsetType = msgspec.UNSET


class NewPassword(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What `rotate` is sent. `old_password` may be the recovery key."""

    old_password: Raw | UnsetType = msgspec.UNSET
    new_password: Raw | UnsetType = msgspec.UNSET


class SecretPut(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    value: Raw | UnsetType = msgspec.UNSET


def _yes() -> bool:
    """For `ok`, which is always told: a plain default would be left out with the others."""
    return True


class VaultDone(msgspec.Struct, kw_only=True, omit_defaults=True):
    """`warning` is about the password; `left_out` names secrets that were changed on disk."""

    ok: bool = msgspec.field(default_factory=_yes)
    warning: str = ""
    left_out: list[str] = []


class VaultLocked(msgspec.Struct, kw_only=True, omit_defaults=True):
    ok: bool = msgspec.field(default_factory=_yes)
    already_locked: bool = False


class KeyRotated(msgspec.Struct, kw_only=True):
    """`secrets` is how many are under the new data key."""

    ok: bool = True
    secrets: int


class RecoveryIssued(msgspec.Struct, kw_only=True):
    """The one time that the recovery key is shown."""

    ok: bool = True
    recovery_key: str
    warning: str = "print it and lock it away: it opens the vault, and cannot be shown again"


class SecretNames(msgspec.Struct, kw_only=True):
    secrets: list[str]


class Secret(msgspec.Struct, kw_only=True):
    key: str
    value: str


class SecretDone(msgspec.Struct, kw_only=True):
    ok: bool = True
    key: str


class VaultStatus(msgspec.Struct, kw_only=True):
    """`state` is `disabled`, `not_initialized`, `locked` or `unlocked`.

    `locks_in_s` is null where nothing locks it; a limit of 0 is none. `retry_after_s` is how long
    the next try has to wait after wrong passwords.
    """

    state: str
    slots: list[str]
    secrets: int
    provider_keys: int
    data_key: int
    rotated_at: str | None
    idle_lock_s: float
    max_unlock_s: float
    locks_in_s: float | None
    failures: int
    retry_after_s: float
