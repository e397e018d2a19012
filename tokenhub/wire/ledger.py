"""What calls cost, summed, and what a key may still spend. Money is USD; days are UTC."""

import msgspec


class LedgerTotal(msgspec.Struct, kw_only=True):
    """The attempts of one group; of what is not grouped by the names are null.

    `attempts` are `settled` (charged), `voided` (nothing was processed) or `unknown` (perhaps
    billed). `cost_usd` is all that was charged, `unknown_usd` the part of it that no provider has
    confirmed. `unpriced` are attempts at models without a price: nothing was charged for them.
    """

    day: str | None
    api_key_id: str | None
    provider_id: str | None
    model_id: str | None
    attempts: int
    settled: int
    voided: int
    unknown: int
    unpriced: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    unknown_usd: float


class LedgerPage(msgspec.Struct, kw_only=True):
    """The latest day first, then the dearest. `total` counts all groups, `sum` is of them all."""

    ledger: list[LedgerTotal]
    sum: LedgerTotal
    total: int
    limit: int
    offset: int


class LedgerVerified(msgspec.Struct, kw_only=True):
    """The books, summed anew. `ok` is that there are no `problems`.

    `requests_usd` is the sum over the request log and `attempts_usd` that over the ledger's rows of
    the same requests, those with a price; `rows_usd` is of all rows. `totals_usd` must be that and
    `pruned_usd`, of rows that retention has removed. `charged_usd` is this month in memory and
    `written_usd` this month on disk, less by what is under way. `reserved_usd` is held for calls
    under way.
    """

    ok: bool
    problems: list[str]
    requests: int
    attempts: int
    requests_usd: float
    attempts_usd: float
    rows_usd: float
    totals_usd: float
    pruned_usd: float
    charged_usd: float
    written_usd: float
    reserved_usd: float


class UsageLine(msgspec.Struct, kw_only=True):
    """A day or a model of the month."""

    name: str
    attempts: int
    input_tokens: int
    output_tokens: int
    cost_usd: float


class Usage(msgspec.Struct, kw_only=True):
    """The month of the key that asked, in UTC.

    `spent_usd` counts against the budget, and `reserved_usd` is held for requests under way. Null
    for a key without a budget: `budget_usd`, `left_usd`. `days` and `models` are all of the month,
    also of before an operator marked it as paid.
    """

    object: str
    month: str
    resets_at: str
    budget_usd: float | None
    spent_usd: float
    reserved_usd: float
    left_usd: float | None
    days: list[UsageLine]
    models: list[UsageLine]
