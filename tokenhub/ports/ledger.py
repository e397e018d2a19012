"""What calls cost, before they are made and after, by key, provider, model and day."""

from asyncio import Future
from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from tokenhub.ports.pages import PageQuery

# What totals may be grouped by.
GROUPS = ("day", "key", "provider", "model")


class Intent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A call that is about to be made, as it is written down ahead.

    `leg` is its number in the request, `at` the request's arrival in Unix seconds.
    `reserved_nusd` is the most that it can cost, None where a price is unknown.
    """

    request_id: str
    leg: int
    at: float
    key_id: str
    dialect: str
    requested_model: str
    mode: str
    stream: bool
    parent_id: str
    provider_id: str
    model_id: str
    input_tokens: int
    output_tokens: int
    reserved_nusd: int | None


class Intents(Protocol):
    """Where calls are written down ahead of being made.

    What is written stays until the journal has the outcome of the request. A restart that still
    finds it charges the call at what was reserved.
    """

    def write(self, intent: Intent) -> Future[None]:
        """Done when it is committed. Fails with Unavailable."""
        ...

    def note(self, intent: Intent) -> None:
        """Write it within a few milliseconds, unless its request ends sooner. Never fails."""
        ...


class Recovered(msgspec.Struct, frozen=True, kw_only=True):
    """What a start has made of the calls that the last process had under way."""

    requests: int = 0
    attempts: int = 0
    cost_nusd: int = 0


class TotalsQuery(PageQuery, frozen=True, kw_only=True):
    """Which attempts to sum. `by` are some of GROUPS; days are numbers since 1970, `until` ends.

    An empty field asks for all. `before` is not used.
    """

    by: tuple[str, ...] = ("key",)
    key_id: str = ""
    provider_id: str = ""
    model_id: str = ""
    since_day: int = 0
    until_day: int = 0


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """The sum of a group of attempts; of what it is not grouped by the fields are empty.

    `cost_nusd` is all that was charged, `unknown_nusd` the part of it that nobody has confirmed.
    `unpriced` are attempts at models without a price: nothing was charged for them.
    """

    day: int | None = None
    key_id: str = ""
    provider_id: str = ""
    model_id: str = ""
    attempts: int = 0
    settled: int = 0
    voided: int = 0
    unknown: int = 0
    unpriced: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_nusd: int = 0
    unknown_nusd: int = 0


class Audited(msgspec.Struct, frozen=True, kw_only=True):
    """What the rows on disk say of each other, at one moment; money in nano-USD.

    `requests_nusd` is the sum over the request log and `attempts_nusd` over the rows of the ledger,
    both of requests that have all prices; `rows_nusd` is of all rows, `totals_nusd` what the totals
    say of them, and `pruned_nusd` what they say of rows that retention has removed. `wrong` are
    requests whose attempts do not sum to their cost, `strays` attempts without a request, `off`
    totals that are not the sum of their rows. `open` are calls written ahead, by request.
    """

    requests: int
    attempts: int
    requests_nusd: int
    attempts_nusd: int
    rows_nusd: int
    totals_nusd: int
    pruned_nusd: int
    wrong: int
    strays: int
    off: int
    open: Mapping[str, float]


class LedgerStore(Intents, Protocol):
    async def recover(self) -> Recovered:
        """Charge the calls that were never ended, at what was reserved; done at the start."""
        ...

    async def spent(self, *, since_day: int) -> Sequence[tuple[int, str, int]]:
        """By day and key, what was charged: (day, key id, nano-USD)."""
        ...

    async def totals(self, query: TotalsQuery) -> Sequence[Total]:
        """A page of the groups: the latest day first, then the dearest."""
        ...

    async def groups(self, query: TotalsQuery) -> tuple[int, Total]:
        """How many groups there are on all pages, and the sum of them."""
        ...

    async def audit(self) -> Audited:
        """Sum everything anew. It reads all rows: a second or two for a million."""
        ...
