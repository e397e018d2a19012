"""What is done to the data while no server runs on it."""

import asyncio
import secrets
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
from msgspec.structs import replace

from tokenhub.adapters.argon import Argon
from tokenhub.adapters.clock import SystemClock
from tokenhub.adapters.files import AppliedFile
from tokenhub.adapters.original.source import open_original
from tokenhub.adapters.sqlite.rehearsal import copied
from tokenhub.adapters.sqlite.stores import open_stores
from tokenhub.admin.changes import By
from tokenhub.admin.import_report import Report
from tokenhub.admin.vault import AutoLock, Vault
from tokenhub.app.assembly import assembled
from tokenhub.app.vaults import vault_password
from tokenhub.ports.clock import Clock
from tokenhub.ports.vault import Safe
from tokenhub.settings import Settings


async def import_original(
    settings: Settings,
    path: Path,
    *,
    password: bytes | None = None,
    dry_run: bool = False,
    clock: Clock | None = None,
) -> Report:
    """Take over the original's database at `path`. No server may be running on ours.

    With `dry_run` all of it is done to a copy, which is thrown away; then one may be running.
    Raises BadRequest where the original cannot be read, Unavailable where ours cannot be written.
    """
    if dry_run:
        with tempfile.TemporaryDirectory(prefix="tokenhub-dry-run-") as folder:
            rehearsed = await asyncio.to_thread(_rehearsal, settings, Path(folder))
            report = await import_original(rehearsed, path, password=password, clock=clock)
        report.dry_run = True
        return report
    with open_original(path) as source:
        async with assembled(settings, clock=clock) as (parts, _):
            return await parts.importing.run(source, password=password)


def _rehearsal(settings: Settings, folder: Path) -> Settings:
    """Settings for a copy of all that a start reads and an import writes."""
    if note := AppliedFile(settings.data_dir).read():
        AppliedFile(folder).write(note)
    return replace(settings, db_dsn=copied(settings.db_dsn, folder))


class CheckedVault(msgspec.Struct, frozen=True, kw_only=True):
    """What a vault holds, by name, and what of it does not open."""

    names: tuple[str, ...]
    wrong: tuple[str, ...]
    slots: tuple[str, ...]
    data_keys: int


async def verified_vault(settings: Settings, password: bytes) -> CheckedVault:
    """Open every secret of the vault of these settings, whose server is stopped.

    Without a password that of the settings is taken. The check is noted in the audit trail, and
    wrong passwords count. Raises WrongPassword, VaultDamaged, Unavailable and so on.
    """
    clock, argon = SystemClock(), Argon()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(argon.close)
        stores = await stack.enter_async_context(open_stores(settings.db_dsn))
        vault = Vault(
            store=stores.vault,
            safe=Safe(),
            stretcher=argon,
            clock=clock,
            draw=secrets.token_bytes,
            shelter=_no_keys,
            auto_lock=AutoLock(),
        )
        found, wrong = await vault.check(password or vault_password(settings))
    contents = found.contents
    return CheckedVault(
        names=tuple(sorted({*contents.secrets, *wrong})),
        wrong=tuple(wrong),
        slots=tuple(sorted(contents.slots)),
        data_keys=len(contents.ring),
    )


async def _no_keys(_by: By) -> int:
    return 0
