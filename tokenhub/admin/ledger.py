"""What calls cost, summed as operators ask, and whether the books are right."""

from collections.abc import Callable, Sequence

import msgspec

from tokenhub.core.errors import BadRequest
from tokenhub.core.purse import begins, month_of
from tokenhub.ports.clock import Clock
from tokenhub.ports.ledger import GROUPS, Audited, LedgerStore, Total, TotalsQuery

DAY_S = 86_400


class Summed(msgspec.Struct, frozen=True, kw_only=True):
    """A page of groups; `count` and `sum` are of all pages."""

    rows: Sequence[Total]
    count: int
    sum: Total


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """The books on disk, and those in memory beside them; money in nano-USD.

    `charged_nusd` is what memory says was charged this month, `written_nusd` what the disk does:
    less only by requests that are under way, or could not be written. `reserved_nusd` is held for
    calls under way. `problems` are in words, empty where all is right.
    """

    disk: Audited
    charged_nusd: int
    written_nusd: int
    reserved_nusd: int
    problems: tuple[str, ...]


class Ledger:
    """`sums` gives what was charged in the month of a Unix time, and what is held, in memory."""

    def __init__(
        self, *, store: LedgerStore, sums: Callable[[float], tuple[int, int]], clock: Clock
    ) -> None:
        self._store = store
        self._sums = sums
        self._clock = clock

    async def totals(self, query: TotalsQuery) -> Summed:
        """The groups that a query asks for. Raises BadRequest."""
        if not query.by or set(query.by) - set(GROUPS):
            raise BadRequest(
                f"group_by must be one or more of {', '.join(GROUPS)}, with commas between",
                field="group_by",
            )
        count, whole = await self._store.groups(query)
        return Summed(rows=await self._store.totals(query), count=count, sum=whole)

    async def verify(self) -> Verified:
        """Sum everything anew, and compare."""
        now = self._clock.now()
        month = month_of(now)
        since, until = (int(begins(at) // DAY_S) for at in (month, month + 1))
        disk = await self._store.audit()
        spent = await self._store.spent(since_day=since)
        written = sum(nusd for day, _, nusd in spent if day < until)
        # After the disk, since memory is charged first.
        charged, reserved = self._sums(now)
        return Verified(
            disk=disk,
            charged_nusd=charged,
            written_nusd=written,
            reserved_nusd=reserved,
            problems=tuple(_problems(disk, charged - written)),
        )


def _problems(disk: Audited, unwritten_nusd: int) -> list[str]:
    off_by = disk.totals_nusd - disk.pruned_nusd - disk.rows_nusd
    checks = (
        (disk.wrong, f"{disk.wrong} requests do not cost what their attempts do"),
        (disk.strays, f"{disk.strays} attempts have no request in the log"),
        (disk.off, f"{disk.off} totals are not the sum of their rows"),
        (off_by, f"the totals are off by {off_by} nano-USD"),
        (len(disk.open), f"{len(disk.open)} requests were begun, and are neither ended nor open"),
        (
            unwritten_nusd < 0,
            f"the disk has {-unwritten_nusd} nano-USD of this month that memory does not know",
        ),
    )
    return [words for wrong, words in checks if wrong]
