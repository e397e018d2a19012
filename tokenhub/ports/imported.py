"""What imports have brought in, and the hashes of keys that wait for their first use."""

from collections.abc import Collection, Sequence
from typing import Protocol

import msgspec


class OldHash(msgspec.Struct, frozen=True, kw_only=True):
    """The bcrypt hash of a key; `start` are the hex digits that the key begins with."""

    key_id: str
    start: str
    hash: str


class Imported(Protocol):
    """A note of each row that an import took, by kind and name, and never forgotten.

    It keeps a second import from bringing back what an operator has deleted meanwhile.
    """

    async def noted(self) -> frozenset[tuple[str, str]]: ...

    async def note(self, kind: str, names: Collection[str], *, at: float) -> None:
        """Note rows as taken at `at`, in Unix seconds; those noted already stay as they are."""
        ...

    async def requests(self, ids: Collection[str]) -> frozenset[str]:
        """Those of the ids that the request log holds."""
        ...

    async def hashes(self) -> Sequence[OldHash]: ...

    async def keep(self, row: OldHash) -> None:
        """Keep a hash until `drop`; an older one of the same key goes."""
        ...

    async def drop(self, key_ids: Collection[str]) -> None: ...
