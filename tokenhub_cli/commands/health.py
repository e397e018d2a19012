"""`tokenhubctl health ...`."""

from collections.abc import Sequence
from typing import Annotated

import typer

from tokenhub.client.calls.health import get_health, reset_health
from tokenhub.client.errors import NotFound
from tokenhub.client.text import local, of_state, timed
from tokenhub.wire.health import Health, ProviderHealth, RouteHealth, Standing
from tokenhub_cli.exits import Code
from tokenhub_cli.figures import percent
from tokenhub_cli.output import Column, View
from tokenhub_cli.session import session
from tokenhub_cli.usual import Usual

app = typer.Typer(cls=Usual, add_completion=False, rich_markup_mode=None)

_HEALTHY = "healthy"


def _name(it: Standing) -> str:
    if isinstance(it, ProviderHealth):
        return it.provider_id
    return it.route if isinstance(it, RouteHealth) else ""


_VIEW: View[Standing] = View(
    kind="health",
    name=_name,
    value=lambda it: it.state,
    columns=(
        Column("name", _name, head="PROVIDER"),
        Column("state", lambda it: it.state, tone=of_state),
        Column("total_requests", lambda it: it.calls, right=True, head="CALLS"),
        Column("failed", lambda it: it.failed, percent, right=True),
        Column("consec_errors", lambda it: it.consec_errors, right=True, head="IN A ROW"),
        Column("avg_latency_ms", lambda it: it.avg_latency_ms, timed, right=True, head="LATENCY"),
        Column("last_error", lambda it: it.last_error, head="LAST ERROR"),
        Column("last_error_time", lambda it: it.last_error_time, local, head="AT", spare=True),
        Column(
            "cooldown_until", lambda it: it.cooldown_until, local, head="RESTS UNTIL", spare=True
        ),
        Column("last_success_at", lambda it: it.last_success_at, local, head="WELL AT", wide=True),
    ),
)
_RESET: View[str] = View(kind="health", name=str, columns=(Column("name", str),))
_Provider = Annotated[
    str, typer.Argument(metavar="[PROVIDER]", help="This one and its routes alone.")
]


@app.callback()
def health() -> None:
    """How providers and their models are doing.

    Example: tokenhubctl health
    Example: tokenhubctl health one --exit-code
    """


@app.command("list")
def list_health(
    ctx: typer.Context,
    provider: _Provider = "",
    *,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with 8 where one is not healthy.")
    ] = False,
) -> None:
    """Show how providers are doing; with a provider, it and its models.

    Example: tokenhubctl health list -o json
    """
    with session(ctx) as tokenhub:
        found = tokenhub(get_health())
        rows = _rows(found, provider)
        tokenhub.output.show(rows[0] if provider else found, _VIEW, rows)
        ill = [one for one in _rows(found, provider, routes=True) if one.state != _HEALTHY]
        for one in ill:
            if one not in rows:
                tokenhub.output.note(f"{_name(one)} is {one.state}")
    if ill and exit_code:
        raise typer.Exit(Code.NOT_SO)


@app.command("reset")
def reset(
    ctx: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="PROVIDER|ROUTE", help="A provider, or PROVIDER/MODEL.")
    ],
) -> None:
    """Think of a provider, or of a model at one, as if it had never failed.

    Example: tokenhubctl health reset one
    """
    with session(ctx) as tokenhub:
        done = tokenhub(reset_health(name))
        told = [f"health/{one} reset{tokenhub.output.of_dry_run}" for one in done.reset]
        tokenhub.output.show(done, _RESET, done.reset, lines=told)


def _rows(found: Health, provider: str, *, routes: bool = False) -> Sequence[Standing]:
    """Providers; of a provider that is named, or of all, their routes too. Raises NotFound."""
    wanted = [one for one in found.providers if provider in {"", one.provider_id}]
    if provider and not wanted:
        raise NotFound(f"there is no provider {provider!r}", status=404)
    rows: list[Standing] = []
    for one in wanted:
        rows += [one, *(one.routes if provider or routes else ())]
    return rows
