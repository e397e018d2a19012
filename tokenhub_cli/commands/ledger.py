"""`tokenhubctl ledger ...`."""

from typing import Annotated

import typer

from tokenhub.client.calls import ledger as calls
from tokenhub.client.text import money
from tokenhub.wire.ledger import LedgerTotal, LedgerVerified
from tokenhub_cli.exits import Code
from tokenhub_cli.options import Limit, Offset
from tokenhub_cli.output import Column, View
from tokenhub_cli.session import session

app = typer.Typer(add_completion=False, rich_markup_mode=None)


def _name(row: LedgerTotal) -> str:
    """What the group is of."""
    named = (row.day, row.api_key_id, row.provider_id, row.model_id)
    return "/".join(part for part in named if part is not None)


_GROUPS = {
    "day": Column[LedgerTotal]("day", lambda it: it.day),
    "key": Column[LedgerTotal]("api_key_id", lambda it: it.api_key_id, head="KEY"),
    "provider": Column[LedgerTotal]("provider_id", lambda it: it.provider_id, head="PROVIDER"),
    "model": Column[LedgerTotal]("model_id", lambda it: it.model_id, head="MODEL"),
}
_SUMS: tuple[Column[LedgerTotal], ...] = (
    Column("attempts", lambda it: it.attempts, right=True),
    Column("settled", lambda it: it.settled, right=True, spare=True),
    Column("voided", lambda it: it.voided, right=True, spare=True),
    Column("unknown", lambda it: it.unknown, right=True),
    Column("unpriced", lambda it: it.unpriced, right=True, spare=True),
    Column("input_tokens", lambda it: it.input_tokens, right=True, head="IN"),
    Column("output_tokens", lambda it: it.output_tokens, right=True, head="OUT"),
    Column("cost_usd", lambda it: it.cost_usd, money, right=True, head="COST"),
    Column(
        "unknown_usd",
        lambda it: it.unknown_usd,
        money,
        right=True,
        head="OF IT UNKNOWN",
        spare=True,
    ),
)
_VERIFIED: View[LedgerVerified] = View(
    kind="ledger",
    name=lambda it: "ok" if it.ok else "wrong",
    columns=(
        Column("ok", lambda it: it.ok),
        Column("problems", lambda it: it.problems),
        Column("requests", lambda it: it.requests, right=True),
        Column("attempts", lambda it: it.attempts, right=True),
        Column("requests_usd", lambda it: it.requests_usd, money, right=True),
        Column("attempts_usd", lambda it: it.attempts_usd, money, right=True),
        Column("rows_usd", lambda it: it.rows_usd, money, right=True),
        Column("totals_usd", lambda it: it.totals_usd, money, right=True),
        Column("pruned_usd", lambda it: it.pruned_usd, money, right=True),
        Column("charged_usd", lambda it: it.charged_usd, money, right=True),
        Column("written_usd", lambda it: it.written_usd, money, right=True),
        Column("reserved_usd", lambda it: it.reserved_usd, money, right=True),
    ),
)

_By = Annotated[
    str,
    typer.Option(
        "--by", metavar="GROUPS", help="Any of day, key, provider and model, with commas between."
    ),
]
_Key = Annotated[str, typer.Option("--key", metavar="ID", help="Asked by this key.")]
_Provider = Annotated[str, typer.Option("--provider", metavar="ID", help="At this provider.")]
_Model = Annotated[str, typer.Option("--model", metavar="ID", help="Of this model.")]
_Since = Annotated[str, typer.Option("--since", metavar="DAY", help="From 2025-01-31 on (UTC).")]
_Until = Annotated[str, typer.Option("--until", metavar="DAY", help="To 2025-01-31 (UTC).")]


@app.callback(invoke_without_command=True)
def ledger(ctx: typer.Context) -> None:
    """Money: what calls cost. Alone, it sums them by key."""
    if ctx.invoked_subcommand is None:
        list_ledger(ctx)


@app.command("list")
def list_ledger(
    ctx: typer.Context,
    *,
    by: _By = "key",
    api_key_id: _Key = "",
    provider_id: _Provider = "",
    model_id: _Model = "",
    since: _Since = "",
    until: _Until = "",
    limit: Limit = None,
    offset: Offset = None,
) -> None:
    """Sum what calls cost: the latest day first, then the dearest.

    Example: tokenhubctl ledger list --by day,model --since 2025-01-01
    """
    call = calls.list_ledger(
        group_by=by,
        api_key_id=api_key_id,
        provider_id=provider_id,
        model_id=model_id,
        since=since,
        until=until,
        limit=limit,
        offset=offset,
    )
    with session(ctx) as tokenhub:
        page = tokenhub(call)
        tokenhub.output.page(page, sums(by), page.ledger, total=page.total, offset=page.offset)
        tokenhub.output.note(f"{money(page.sum.cost_usd)} in all, in {page.sum.attempts} attempts")


def sums(by: str) -> View[LedgerTotal]:
    """How sums are shown that are grouped by these."""
    groups = tuple(_GROUPS[name] for name in _GROUPS if name in by.split(","))
    return View(kind="ledger", name=_name, columns=(*groups, *_SUMS))


@app.command("verify")
def verify_ledger(ctx: typer.Context) -> None:
    """Sum the books anew and tell whether they are right; the exit code tells it as well.

    Example: tokenhubctl ledger verify -o json
    """
    with session(ctx) as tokenhub:
        found = tokenhub(calls.verify_ledger())
        tokenhub.output.show(found, _VERIFIED, [found], lines=_told(found))
    if not found.ok:
        raise typer.Exit(Code.NOT_SO)


def _told(found: LedgerVerified) -> list[str]:
    state = "right" if found.ok else "WRONG"
    rows, totals, pruned = (money(n) for n in (found.rows_usd, found.totals_usd, found.pruned_usd))
    charged, written = money(found.charged_usd), money(found.written_usd)
    told = [
        f"the books are {state}: {found.requests} requests, {found.attempts} attempts, {rows}",
        f"requests {money(found.requests_usd)} = their attempts {money(found.attempts_usd)}",
        f"totals {totals} = rows {rows} + pruned {pruned}",
        f"this month {charged} charged, {written} on disk",
        f"held for calls under way: {money(found.reserved_usd)}",
    ]
    return [*told, *(f"problem: {problem}" for problem in found.problems)]
