"""`tokenhubctl wait`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from tokenhub.client.call import Call
from tokenhub.client.calls.health import get_health
from tokenhub.client.calls.info import readyz
from tokenhub.client.calls.vault import status
from tokenhub.client.errors import ClientError, Refused, Unauthorized, Unreachable
from tokenhub.client.text import seconds
from tokenhub_cli.exits import Code
from tokenhub_cli.output import Column, View, talk
from tokenhub_cli.polling import came_true
from tokenhub_cli.session import Session, session
from tokenhub_cli.spans import span_s

if TYPE_CHECKING:
    from tokenhub.client.transport import AsyncClient

app = typer.Typer(add_completion=False, rich_markup_mode=None)

READY, VAULT, PROVIDER, HEALTHY, UNLOCKED = "ready", "vault", "provider", "healthy", "unlocked"
# A server takes a second to start; a script need not wait much longer than that.
_POLL_S = 0.25
# Of the server's own: it starts, stops, or is busy.
_FAULTS = 500


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """What is waited for, and how it is."""

    condition: str
    state: str = ""
    met: bool = False


_VIEW: View[Condition] = View(
    kind="condition",
    name=lambda it: it.condition,
    value=lambda it: it.state,
    columns=(
        Column("condition", lambda it: it.condition),
        Column("state", lambda it: it.state),
        Column("met", lambda it: it.met),
    ),
)


@app.command("wait")
def wait(
    ctx: typer.Context,
    *,
    wanted: Annotated[
        list[str],
        typer.Option(
            "--for",
            metavar="CONDITION",
            help="ready, vault=unlocked or provider/ID=healthy; several, and all must hold.",
        ),
    ],
    timeout: Annotated[
        str, typer.Option("--timeout", metavar="SPAN", help="Give up after this; 0 looks once.")
    ] = "60s",
) -> None:
    """Wait until the server, the vault or a provider is ready.

    Exit code 8 where time ran out. A server that cannot be reached is one that is not ready yet.

    Example: tokenhubctl wait --for ready --timeout 30s
    Example: tokenhubctl wait --for provider/one=healthy
    """
    for text in wanted:
        _parsed(text)
    limit_s = span_s(timeout, flag="--timeout")
    with session(ctx) as tokenhub:
        found = _wait(tokenhub, wanted, limit_s)
        lines = [f"{one.condition}: {'yes' if one.met else one.state}" for one in found]
        tokenhub.output.show(found, _VIEW, found, lines=lines)
    if missed := [one.condition for one in found if not one.met]:
        talk(f"error: {', '.join(missed)} did not come true within {seconds(limit_s)}")
        raise typer.Exit(Code.NOT_SO)


def _wait(tokenhub: Session, wanted: Sequence[str], limit_s: float) -> list[Condition]:
    """How they are once all are met, or the time is over."""
    tokenhub.printed(_asked(_parsed(wanted[0])[0]))
    found = {text: Condition(condition=text, state="no answer yet") for text in wanted}

    async def look(client: "AsyncClient") -> bool:
        for text in found:
            found[text] = await _look(client, text)
        return all(one.met for one in found.values())

    came_true(tokenhub, look, limit_s=limit_s, every_s=_POLL_S)
    return [found[text] for text in wanted]


def _asked(kind: str) -> Call[Any]:
    """What tells how it is."""
    if kind == READY:
        return readyz()
    return status() if kind == VAULT else get_health()


async def _look(client: "AsyncClient", text: str) -> Condition:
    """How it is now. Raises what no waiting would change: a token that opens nothing, say."""
    kind, name, state = _parsed(text)
    try:
        now = await _state(client, kind, name)
    except ClientError as error:
        passing = isinstance(error, Unreachable) or (
            isinstance(error, Refused)
            and not isinstance(error, Unauthorized)
            and error.status >= _FAULTS
        )
        if not passing:
            raise
        now = str(error)
    return Condition(condition=text, state=now, met=now == state)


async def _state(client: "AsyncClient", kind: str, name: str) -> str:
    if kind == READY:
        ready = await client(readyz())
        return ready.status if ready.status == READY else ready.reason or ready.status
    if kind == VAULT:
        return (await client(status())).state
    states = {one.provider_id: one.state for one in (await client(get_health())).providers}
    return states.get(name, "not there")


def _parsed(text: str) -> tuple[str, str, str]:
    """Kind, name and state that is waited for. Raises a usage error."""
    what, _, state = text.partition("=")
    kind, _, name = what.partition("/")
    if text == READY:
        return READY, "", READY
    if what == VAULT:
        return VAULT, "", state or UNLOCKED
    if kind == PROVIDER and name:
        return PROVIDER, name, state or HEALTHY
    raise typer.BadParameter(
        f"there is no condition {text!r}; there is ready, vault=unlocked, provider/ID=healthy",
        param_hint="--for",
    )
