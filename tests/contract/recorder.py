"""A process of its own that records requests and prints the id of each acknowledged one.

`recorder.py PATH forever` goes on until it is killed. `recorder.py PATH limited` lets no file grow
for a while, as a disk does that fails, and prints what became of each request.
"""

import asyncio
import itertools
import os
import resource
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.contract.kept import outcome
from tokenhub.adapters.sqlite.stores import Stores, open_stores
from tokenhub.core.errors import Unavailable
from tokenhub.ports.journal import LogQuery

CALLERS = 8


def say(line: str) -> None:
    # Past every buffer of ours, so that a kill takes back nothing that was said.
    os.write(1, f"{line}\n".encode())


async def forever(stores: Stores) -> None:
    numbers = itertools.count(1)

    async def caller() -> None:
        for number in numbers:
            row = outcome(number)
            await stores.journal.record(row)
            say(f"{row.request_id} {row.cost_nusd}")

    async with asyncio.TaskGroup() as tasks:
        for _ in range(CALLERS):
            tasks.create_task(caller())


async def limited(stores: Stores) -> None:
    await stores.journal.record(outcome(1))
    # Set low enough that the next commit cannot append to the write-ahead log.
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, resource.RLIM_INFINITY))
    for number in (2, 3):
        try:
            await stores.journal.record(outcome(number))
        except Unavailable as error:
            say(f"refused {error.code} {error.__cause__.sqlite_errorname}")
    say(f"readable {await stores.journal.count(LogQuery())}")
    say(f"fault {bool(await stores.fault())}")
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    # Nothing but asking for it brings the journal back.
    async with asyncio.timeout(10):
        while await stores.fault():
            await stores.journal.count(LogQuery())
    say(f"fault {bool(stores.journal.fault)}")
    await stores.journal.record(outcome(4))
    say(f"recorded {await stores.journal.count(LogQuery())}")


async def main(path: str, what: str) -> None:
    async with open_stores(Path(path), probe_every_s=0) as stores:
        await {"forever": forever, "limited": limited}[what](stores)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
