"""When each credential of a key was last used: noted in memory, written down now and then.

A request notes the time in a dict, and no more; to write the row of a key at each use would cost a
commit, and could undo a change that was made meanwhile (original-behaviour W-32). A crash loses
the uses of the last minute, no more.
"""

from collections.abc import Iterable

from tokenhub.core.keys import Uses
from tokenhub.ports.stores import KeyStore


class KeyUses:
    """`seen` is where requests note them."""

    def __init__(self, store: KeyStore, seen: Uses) -> None:
        self._store = store
        self._seen = seen
        self._kept: dict[bytes, float] = {}

    def copied(self, store: KeyStore) -> "KeyUses":
        """The same uses, to be forgotten apart."""
        copy = KeyUses(store, dict(self._seen))
        copy._kept = dict(self._kept)
        return copy

    async def load(self) -> None:
        """Read what was written down; done once, before anything is served."""
        self._kept = dict(await self._store.uses())

    def last(self, mark: bytes) -> float | None:
        """When the credential with this digest was last used, in Unix seconds; None for never."""
        return self._seen.get(mark) or self._kept.get(mark)

    async def flush(self) -> None:
        """Write down what is new, in one transaction. Raises Unavailable; nothing is lost then."""
        new = dict(self._seen)
        if not new:
            return
        await self._store.used(new)
        for digest, at in new.items():
            latest = self._seen.get(digest)
            if latest is None:  # forgotten while we wrote
                continue
            self._kept[digest] = at
            # One that was used while we wrote is written down the next time.
            if latest == at:
                del self._seen[digest]

    def forget(self, digests: Iterable[bytes]) -> None:
        """Drop credentials that are no more."""
        for digest in digests:
            self._seen.pop(digest, None)
            self._kept.pop(digest, None)
