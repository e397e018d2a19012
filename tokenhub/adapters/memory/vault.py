"""The vault's rows in memory: the twin of those in SQLite."""

from tokenhub.core.errors import Conflict
from tokenhub.core.vault.passwords import Tries
from tokenhub.core.vault.rows import Contents, VaultChange, changed
from tokenhub.ports.stores import Audit


class MemoryVaultStore:
    """A VaultStore that forgets. `audit` holds the entries, oldest first."""

    def __init__(self, contents: Contents | None = None) -> None:
        self.audit: list[Audit] = []
        self.contents = contents
        self._tries = Tries()

    async def load(self) -> Contents | None:
        return self.contents

    async def epoch(self) -> int:
        return self.contents.meta.epoch if self.contents else 0

    async def commit(self, change: VaultChange, audit: Audit) -> None:
        self.write(change)
        self.audit.append(audit)

    async def tries(self) -> Tries:
        return self._tries

    async def note(self, tries: Tries, audit: Audit) -> None:
        self._tries = tries
        self.audit.append(audit)

    async def enter(self, audit: Audit) -> None:
        self.audit.append(audit)

    def write(self, change: VaultChange | None) -> None:
        """Take a change over, None is none."""
        if change is None:
            return
        if (self.contents.meta.epoch if self.contents else 0) != change.expected:
            raise Conflict("the vault has changed meanwhile; try again", code="vault_changed")
        before = self.contents
        if before is None:
            assert change.meta is not None
            before = Contents(meta=change.meta, slots={}, ring={}, secrets={})
        self.contents = changed(before, change)
