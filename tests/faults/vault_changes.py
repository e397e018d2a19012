"""One change of a vault on a given database, with a mark before and after its acknowledgement.

    python -m tests.faults.vault_changes prepare FILE [COUNT]    a vault with COUNT secrets
    python -m tests.faults.vault_changes CHANGE FILE             password, data-key or secret

prints `ready` when the vault is open and the change is about to be made, and `acknowledged` when
it has been: what is killed in between may show either side, and what is killed later the new one.
`opens(FILE, OLD)` and `opens(FILE, NEW)` say which side an image shows. Passwords are stretched as
little as the format allows, and each only once.
"""

import asyncio
import functools
import sqlite3
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from secrets import token_bytes

from tokenhub.adapters.argon import Argon, stretch
from tokenhub.adapters.clock import SystemClock
from tokenhub.adapters.sqlite.stores import Stores, open_stores
from tokenhub.adapters.sqlite.vault import read
from tokenhub.admin.changes import By
from tokenhub.admin.vault import AutoLock, Vault
from tokenhub.core.errors import WrongPassword
from tokenhub.core.vault.changes import opened
from tokenhub.core.vault.rows import PASSWORD, Stretch
from tokenhub.ports.vault import Safe

OLD, NEW = b"the old password", b"the new password"
CHEAP = Stretch(passes=1, memory_kib=19 * 1024, lanes=1)
SECRET = "changed"
BEFORE, AFTER = b"before", b"after"
BY = By(actor="fault-test")
CHANGES = ("password", "data-key", "secret")

stretched = functools.cache(stretch)


@asynccontextmanager
async def opened_vault(path: Path, *, password: bytes = OLD) -> AsyncIterator[tuple[Vault, Stores]]:
    """The use case over a database; set up first where it never was."""
    argon = Argon(least=CHEAP, least_s=0)
    async with open_stores(path) as stores:
        vault = Vault(
            store=stores.vault,
            safe=Safe(),
            stretcher=argon,
            clock=SystemClock(),
            draw=token_bytes,
            shelter=_nobody,
            auto_lock=AutoLock(),
        )
        await vault.load()
        await (vault.unlock if vault.initialized else vault.init)(password, by=BY)
        yield vault, stores
    await argon.close()


async def prepare(path: Path, count: int = 20) -> None:
    """A vault opened by OLD, with so many secrets."""
    async with opened_vault(path) as (vault, _):
        await vault.put_secret(SECRET, BEFORE, by=BY)
        for number in range(count - 1):
            await vault.put_secret(f"s{number}", b"secret %d" % number, by=BY)


async def change(path: Path, what: str) -> None:
    """Make one change, between two marks."""
    async with opened_vault(path) as (vault, _):
        print("ready", flush=True)
        if what == "password":
            await vault.change_password(OLD, NEW, by=BY)
        elif what == "data-key":
            await vault.rotate_key(by=BY)
        else:
            await vault.put_secret(SECRET, AFTER, by=BY)
        print("acknowledged", flush=True)


def opens(path: Path, password: bytes) -> Mapping[str, bytes] | None:
    """All secrets of an image, None where this password does not open it.

    Raises VaultDamaged or sqlite3.Error where it is not whole, ValueError where there is no vault,
    or where a secret is not the one that the manifest names.
    """
    with closing(sqlite3.connect(path)) as conn:
        contents = read(conn)
    if contents is None:
        raise ValueError("there is no vault")
    slot = contents.slots.get(PASSWORD)
    if slot is None:
        raise ValueError("there is no slot for a password")
    try:
        found = opened(contents, slot, stretched(password, slot.salt, slot.stretch))
    except WrongPassword:
        return None
    if found.stale:
        raise ValueError(f"stale: {found.stale}")
    return {name: found.ring.open(row) for name, row in found.contents.secrets.items()}


async def _nobody(_by: By) -> int:
    return 0


def main() -> None:
    what, file, *more = sys.argv[1:]
    if what == "prepare":
        asyncio.run(prepare(Path(file), *map(int, more)))
    else:
        assert what in CHANGES, what
        asyncio.run(change(Path(file), what))


if __name__ == "__main__":
    main()
