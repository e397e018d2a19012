"""`tokenhubctl replay`, which is `tokenhubctl routing replay` as well."""

from typing import Annotated

import typer

from tokenhub_cli.fields import JSON_HELP
from tokenhub_cli.policies import Budget, Latency, MinWeight, Modes, Policies, read
from tokenhub_cli.replaying import replayed

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("replay")
def replay(
    ctx: typer.Context,
    json: Annotated[str | None, typer.Argument(metavar="[JSON]", help=JSON_HELP)] = None,
    *,
    modes: Modes = None,
    budget: Budget = None,
    latency: Latency = None,
    min_weight: MinWeight = None,
    policies: Policies = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Such as 24h; 7d if left out.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Such as 1h; now if left out.")
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", metavar="N", min=1, help="The newest N; 5000 if left out."),
    ] = None,
    temperature: Annotated[
        float | None, typer.Option("--temperature", help="How freely others are tried, 0 to 10.")
    ] = None,
) -> None:
    """Tell what other policies would have made of logged requests.

    Nothing is called, learned or written. An estimate comes with its 95 % interval, and is
    refused where the log cannot tell.

    Example: tokenhubctl replay --mode cheap --mode high_confidence --since 24h
    """
    flags = {"since": since, "until": until, "limit": limit, "temperature": temperature}
    bounds = {"max_budget_usd": budget, "max_latency_ms": latency, "min_weight": min_weight}
    found, fields = read(json, modes=modes, given=policies, bounds=bounds, flags=flags)
    replayed(ctx, found, fields)
