"""`tokenhubctl simulate`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from tokenhub.client.calls import routing as calls
from tokenhub.client.text import usd
from tokenhub.wire.simulate import Result, Simulation, SimulationResult
from tokenhub_cli.comparing import LETTERS, side_by_side
from tokenhub_cli.explained import CONSIDERED, LEFT_OUT, told_of
from tokenhub_cli.fields import JSON_HELP, build
from tokenhub_cli.options import Form
from tokenhub_cli.output import Column, View, table
from tokenhub_cli.policies import Budget, Latency, MinWeight, Modes, Policies, label, read
from tokenhub_cli.replaying import replayed
from tokenhub_cli.session import session

app = typer.Typer(add_completion=False, rich_markup_mode=None)

# Places of the ranking that policies are compared by; -o wide has all.
_SHOWN = 5
_VIEW: View[Result] = View(
    kind="policy",
    name=lambda it: it.policy.mode,
    value=lambda it: it.decision.model_id if it.decision else "",
    columns=(
        Column("mode", lambda it: it.policy.mode),
        Column("model_id", lambda it: it.decision.model_id if it.decision else None, head="MODEL"),
        Column(
            "provider_id",
            lambda it: it.decision.provider_id if it.decision else None,
            head="PROVIDER",
        ),
        Column(
            "estimated_cost_usd",
            lambda it: it.decision.estimated_cost_usd if it.decision else None,
            usd,
            right=True,
            head="COST",
        ),
        Column("reason", lambda it: it.decision.reason if it.decision else None),
        Column("error", lambda it: it.error),
    ),
)


@app.command("simulate")
def simulate(
    ctx: typer.Context,
    json: Annotated[str | None, typer.Argument(metavar="[JSON]", help=JSON_HELP)] = None,
    *,
    modes: Modes = None,
    budget: Budget = None,
    latency: Latency = None,
    min_weight: MinWeight = None,
    policies: Policies = None,
    tokens: Annotated[
        int | None, typer.Option("--tokens", help="Tokens of the prompt; 500 if left out.")
    ] = None,
    out: Annotated[
        int | None,
        typer.Option("--out", metavar="TOKENS", help="What each would write; else as usual."),
    ] = None,
    hint: Annotated[
        str | None, typer.Option("--hint", metavar="MODEL", help="The model that is named.")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="ID", help="With this API key's lists and policy."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="What decides where chance does.")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option("--temperature", help="How freely others are tried, 0 to 10.")
    ] = None,
    replay: Annotated[
        int | None,
        typer.Option("--replay", metavar="N", min=1, help="Decide the last N requests instead."),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Tell all that each choice was made of.")
    ] = False,
) -> None:
    """Ask the router what it would choose, by one policy or several.

    Nothing is called, learned or counted.

    Example: tokenhubctl simulate '{"mode":"cheap","token_count":500}'

    Example: tokenhubctl simulate --mode cheap --mode high_confidence --tokens 2000

    Example: tokenhubctl simulate --mode cheap --mode normal --replay 200
    """
    flags = {
        "token_count": tokens,
        "output_tokens": out,
        "model_hint": hint,
        "api_key_id": key,
        "seed": seed,
        "temperature": temperature,
    }
    bounds = {"max_budget_usd": budget, "max_latency_ms": latency, "min_weight": min_weight}
    found, fields = read(json, modes=modes, given=policies, bounds=bounds, flags=flags)
    if replay is not None:
        replayed(ctx, found, {**fields, "limit": replay})
        return
    question = _question(found, fields)
    with session(ctx) as tokenhub:
        answer = tokenhub(calls.simulate(question))
        wide = tokenhub.output.form is Form.WIDE
        lines = list(_lines(answer, explain=explain, wide=wide))
        tokenhub.output.show(answer, _VIEW, answer.results, lines=lines)


def _question(policies: Sequence[Mapping[str, Any]], fields: dict[str, Any]) -> Simulation:
    """One policy stands at the top, as in the original, where it has a place there."""
    known = Simulation.__struct_fields__
    if len(policies) == 1 and all(name in known for name in policies[0]):
        fields = {**fields, **policies[0]}
    elif policies:
        fields = {**fields, "policies": list(policies)}
    return build(Simulation, {"token_count": 0, **fields})


def _lines(it: SimulationResult, *, explain: bool, wide: bool) -> Iterator[str]:
    if len(it.results) == 1:
        yield _chosen(it.results[0])
        yield ""
        yield from _explained(it.results[0]) if explain else _ranked(it.results[0])
        return
    yield from side_by_side(it.results, most=None if wide else _SHOWN)
    for letter, result in zip(LETTERS, it.results if explain else (), strict=False):
        yield ""
        yield f"{letter}: {_chosen(result)}"
        yield ""
        yield from _explained(result)


def _chosen(it: Result) -> str:
    if it.decision is None:
        return f"Nobody could answer: {it.error}"
    cost = usd(it.decision.estimated_cost_usd)
    return f"{it.decision.provider_id}/{it.decision.model_id}, {cost}: {it.decision.reason}"


def _ranked(it: Result) -> Iterator[str]:
    """Who could answer and who could not, by one policy."""
    if it.explained is not None and it.explained.candidates:
        yield from table(CONSIDERED, it.explained.candidates)
        yield ""
    if it.explained is not None and it.explained.skipped:
        yield "Left out"
        yield from table(LEFT_OUT, it.explained.skipped)
        yield ""
    yield from _drawn(it)
    yield f"Policy: {label(it.policy)}"


def _explained(it: Result) -> Iterator[str]:
    if it.explained is not None:
        yield from told_of(it.explained)
    yield from _drawn(it)


def _drawn(it: Result) -> Iterator[str]:
    if it.shares:
        shares = ", ".join(f"{one.route} {one.share:.0%}" for one in it.shares)
        yield f"Of {it.draws} draws: {shares}"
