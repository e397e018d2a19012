"""`/admin/v1/vault`."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from litestar import Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Raw, UnsetType

from tokenhub.admin import vault as use
from tokenhub.admin.changes import By
from tokenhub.admin.vault import Vault
from tokenhub.core.errors import BadRequest
from tokenhub.web.auth import needs
from tokenhub.web.body import Http, body_of
from tokenhub.web.paging import queried
from tokenhub.web.tags import answer
from tokenhub.web.times import utc
from tokenhub.wire import vault as wire
from tokenhub.wire.catalog import Done


@get("/vault/status", opt=needs("viewer"))
async def get_status(request: Http, vault: NamedDependency[Vault]) -> Response[bytes]:
    queried(request, ())
    now = await vault.status()
    told = wire.VaultStatus(
        state=_state(now),
        slots=list(now.slots),
        secrets=now.secrets,
        provider_keys=now.provider_keys,
        data_key=now.data_key,
        rotated_at=None if now.rotated_at is None else utc(now.rotated_at),
        idle_lock_s=now.idle_s,
        max_unlock_s=now.open_s,
        locks_in_s=None if now.locks_in_s is None else round(now.locks_in_s, 3),
        failures=now.failures,
        retry_after_s=round(now.wait_s, 3),
    )
    return answer(told)


@post("/vault/init", opt=needs("owner"))
async def init(
    request: Http, vault: NamedDependency[Vault], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    sent = await body_of(request, wire.Password)
    with _read(sent.admin_password, field="admin_password") as password:
        warning = await vault.init(password, by=by)
    return answer(wire.VaultDone(warning=warning))


@post("/vault/unlock", opt=needs("owner"))
async def unlock(
    request: Http, vault: NamedDependency[Vault], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    sent = await body_of(request, wire.Password)
    with _read(sent.admin_password, field="admin_password") as password:
        left_out = await vault.unlock(password, by=by)
    return answer(wire.VaultDone(left_out=list(left_out)))


@post("/vault/lock", opt=needs("owner"))
async def lock(
    request: Http, vault: NamedDependency[Vault], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    was_open = await vault.lock(by=by)
    return answer(wire.VaultLocked(already_locked=not was_open))


@post("/vault/rotate", opt=needs("owner"))
async def change_password(
    request: Http, vault: NamedDependency[Vault], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    sent = await body_of(request, wire.NewPassword)
    with (
        _read(sent.old_password, field="old_password") as old,
        _read(sent.new_password, field="new_password") as new,
    ):
        warning = await vault.change_password(old, new, by=by)
    return answer(wire.VaultDone(warning=warning))


@post("/vault/rotate-key", opt=needs("owner"))
async def rotate_key(
    request: Http, vault: NamedDependency[Vault], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    return answer(wire.KeyRotated(secrets=await vault.rotate_key(by=by)))


@post("/vault/recovery", opt=needs("owner"))
async def set_recovery(
    request: Http, vault: NamedDependency[Vault], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    sent = await body_of(request, wire.Password)
    with _read(sent.admin_password, field="admin_password") as password:
        recovery = await vault.add_recovery(password, by=by)
    return answer(wire.RecoveryIssued(recovery_key=recovery))


@delete("/vault/recovery", status_code=200, opt=needs("owner"))
async def delete_recovery(
    request: Http, vault: NamedDependency[Vault], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    await vault.drop_recovery(by=by)
    return answer(Done())


@get("/vault/secrets", opt=needs("owner"))
async def list_secrets(request: Http, vault: NamedDependency[Vault]) -> Response[bytes]:
    queried(request, ())
    return answer(wire.SecretNames(secrets=list(vault.names())))


@get("/vault/secrets/{key:path}", opt=needs("owner"))
async def get_secret(
    request: Http, key: FromPath[str], vault: NamedDependency[Vault], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    name = key.removeprefix("/")
    found = await vault.secret(name, by=by)
    return answer(wire.Secret(key=name, value=found.decode()))


@put("/vault/secrets/{key:path}", opt=needs("owner", rehearses=True))
async def put_secret(
    request: Http, key: FromPath[str], vault: NamedDependency[Vault], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    name = key.removeprefix("/")
    sent = await body_of(request, wire.SecretPut)
    with _read(sent.value, field="value") as secret:
        await vault.put_secret(name, bytes(secret), by=by)
    return answer(wire.SecretDone(key=name))


@delete("/vault/secrets/{key:path}", status_code=200, opt=needs("owner", rehearses=True))
async def delete_secret(
    request: Http, key: FromPath[str], vault: NamedDependency[Vault], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    name = key.removeprefix("/")
    await vault.delete_secret(name, by=by)
    return answer(wire.SecretDone(key=name))


@contextmanager
def _read(raw: Raw | UnsetType, *, field: str) -> Iterator[bytearray]:
    """The bytes of a JSON string, wiped at the end of the block.

    One without escapes is never made text: Python keeps texts as long as it likes. Raises
    BadRequest where it is not there, or is no string.
    """
    told = b"" if isinstance(raw, UnsetType) else bytes(raw)
    if not told.startswith(b'"') or told == b'""':
        raise BadRequest(f"{field} required, as a string that is not empty", field=field)
    try:
        text = told[1:-1] if b"\\" not in told else json.loads(told).encode()
    except UnicodeEncodeError as error:
        raise BadRequest(f"{field} holds half a character", field=field) from error
    secret = bytearray(text)
    try:
        yield secret
    finally:
        secret[:] = bytes(len(secret))


def _state(now: use.Status) -> str:
    if not now.enabled:
        return "disabled"
    if not now.initialized:
        return "not_initialized"
    return "locked" if now.locked else "unlocked"
