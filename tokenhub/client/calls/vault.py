"""Calls about the vault."""

import msgspec
from msgspec import Raw

from tokenhub.client.call import Call, item
from tokenhub.wire.catalog import Done
from tokenhub.wire.vault import (
    KeyRotated,
    NewPassword,
    Password,
    RecoveryIssued,
    Secret,
    SecretDone,
    SecretNames,
    SecretPut,
    VaultDone,
    VaultLocked,
    VaultStatus,
)

VAULT = "/admin/v1/vault"
SECRETS = f"{VAULT}/secrets"


def status() -> Call[VaultStatus]:
    """How the vault is; it tells nothing of what is in it."""
    return Call(method="GET", path=f"{VAULT}/status", returns=VaultStatus)


def init(password: str) -> Call[VaultDone]:
    """Set the vault up, and leave it unlocked."""
    return Call(method="POST", path=f"{VAULT}/init", body=_password(password), returns=VaultDone)


def unlock(password: str) -> Call[VaultDone]:
    """Open a vault that is set up."""
    return Call(method="POST", path=f"{VAULT}/unlock", body=_password(password), returns=VaultDone)


def lock() -> Call[VaultLocked]:
    """Close it: no secret can be used until it is opened again."""
    return Call(method="POST", path=f"{VAULT}/lock", returns=VaultLocked)


def change_password(old: str, new: str) -> Call[VaultDone]:
    """Another password; the old one, or the recovery key, opens the vault one last time."""
    body = NewPassword(old_password=_raw(old), new_password=_raw(new))
    return Call(method="POST", path=f"{VAULT}/rotate", body=body, returns=VaultDone)


def rotate_key() -> Call[KeyRotated]:
    """Another data key: everything is sealed anew, and passwords stay."""
    return Call(method="POST", path=f"{VAULT}/rotate-key", returns=KeyRotated)


def set_recovery(password: str) -> Call[RecoveryIssued]:
    """A recovery key; the answer is the only one that ever shows it."""
    return Call(
        method="POST", path=f"{VAULT}/recovery", body=_password(password), returns=RecoveryIssued
    )


def delete_recovery() -> Call[Done]:
    """No recovery key any more."""
    return Call(method="DELETE", path=f"{VAULT}/recovery", returns=Done)


def list_secrets() -> Call[SecretNames]:
    """The names of the secrets."""
    return Call(method="GET", path=SECRETS, returns=SecretNames)


def get_secret(key: str) -> Call[Secret]:
    """A secret in clear."""
    return Call(method="GET", path=item(SECRETS, key), returns=Secret)


def put_secret(key: str, value: str) -> Call[SecretDone]:
    """Keep a secret, new or in the place of another."""
    body = SecretPut(value=_raw(value))
    return Call(method="PUT", path=item(SECRETS, key), body=body, returns=SecretDone)


def delete_secret(key: str) -> Call[SecretDone]:
    """Forget a secret."""
    return Call(method="DELETE", path=item(SECRETS, key), returns=SecretDone)


def _password(password: str) -> Password:
    return Password(admin_password=_raw(password))


def _raw(text: str) -> Raw:
    return Raw(msgspec.json.encode(text))
