"""`tokenhubctl rewards ...`."""

from typing import Annotated

import typer

from tokenhub.client.calls import rewards as calls
from tokenhub.client.text import local
from tokenhub.wire.rewards import Arm, Reward
from tokenhub_cli.figures import percent
from tokenhub_cli.options import OfModel, OfProvider, OfRequest
from tokenhub_cli.output import Column, View
from tokenhub_cli.session import confirm, session
from tokenhub_cli.usual import Usual

app = typer.Typer(cls=Usual, add_completion=False, rich_markup_mode=None)


def _score(value: float) -> str:
    return f"{value:.3f}"


def _count(value: float) -> str:
    return f"{value:.1f}"


def _task(name: str) -> str:
    return name or "(any)"


_VIEW: View[Reward] = View(
    kind="reward",
    name=lambda it: str(it.id),
    columns=(
        Column("id", lambda it: it.id, right=True),
        Column("timestamp", lambda it: it.timestamp, local, head="TIME"),
        Column("provider_id", lambda it: it.provider_id, head="PROVIDER", spare=True),
        Column("model_id", lambda it: it.model_id, head="MODEL"),
        Column("task", lambda it: it.task),
        Column("reward", lambda it: it.reward, _score, right=True),
        Column("weight", lambda it: it.weight, _score, right=True, spare=True),
        Column("source", lambda it: it.source),
        Column("request_id", lambda it: it.request_id, head="REQUEST"),
    ),
)
_ARMS: View[Arm] = View(
    kind="arm",
    name=lambda it: "@".join(filter(None, (it.route, it.task))),
    columns=(
        Column("route", lambda it: it.route),
        Column("task", lambda it: it.task, _task),
        Column("mean", lambda it: it.mean, _score, right=True, head="QUALITY"),
        Column("low", lambda it: it.low, _score, right=True),
        Column("high", lambda it: it.high, _score, right=True),
        Column("n", lambda it: it.n, _count, right=True, head="JUDGED"),
        Column("prior", lambda it: it.prior, percent, right=True, head="UNJUDGED", spare=True),
        Column("calls", lambda it: it.calls, _count, right=True),
        Column("failing", lambda it: it.failing, percent, right=True),
        Column("alpha", lambda it: it.alpha, _score, right=True, wide=True),
        Column("beta", lambda it: it.beta, _score, right=True, wide=True),
    ),
)
_FORGOTTEN: View[str] = View(kind="route", name=str, columns=(Column("route", str),))


@app.callback()
def rewards() -> None:
    """What answers were worth, and what was learned of it.

    Example: tokenhubctl rewards --limit 20
    """


@app.command("list")
def list_rewards(
    ctx: typer.Context,
    *,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many rows.")] = 50,
    before: Annotated[
        str, typer.Option("--before", metavar="ID", help="Older than this judgement.")
    ] = "",
    request_id: OfRequest = "",
    provider_id: OfProvider = "",
    model_id: OfModel = "",
    source: Annotated[str, typer.Option("--source", help="By whom it was judged.")] = "",
    task: Annotated[str, typer.Option("--task", help="Of this kind of work.")] = "",
) -> None:
    """List judgements of answers, newest first.

    Example: tokenhubctl rewards list --model gpt
    """
    with session(ctx) as tokenhub:
        page = tokenhub(
            calls.list_rewards(
                limit=limit,
                before=before,
                request_id=request_id,
                provider_id=provider_id,
                model_id=model_id,
                source=source,
                task=task,
            )
        )
        tokenhub.output.show(page, _VIEW, page.rewards)
        if page.next:
            tokenhub.output.note(
                f"{len(page.rewards)} of {page.total}; more with --before {page.next}"
            )


@app.command("arms")
def arms(ctx: typer.Context) -> None:
    """Show what is believed of each route: how good its answers are, how often it fails.

    Example: tokenhubctl rewards arms
    """
    with session(ctx) as tokenhub:
        found = tokenhub(calls.list_arms())
        tokenhub.output.show(found, _ARMS, found.arms)


@app.command("reset")
def reset(
    ctx: typer.Context,
    route: Annotated[
        str, typer.Argument(metavar="[ROUTE]", help="PROVIDER/MODEL, of which it was learned.")
    ] = "",
    *,
    every: Annotated[bool, typer.Option("--all", help="Of all routes.")] = False,
) -> None:
    """Forget what was learned of a route, or of all.

    Example: tokenhubctl rewards reset one/gpt
    """
    if every == bool(route):
        raise typer.BadParameter("give a route such as one/gpt, or --all", param_hint="ROUTE")
    confirm(ctx, f"Forget what was learned of {route or 'all routes'}?")
    with session(ctx) as tokenhub:
        done = tokenhub(calls.reset_rewards(route=route, every=every))
        told = [f"{name} forgotten{tokenhub.output.of_dry_run}" for name in done.reset]
        tokenhub.output.show(done, _FORGOTTEN, done.reset, lines=told or ["nothing was learned"])
