"""`tokenhubctl explain`."""

from collections.abc import Iterator
from typing import Annotated

import typer

from tokenhub.client.calls.observe import explain_request
from tokenhub.client.text import local, plain
from tokenhub.wire.explain import Explained, Place, Reason, Setting
from tokenhub_cli.exits import Code
from tokenhub_cli.output import Column, View, table
from tokenhub_cli.session import session

app = typer.Typer(add_completion=False, rich_markup_mode=None)


def _verified(it: Explained) -> str:
    """`yes`, `no` or `unknown`; `-` where it was not asked."""
    if not isinstance(it.reason, str):
        return plain(None)
    return "unknown" if it.verified is None else plain(it.verified)


_VIEW: View[Explained] = View(
    kind="request",
    name=lambda it: it.request.request_id,
    columns=(
        Column("request_id", lambda it: it.request.request_id, head="REQUEST"),
        Column("provider_id", lambda it: it.request.provider_id, head="PROVIDER"),
        Column("model_id", lambda it: it.request.model_id, head="MODEL"),
        Column("status_code", lambda it: it.request.status_code, right=True, head="STATUS"),
        Column("summary", lambda it: it.explanation.summary),
        Column("verified", _verified),
    ),
)
_POLICY: View[Setting] = View(
    kind="field",
    name=lambda it: it.field,
    columns=(
        Column("field", lambda it: it.field, head="POLICY"),
        Column("value", lambda it: it.value),
        Column("origin", lambda it: it.origin, head="FROM"),
    ),
)
_PLACES: View[Place] = View(
    kind="route",
    name=lambda it: it.route,
    columns=(
        Column("rank", lambda it: it.rank, right=True, head="#"),
        Column("route", lambda it: it.route),
        Column("why", lambda it: it.why),
    ),
)
_LEFT_OUT: View[Reason] = View(
    kind="route",
    name=lambda it: it.route,
    columns=(Column("route", lambda it: it.route), Column("why", lambda it: it.why)),
)


@app.command("explain")
def explain(
    ctx: typer.Context,
    request_id: Annotated[str, typer.Argument(metavar="REQUEST", help="The request's id.")],
    *,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Decide again, and end with 8 unless it is the same."),
    ] = False,
) -> None:
    """Tell why a request went where it went.

    Example: tokenhubctl explain req_01a1fdc7 --verify
    """
    with session(ctx) as tokenhub:
        found = tokenhub(explain_request(request_id, verify=verify))
        tokenhub.output.show(found, _VIEW, [found], lines=list(_lines(found)))
    if verify and found.verified is not True:
        raise typer.Exit(Code.NOT_SO)


def _lines(it: Explained) -> Iterator[str]:
    told = it.explanation
    yield f"{it.request.request_id}, {local(it.request.timestamp)}"
    yield told.summary
    yield ""
    yield told.asked
    yield from _section("", table(_POLICY, told.policy) if told.policy else [])
    ranked = table(_PLACES, told.candidates) if told.candidates else []
    yield from _section("Could have answered, best first", ranked)
    yield from _section("Left out", table(_LEFT_OUT, told.skipped) if told.skipped else [])
    yield from _section("What happened", told.happened)
    yield from _section("", told.notes)
    if isinstance(it.reason, str):
        yield ""
        yield f"Verified: {_verified(it)}: {it.reason}"
        yield from it.differences or []


def _section(title: str, lines: list[str]) -> Iterator[str]:
    """Lines under their title, with a gap before them; nothing where there are none."""
    if lines:
        yield ""
        if title:
            yield title
        yield from lines
