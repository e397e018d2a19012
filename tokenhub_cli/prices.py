"""`tokenhubctl model price ...`."""

import shlex
from collections.abc import Iterator
from typing import Annotated

import typer

from tokenhub.client.calls import catalog
from tokenhub.client.calls.prices import sync_prices
from tokenhub.client.text import tokens, usd
from tokenhub.wire.catalog import Model, Tier
from tokenhub.wire.prices import PriceSynced, PriceVerdict
from tokenhub_cli.options import Form
from tokenhub_cli.output import Column, View, table
from tokenhub_cli.session import session

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_WHY = {
    "manual": "an operator gave it",
    "no_longer_listed": "the catalogue lists it no longer; the last price stays",
    "own_server": "a server of your own; give a price, 0 if it is free",
    "vendor_not_listed": "no known vendor is at this address; give a price",
    "model_not_listed": "the catalogue does not know this model; give a price",
    "other_units": "it costs more than its tokens; give a price that covers it",
    "no_provider": "it has no provider",
}
_HOURS = "the price of the dearest hours"


def _exact(price: float | None) -> str:
    """A price to its last digit: a list that rounds cannot be compared with a vendor's."""
    return f"${price:.12f}".rstrip("0") if price else usd(price)


def _why(it: PriceVerdict) -> str:
    told = [_WHY.get(it.reason, it.reason)] if it.reason else []
    if it.reason == "manual" and it.model.input_per_1k is it.model.output_per_1k is None:
        told = ["an operator says that it is unknown"]
    if it.before is not None:
        told = ["the context size alone"] if told else [_was(it.before, it.model)]
    return "; ".join([*told, _HOURS] if it.dearest_hours else told)


def _was(before: Model, now: Model) -> str:
    """What stood until then of what the table shows."""
    if before.input_per_1k is None and before.output_per_1k is None:
        return "it had no price"
    told = []
    if before.input_per_1k != now.input_per_1k:
        told.append(f"in was {_exact(before.input_per_1k)}")
    if before.output_per_1k != now.output_per_1k:
        told.append(f"out was {_exact(before.output_per_1k)}")
    if before.max_context_tokens != now.max_context_tokens:
        told.append("the context was unknown")
    return ", ".join(told) or "only prices of parts or of long prompts"


_VERDICTS: View[PriceVerdict] = View(
    kind="model",
    name=lambda it: it.id,
    columns=(
        Column("id", lambda it: it.id, head="MODEL"),
        Column("provider_id", lambda it: it.provider_id, head="PROVIDER"),
        Column("result", lambda it: it.result),
        Column(
            "input_per_1k", lambda it: it.model.input_per_1k, _exact, right=True, head="IN $/1K"
        ),
        Column(
            "output_per_1k", lambda it: it.model.output_per_1k, _exact, right=True, head="OUT $/1K"
        ),
        Column(
            "max_context_tokens",
            lambda it: it.model.max_context_tokens,
            tokens,
            right=True,
            head="CONTEXT",
        ),
        Column("why", _why),
    ),
)
_PRICES: View[Model] = View(
    kind="model",
    name=lambda it: it.id,
    columns=(
        Column("id", lambda it: it.id),
        Column("provider_id", lambda it: it.provider_id),
        Column("pricing_source", lambda it: it.pricing_source),
        Column("input_per_1k", lambda it: it.input_per_1k),
        Column("cached_input_per_1k", lambda it: it.cached_input_per_1k),
        Column("cache_write_per_1k", lambda it: it.cache_write_per_1k),
        Column("cache_write_1h_per_1k", lambda it: it.cache_write_1h_per_1k),
        Column("output_per_1k", lambda it: it.output_per_1k),
        Column("reasoning_per_1k", lambda it: it.reasoning_per_1k),
    ),
)


@app.callback()
def price() -> None:
    """What the models cost, and where their prices come from."""


@app.command("sync")
def sync(
    ctx: typer.Context,
    *,
    provider_id: Annotated[str, typer.Option("--provider", metavar="ID", help="Only its.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would change.")
    ] = False,
) -> None:
    """Take over the prices of the catalogue that is installed with the server.

    Prices that you gave stay. Nothing is fetched: a newer catalogue comes with the package
    genai-prices.

    Example: tokenhubctl model price sync --dry-run
    """
    with session(ctx) as tokenhub:
        done = tokenhub(sync_prices(provider_id=provider_id, dry_run=dry_run))
        tokenhub.output.show(done, _VERDICTS, done.models, lines=_told(done))
        unknown = [one for one in done.models if one.result == "unknown"]
        if unknown and tokenhub.output.form is Form.TABLE:
            tokenhub.output.note(f"give a price with {_giving(unknown[0])}")


@app.command("show")
def show(
    ctx: typer.Context,
    model_id: Annotated[str, typer.Argument(metavar="ID", help="The model's id.")],
    provider_id: Annotated[
        str,
        typer.Option(
            "--provider", metavar="ID", help="Which, where it stands at several providers."
        ),
    ] = "",
) -> None:
    """Show what a model costs, by the class of the tokens.

    Example: tokenhubctl model price show gpt-4o
    """
    with session(ctx) as tokenhub:
        found = tokenhub(catalog.get_model(model_id, provider_id=provider_id))
        tokenhub.output.show(found, _PRICES, [found], lines=[*_shown(found)])


def _giving(it: PriceVerdict) -> str:
    """The command that gives a model its price."""
    edit = f"tokenhubctl model edit {shlex.quote(it.id)} --provider {shlex.quote(it.provider_id)}"
    return f"{edit} --input-per-1k USD --output-per-1k USD"


def _told(done: PriceSynced) -> list[str]:
    counts = (
        f"{done.changed} {'would change' if done.dry_run else 'changed'}, {done.same} the same, "
        f"{done.kept} kept, {done.unknown} unknown; catalogue: {done.catalogue or 'not asked'}"
    )
    return [*(table(_VERDICTS, done.models) if done.models else ["There are no models."]), counts]


def _shown(it: Model) -> Iterator[str]:
    yield f"Model:   {it.provider_id}/{it.id}"
    yield f"Source:  {it.pricing_source}"
    yield ""
    yield "USD per 1,000 tokens"
    yield from _rates(it)
    for tier in it.tiers:
        yield ""
        yield f"With more than {tier.above_tokens} tokens in the prompt"
        yield from _rates(tier)


def _rates(it: Model | Tier) -> Iterator[str]:
    """A price that is not stated, with what stands in for it."""
    read = it.cached_input_per_1k
    write, hour = it.cache_write_per_1k, it.cache_write_1h_per_1k
    yield f"  input           {_exact(it.input_per_1k)}"
    yield f"  cached input    {_exact(read) if read is not None else 'as input'}"
    yield f"  cache write     {_exact(write) if write is not None else 'as input'}"
    yield f"  cache write 1h  {_exact(hour) if hour is not None else 'as cache write'}"
    yield f"  output          {_exact(it.output_per_1k)}"
    reasoning = it.reasoning_per_1k
    yield f"  reasoning       {_exact(reasoning) if reasoning is not None else 'as output'}"
