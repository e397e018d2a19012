"""One change to what lies in a folder, for crash_states.py: `change.py WHAT FOLDER`.

It prints that the change is acknowledged when the caller of the server would be told so.
"""

import asyncio
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from msgspec.structs import replace

from tests.contract.kept import AUDIT, HERE, KEY, SMALL, outcome
from tokenhub.adapters.files import write_private
from tokenhub.adapters.sqlite.stores import Stores, open_stores
from tokenhub.core.admin_token import FILE

OLD, NEW = b"tha_" + b"0" * 64 + b"\n", b"tha_" + b"1" * 64 + b"\n"
DATABASE = "tokenhub.sqlite"


def acknowledged() -> None:
    # Past every buffer of ours, so that it stands where it was said.
    os.write(1, b"acknowledged\n")


def admin_token(folder: Path) -> None:
    write_private(folder / FILE, NEW)
    acknowledged()


async def catalog(stores: Stores) -> None:
    """A provider with its models: several rows, their versions and the audit entry."""
    row = replace(HERE, enabled=True)
    await stores.catalog.put_provider(row, AUDIT, models=[replace(SMALL, weight=9)])


async def key(stores: Stores) -> None:
    """A revocation."""
    await stores.keys.put(replace(KEY, enabled=False), AUDIT)


async def journal(stores: Stores) -> None:
    """A request with its attempts."""
    await stores.journal.record(outcome(2))


CHANGES = {"catalog": catalog, "key": key, "journal": journal}


async def stored(what: str, folder: Path) -> None:
    async with open_stores(folder / DATABASE) as stores:
        await CHANGES[what](stores)
        acknowledged()


def main(what: str, folder: str) -> None:
    if what == "admin-token":
        admin_token(Path(folder))
    else:
        asyncio.run(stored(what, Path(folder)))


if __name__ == "__main__":
    main(*sys.argv[1:])
