"""The first use of an imported key, whose digest nobody knows yet.

    a key that no table holds
      -> has it the original's form, and does a waiting key begin like it?   else: a stranger
      -> was this very text refused before?                                  then: a stranger
      -> bcrypt, one at a time, in a thread of its own (tens of milliseconds)
      -> good: its digest is stored in the place of its mark, and the hash is dropped

So a forged key costs a pattern and a look at a dict, unless it begins with the 8 hex digits that
lists of keys show (16 for a key that was never rotated). For those who know them the line is
short: who finds it full is told to come again, and is not told whether the key is good.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from tokenhub.admin.changes import By
from tokenhub.admin.keys import Keys
from tokenhub.core.errors import Unavailable
from tokenhub.core.keys import KeyTable, digest
from tokenhub.core.old_keys import checkable, mark, old_form, starts
from tokenhub.ports.clock import Clock
from tokenhub.ports.imported import Imported, OldHash
from tokenhub.ports.snapshot import Snapshot

# Different keys, however many requests come with each. At 70 ms for each (bcrypt of cost 10), who
# is last in line waits two seconds.
LINE = 32
# Refused keys that are remembered, so that one that is sent again and again costs no more.
REMEMBERED = 4096
_BY = By(actor="import")


class FirstUse:
    """Lets imported keys in. `fits` says whether a hash is that of a key, and blocks."""

    def __init__(
        self,
        *,
        keys: Keys,
        table: Snapshot[KeyTable],
        imported: Imported,
        clock: Clock,
        fits: Callable[[str, str], bool],
    ) -> None:
        self.checks = 0
        self._keys = keys
        self._table = table
        self._imported = imported
        self._clock = clock
        self._fits = fits
        self._waiting: dict[str, tuple[OldHash, ...]] = {}
        self._refused: OrderedDict[bytes, None] = OrderedDict()
        self._line: Counter[bytes] = Counter()
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="first-use")

    async def load(self) -> None:
        """Read the hashes of keys that wait; those of others are dropped. Done once."""
        table = self._table.current
        self._waiting = {}
        gone = []
        for row in await self._imported.hashes():
            if mark(row.hash) in table and checkable(row.hash):
                self._waiting[row.start] = (*self._waiting.get(row.start, ()), row)
            else:
                gone.append(row.key_id)
        if gone:
            await self._imported.drop(gone)

    def close(self) -> None:
        """Let go of the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def __call__(self, key: str) -> None:
        """Make a good key known, so that the table holds its digest; of any other, nothing.

        Raises Unavailable where too many are being checked, or it cannot be stored.
        """
        if not self._waiting or not old_form(key):
            return
        found = [row for start in starts(key) for row in self._waiting.get(start, ())]
        own = digest(key)
        if not found or own in self._refused:
            return
        if len(self._line) >= LINE and own not in self._line:
            raise Unavailable(
                "too many imported API keys are being checked for the first time; "
                "try again in a second",
                code="first_use_busy",
            )
        self._line[own] += 1
        try:
            async with self._turn:
                if own not in self._table.current and own not in self._refused:
                    await self._check(key, found)
        finally:
            self._line[own] -= 1
            if not self._line[own]:
                del self._line[own]

    async def _check(self, key: str, found: Sequence[OldHash]) -> None:
        barred = False
        for row in found:
            caller = self._table.current.get(mark(row.hash))
            if caller is None:
                continue
            if not caller.usable(self._clock.now()):
                barred = True  # an operator may still let it in
                continue
            self.checks += 1
            loop = asyncio.get_running_loop()
            if await loop.run_in_executor(self._thread, self._fits, key, row.hash):
                await self._keys.recognise(mark(row.hash), key, by=_BY)
                await self._forget(row)
                return
        if barred:
            return
        self._refused[digest(key)] = None
        if len(self._refused) > REMEMBERED:
            self._refused.popitem(last=False)

    async def _forget(self, row: OldHash) -> None:
        rest = tuple(one for one in self._waiting.get(row.start, ()) if one != row)
        if rest:
            self._waiting[row.start] = rest
        else:
            self._waiting.pop(row.start, None)
        await self._imported.drop([row.key_id])
