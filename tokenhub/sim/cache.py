"""The simulated prompt cache: a prefix that came before is read from it."""

from collections import OrderedDict

from tokenhub.sim.call import Prefix

SIZE = 1024
# OpenAI counts cached tokens in steps of these (prompt caching guide, January 2026).
STEP = 128


class Cache:
    """The prefixes of the last requests, oldest forgotten first."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, int] = OrderedDict()

    def used(self, prefix: Prefix) -> tuple[int, int]:
        """Tokens read from the cache and tokens written to it for this prefix."""
        if prefix.digest in self._known:
            self._known.move_to_end(prefix.digest)
            tokens = prefix.tokens
            return (tokens if prefix.written else tokens - tokens % STEP, 0)
        self._known[prefix.digest] = prefix.tokens
        if len(self._known) > SIZE:
            self._known.popitem(last=False)
        return (0, prefix.tokens if prefix.written else 0)
