"""`tokenhubctl routing ...`."""

from typing import Annotated

import typer

from tokenhub.client.calls import routing as calls
from tokenhub.client.text import milliseconds, usd
from tokenhub.wire.routing import RoutingConfig, RoutingConfigPut
from tokenhub_cli.commands.explain import explain
from tokenhub_cli.commands.replay import replay
from tokenhub_cli.fields import JSON_HELP, build, merged
from tokenhub_cli.options import IfMatch
from tokenhub_cli.output import Column, View
from tokenhub_cli.session import session

app = typer.Typer(add_completion=False, rich_markup_mode=None)


def _budget(amount: float | None) -> str:
    return "no limit" if amount is None else usd(amount)


_VIEW: View[RoutingConfig] = View(
    kind="routing",
    name=lambda it: it.default_mode,
    columns=(
        Column("default_mode", lambda it: it.default_mode, head="MODE"),
        Column(
            "default_max_budget_usd",
            lambda it: it.default_max_budget_usd,
            _budget,
            right=True,
            head="BUDGET",
        ),
        Column(
            "default_max_latency_ms",
            lambda it: it.default_max_latency_ms,
            milliseconds,
            right=True,
            head="LATENCY",
        ),
        Column("version", lambda it: it.version, right=True),
    ),
)


@app.callback(invoke_without_command=True)
def routing(ctx: typer.Context) -> None:
    """The policy of requests that bring none. Alone, it shows it."""
    if ctx.invoked_subcommand is None:
        get_routing(ctx)


@app.command("get")
def get_routing(ctx: typer.Context) -> None:
    """Show the policy in force.

    Example: tokenhubctl routing get -o yaml
    """
    with session(ctx) as tokenhub:
        found = tokenhub(calls.get_routing())
        tokenhub.output.show(found, _VIEW, [found])


@app.command("set")
def set_routing(
    ctx: typer.Context,
    json: Annotated[str | None, typer.Argument(metavar="[JSON]", help=JSON_HELP)] = None,
    *,
    mode: Annotated[
        str | None, typer.Option("--mode", help="Such as cheap, normal or high_confidence.")
    ] = None,
    budget: Annotated[
        float | None, typer.Option("--budget", metavar="USD", help="Most that a request may cost.")
    ] = None,
    latency: Annotated[
        int | None, typer.Option("--latency", metavar="MS", help="Longest that it may take.")
    ] = None,
    if_match: IfMatch = None,
) -> None:
    """Set the policy as a whole: what is left out goes back to the server's own settings.

    Example: tokenhubctl routing set '{"default_mode":"cheap","default_max_budget_usd":0.02}'
    """
    flags = {
        "default_mode": mode,
        "default_max_budget_usd": budget,
        "default_max_latency_ms": latency,
    }
    new = build(RoutingConfigPut, merged(json, flags))
    with session(ctx) as tokenhub:
        now = tokenhub(calls.put_routing(new, if_match=if_match))
        told = ", ".join(
            f"{column.title.lower()} {column.show(column.value(now))}" for column in _VIEW.columns
        )
        line = f"routing updated: {told}{tokenhub.output.of_dry_run}"
        tokenhub.output.show(now, _VIEW, [now], lines=[line])


app.command("explain")(explain)
app.command("replay")(replay)
