"""`tokenhubctl status`."""

import msgspec
import typer

from tokenhub.client.calls.info import healthz, info, readyz
from tokenhub.client.text import seconds
from tokenhub_cli.output import Column, View
from tokenhub_cli.session import session

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What `/healthz`, `/readyz` and `/admin/v1/info` tell together."""

    server: str
    status: str
    ready: bool
    not_ready_reason: str
    version: str
    uptime_s: float
    adapters: int
    models: int
    providers: int
    vault: str
    provider_keys: str
    storage: str


_VIEW: View[Status] = View(
    kind="server",
    name=lambda it: it.status,
    columns=(
        Column("server", lambda it: it.server),
        Column("status", lambda it: it.status),
        Column("ready", lambda it: it.not_ready_reason or it.ready),
        Column("version", lambda it: it.version),
        Column("uptime_s", lambda it: it.uptime_s, seconds, head="UPTIME"),
        Column("providers", lambda it: it.providers),
        Column("adapters", lambda it: it.adapters),
        Column("models", lambda it: it.models),
        Column("vault", lambda it: it.vault),
        Column("provider_keys", lambda it: it.provider_keys),
        Column("storage", lambda it: it.storage),
    ),
)


@app.command("status")
def status(ctx: typer.Context) -> None:
    """Show the server: version, providers, models, keys.

    Example: tokenhubctl status -o json
    """
    with session(ctx) as tokenhub:
        health = tokenhub(healthz())
        readiness = tokenhub(readyz())
        about = tokenhub(info())
        it = Status(
            server=tokenhub.profile.url,
            status=health.status,
            ready=readiness.status == "ready",
            not_ready_reason=readiness.reason,
            version=about.version,
            uptime_s=about.uptime_s,
            adapters=health.adapters,
            models=health.models,
            providers=about.providers,
            vault=_vault(initialized=about.vault_initialized, locked=about.vault_locked),
            provider_keys=about.provider_keys,
            storage=": ".join(filter(None, (about.storage, about.storage_reason))),
        )
        tokenhub.output.show(it, _VIEW, [it], lines=_lines(it))
        for warning in about.warnings:
            tokenhub.output.note(warning)


def _vault(*, initialized: bool, locked: bool) -> str:
    if not initialized:
        return "not set up"
    return "locked" if locked else "unlocked"


def _lines(it: Status) -> list[str]:
    """The table turned on its side: there is one server."""
    names = [f"{column.title.capitalize()}:" for column in _VIEW.columns]
    width = max(map(len, names))
    return [
        f"{name:{width}}  {column.show(column.value(it))}"
        for name, column in zip(names, _VIEW.columns, strict=True)
    ]
