"""Requests as they were decided and as they ended, to be decided once more."""

from collections.abc import Sequence
from typing import Protocol

import msgspec


class Past(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One request: its decision record as JSON, and what came of it.

    `latency_s` is that of the whole request. `cost_nusd` is None where a price was unknown.
    `quality`, 0 to 1, is what its answer was judged to be worth, None where nobody did.
    """

    request_id: str
    status: int
    latency_s: float
    cost_nusd: int | None
    decision: bytes
    quality: float | None = None


class Traffic(Protocol):
    async def between(self, since: float, until: float, *, limit: int) -> Sequence[Past]:
        """Requests from `since` to before `until` (Unix seconds) that have a decision record.

        Newest first, and no more than `limit`.
        """
        ...
