"""Both files of a server, opened together."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tokenhub.adapters.sqlite import backup
from tokenhub.adapters.sqlite.access import SqliteTokenStore
from tokenhub.adapters.sqlite.answers import SqliteAnswers
from tokenhub.adapters.sqlite.audit import SqliteAudit
from tokenhub.adapters.sqlite.backups import SqliteBackups
from tokenhub.adapters.sqlite.catalog import SqliteCatalogStore
from tokenhub.adapters.sqlite.claims import SqliteClaims
from tokenhub.adapters.sqlite.database import Database
from tokenhub.adapters.sqlite.decisions import Decisions
from tokenhub.adapters.sqlite.feedback import SqliteFeedback
from tokenhub.adapters.sqlite.imported import SqliteImported
from tokenhub.adapters.sqlite.journal import JOURNAL, SqliteJournal
from tokenhub.adapters.sqlite.keys import SqliteKeyStore
from tokenhub.adapters.sqlite.ledger import SqliteLedger
from tokenhub.adapters.sqlite.migrations import TELEMETRY, TOKENHUB
from tokenhub.adapters.sqlite.orchestrations import SqliteOrchestrations
from tokenhub.adapters.sqlite.probe import EVERY_S
from tokenhub.adapters.sqlite.retention import SqliteRetention
from tokenhub.adapters.sqlite.rewards import SqliteRewards
from tokenhub.adapters.sqlite.searching import SqliteLogIndex
from tokenhub.adapters.sqlite.series import SqliteSeries
from tokenhub.adapters.sqlite.traffic import SqliteTraffic
from tokenhub.adapters.sqlite.vault import SqliteVaultStore
from tokenhub.core.errors import BadRequest
from tokenhub.core.waits import Waits
from tokenhub.ports.storage import Storage
from tokenhub.ports.stores import Audit

# Below it a WAL can be damaged when two connections write at one instant (sqlite.org/wal.html, the
# WAL-reset bug). Our one writer and the lock keep clear of that; other programs might not.
WAL_RESET_FIXED = (3, 51, 3)
KEEP = 7


class Stores:
    """What is kept on disk. `sqlite_version` is the library's."""

    sqlite_version = sqlite3.sqlite_version

    def __init__(
        self,
        ledger: Database,
        telemetry: Database,
        decisions: Decisions,
        *,
        backups: SqliteBackups,
        series: SqliteSeries,
    ) -> None:
        self.catalog = SqliteCatalogStore(ledger)
        self.keys = SqliteKeyStore(ledger)
        self.tokens = SqliteTokenStore(ledger)
        self.claims = SqliteClaims(ledger)
        self.ledger = SqliteLedger(ledger)
        self.journal = SqliteJournal(ledger, decisions, self.ledger)
        self.log_index = SqliteLogIndex(ledger)
        self.orchestrations = SqliteOrchestrations(ledger)
        self.feedback = SqliteFeedback(ledger)
        self.rewards = SqliteRewards(ledger)
        self.imported = SqliteImported(ledger)
        self.audit = SqliteAudit(ledger)
        self.vault = SqliteVaultStore(ledger)
        self.answers = SqliteAnswers(ledger)
        self.backups = backups
        self.series = series
        self.retention = SqliteRetention(ledger, telemetry, self.prune_catalogs)
        self.traffic = SqliteTraffic(ledger, telemetry, decisions.unwritten)
        self._ledger = ledger
        self._telemetry = telemetry
        self._decisions = decisions

    def hear(self, heard: Callable[[Audit], None]) -> None:
        """Have each entry of the audit trail told once it is committed; it must not fail."""
        self._ledger.heard = heard

    @property
    def sqlite_advice(self) -> str:
        """What an operator should know about this SQLite; empty where there is nothing."""
        if sqlite3.sqlite_version_info >= WAL_RESET_FIXED:
            return ""
        return (
            f"SQLite {sqlite3.sqlite_version} is older than 3.51.3: do not open the database "
            "with other programs that write while TokenHub runs"
        )

    @property
    def commits(self) -> Waits:
        """How long finished requests waited to be on the disk, since the start."""
        return self._ledger.waits

    @property
    def faults(self) -> tuple[int, int]:
        """How often the ledger's file and the one beside it stopped taking writes."""
        return self._ledger.faults, self._telemetry.faults

    @property
    def decisions_lost(self) -> int:
        """Decision records that were dropped or could not be written, since the start."""
        return self._decisions.lost

    @property
    def behind_lost(self) -> Mapping[str, int]:
        """What else is written behind the requests and was lost, since the start."""
        return {
            "series": self.series.lost,
            "sign": self.feedback.lost,
            "reward": self.rewards.lost,
        }

    async def prune_catalogs(self) -> int:
        """Forget the catalogs that no decision record names; returns how many.

        Done at each start, and to be done whenever decision records are deleted.
        """
        return await self.catalog.prune(await self._decisions.catalogs())

    async def fault(self) -> str:
        """Why requests are refused now, in the journal's words; empty when they are not."""
        return self.journal.fault

    def storage(self) -> Storage:
        """How the files are doing. Asking brings the end of a fault about, as for the journal."""
        return Storage(
            ledger=self.journal.fault,
            detail=self._telemetry.fault,
            warnings=(self.sqlite_advice,) if self.sqlite_advice else (),
        )


@asynccontextmanager
async def open_stores(
    path: Path,
    *,
    probe_every_s: float = EVERY_S,
    backups: Path | None = None,
    keep_backups: int = KEEP,
) -> AsyncIterator[Stores]:
    """The stores in the file at `path` and in the one beside it; both are made if missing.

    `backups` is the folder of their backups, beside them unless it is given.

    Raises BadRequest where `path` is no file's name, Unavailable where the files cannot be used.
    Leaving it commits what is queued.
    """
    if path.name in {"", ":memory:"}:
        raise BadRequest(
            "TokenHub keeps its database in a file; set TOKENHUB_DB_DSN to a path such as "
            "~/.tokenhub/tokenhub.sqlite",
            field="TOKENHUB_DB_DSN",
        )
    folder = (backups or backup.folder_of(path)).absolute()
    async with AsyncExitStack() as stack:
        ledger = await Database.open(
            path,
            migrations=TOKENHUB,
            synchronous="FULL",
            tables=JOURNAL,
            probe_every_s=probe_every_s,
            backups=folder,
        )
        stack.push_async_callback(ledger.close)
        telemetry = await Database.open(
            telemetry_path(path), migrations=TELEMETRY, synchronous="NORMAL", backups=folder
        )
        stack.push_async_callback(telemetry.close)
        decisions = Decisions(telemetry)
        stack.push_async_callback(decisions.close)
        series = SqliteSeries(ledger, telemetry)
        stack.push_async_callback(series.close)
        await series.load()
        sources = (
            backup.Source(ledger.path, TOKENHUB),
            backup.Source(telemetry.path, TELEMETRY),
        )
        copies = SqliteBackups(ledger, sources, folder=folder, keep=keep_backups)
        stack.push_async_callback(copies.close)
        stores = Stores(ledger, telemetry, decisions, backups=copies, series=series)
        stack.push_async_callback(stores.feedback.close)
        stack.push_async_callback(stores.rewards.close)
        await stores.prune_catalogs()
        yield stores


def telemetry_path(path: Path) -> Path:
    """Where the detail lies: `telemetry.sqlite`, or `NAME.telemetry.sqlite` beside another NAME."""
    if path.stem == "tokenhub":
        return path.with_name("telemetry.sqlite")
    return path.with_name(f"{path.stem}.telemetry.sqlite")
