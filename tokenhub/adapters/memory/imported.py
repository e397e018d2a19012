"""What imports have brought in, in memory: the tests' twin of the one in SQLite."""

from collections.abc import Collection, Sequence

from tokenhub.ports.imported import OldHash


class MemoryImported:
    """An Imported that forgets. `known` are the ids of the requests that the log holds."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        self._noted: dict[tuple[str, str], float] = {}
        self._hashes: dict[str, OldHash] = {}

    async def noted(self) -> frozenset[tuple[str, str]]:
        return frozenset(self._noted)

    async def note(self, kind: str, names: Collection[str], *, at: float) -> None:
        self._noted = {(kind, name): at for name in names} | self._noted

    async def requests(self, ids: Collection[str]) -> frozenset[str]:
        return frozenset(self.known & set(ids))

    async def hashes(self) -> Sequence[OldHash]:
        return [self._hashes[key_id] for key_id in sorted(self._hashes)]

    async def keep(self, row: OldHash) -> None:
        self._hashes[row.key_id] = row

    async def drop(self, key_ids: Collection[str]) -> None:
        for key_id in key_ids:
            self._hashes.pop(key_id, None)
