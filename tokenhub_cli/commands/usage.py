"""`tokenhubctl usage`."""

from collections.abc import Iterator

import typer

from tokenhub.client.calls import public
from tokenhub.client.text import local, money
from tokenhub.wire.ledger import Usage, UsageLine
from tokenhub_cli.keyed import KeyFile, KeyStdin, keyed
from tokenhub_cli.output import Column, View, table

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_LINES: tuple[Column[UsageLine], ...] = (
    Column("name", lambda it: it.name),
    Column("attempts", lambda it: it.attempts, right=True),
    Column("input_tokens", lambda it: it.input_tokens, right=True, head="IN"),
    Column("output_tokens", lambda it: it.output_tokens, right=True, head="OUT"),
    Column("cost_usd", lambda it: it.cost_usd, money, right=True, head="COST"),
)
_VIEW: View[UsageLine] = View(kind="model", name=lambda it: it.name, columns=_LINES)


@app.command("usage")
def usage(ctx: typer.Context, *, key_file: KeyFile = None, key_stdin: KeyStdin = False) -> None:
    """Show what an API key has spent this month, and may still.

    The key is that of --key-stdin, --key-file or TOKENHUB_API_KEY. Operators ask for any key's
    with: tokenhubctl apikey usage ID

    Example: tokenhubctl usage
    """
    with keyed(ctx, file=key_file, stdin=key_stdin, reads=True) as tokenhub:
        found = tokenhub(public.usage())
        tokenhub.output.show(found, _VIEW, found.models, lines=list(_told(found)))


def _told(it: Usage) -> Iterator[str]:
    yield f"Month:     {it.month}, until {local(it.resets_at)}"
    yield f"Spent:     {money(it.spent_usd)}"
    yield f"Held:      {money(it.reserved_usd)}"
    if it.budget_usd is not None:
        yield f"Budget:    {money(it.budget_usd)}, {money(it.left_usd)} of it left"
    for title, rows in (("day", it.days), ("model", it.models)):
        if rows:
            yield ""
            head = Column[UsageLine]("name", lambda row: row.name, head=title.upper())
            yield from table(View(kind=title, name=_VIEW.name, columns=(head, *_LINES[1:])), rows)
