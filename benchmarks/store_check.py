"""What `store.py` asks the server: one question, and how it is varied from round to round."""

from collections.abc import Callable

import msgspec


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """`path` gives the path and query of a round, counted from 0, at the time `now` (Unix)."""

    name: str
    path: Callable[[int, float], str]
