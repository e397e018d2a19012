"""What is most often wrong, looked for: each check by itself, without asking anybody."""

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

import msgspec

from tokenhub import __version__
from tokenhub.wire.access import Session
from tokenhub.wire.catalog import Info, Model, Readiness
from tokenhub.wire.health import Tested
from tokenhub.wire.keys import ApiKey
from tokenhub.wire.vault import VaultStatus
from tokenhub_tui.state.cells import Column, Row
from tokenhub_tui.state.more import MARKS

COLUMNS = (
    Column(id="name", title="check", width=10, most=24),
    Column(id="told", title="", width=20, most=400),
)
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_NAMED = 3
_ORDER = {"bad": 0, "warn": 1, "good": 2}


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen; `tone` is good, warn or bad. `hint` says what to do about it."""

    name: str
    tone: str
    told: str
    hint: str = ""


def rows(checks: Iterable[Check]) -> list[Row]:
    """What is wrong first."""
    found = sorted(checks, key=lambda one: _ORDER[one.tone])
    return [
        Row(id=one.name, cells=(f"{MARKS[one.tone]} {one.name}", one.told), tone=one.tone)
        for one in found
    ]


def of_way(url: str) -> Check:
    """Whether others can listen on the way to the server."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return Check(name="way", tone="good", told="https")
    if parts.hostname in _LOOPBACK:
        return Check(name="way", tone="good", told="http, on this machine alone")
    return Check(
        name="way", tone="warn", told="http carries the token in clear",
        hint="Put a proxy with TLS in front of the server.",
    )  # fmt: skip


def of_info(info: Info) -> Iterable[Check]:
    """Version and storage, and what the server itself warns of."""
    same = info.version == __version__
    told = f"{__version__}, as the server" if same else f"{__version__} here, {info.version} there"
    yield Check(
        name="version", tone="good" if same else "warn", told=told,
        hint="" if same else "Install the same version on both sides.",
    )  # fmt: skip
    ok = info.storage == "ok"
    yield Check(
        name="storage", tone="good" if ok else "bad",
        told="ok" if ok else f"{info.storage}: {info.storage_reason}",
        hint="" if ok else "docs/admin/storage.md says what each of these means.",
    )  # fmt: skip
    for number, warning in enumerate(info.warnings, start=1):
        yield Check(name=f"warning {number}", tone="warn", told=warning)


def of_readiness(ready: Readiness) -> Check:
    """Whether requests can be served."""
    if ready.status == "ready":
        return Check(name="ready", tone="good", told="requests can be served")
    return Check(
        name="ready", tone="bad", told=ready.reason or ready.status,
        hint="No request is answered until this is mended.",
    )  # fmt: skip


def of_token(who: Session) -> Check:
    """What this console may do."""
    if who.role == "viewer":
        return Check(
            name="token", tone="warn", told=f"{who.name} is a viewer, and changes nothing",
            hint="An owner gives more: tokenhubctl token edit NAME --role operator",
        )  # fmt: skip
    return Check(name="token", tone="good", told=f"{who.name or 'the token'}, {who.role}")


def of_vault(status: VaultStatus) -> Check:
    """Whether the keys of providers are there, and stay."""
    if status.state == "unlocked":
        return Check(
            name="vault", tone="good", told=f"unlocked; provider keys: {status.provider_keys}"
        )
    if status.state == "locked":
        waiting = status.provider_keys > 0
        told = f"locked; provider keys in it: {status.provider_keys}" if waiting else "locked"
        tone = "bad" if waiting else "warn"
        return Check(name="vault", tone=tone, told=told, hint="u unlocks it.")
    if status.state == "not_initialized":
        told = "never set up: a restart loses the providers' keys"
        return Check(name="vault", tone="warn", told=told, hint="u sets it up.")
    return Check(name="vault", tone="good", told=status.state)


def of_prices(models: Iterable[Model]) -> Check:
    """Whether budgets can count every enabled model."""
    unknown = [
        it.id
        for it in models
        if it.enabled and (it.input_per_1k is None or it.output_per_1k is None)
    ]
    if not unknown:
        return Check(name="prices", tone="good", told="every enabled model has one")
    return Check(
        name="prices", tone="warn", told=f"unknown of {_named(unknown)}: budgets cannot count them",
        hint="tokenhubctl model price sync, or edit the model on Fleet.",
    )  # fmt: skip


def of_keys(keys: Iterable[ApiKey]) -> Check:
    """A key that is past its age opens nothing, so its callers are turned away."""
    enabled = [it for it in keys if it.enabled]
    overdue = [it.name for it in enabled if it.rotation == "overdue"]
    due = [it.name for it in enabled if it.rotation == "due"]
    hint = "Rotate them on Keys."
    if overdue:
        told = f"past their rotation: {_named(overdue)}"
        return Check(name="keys", tone="bad", told=told, hint=hint)
    if due:
        return Check(name="keys", tone="warn", told=f"due soon: {_named(due)}", hint=hint)
    return Check(name="keys", tone="good", told="none is past its rotation")


def of_provider(tested: Tested) -> Check:
    """Whether a provider answers with its key."""
    name = f"provider {tested.provider_id}"
    if tested.ok:
        return Check(
            name=name,
            tone="good",
            told=f"{'1 model' if tested.models == 1 else f'{tested.models} models'}"
            f" in {tested.latency_ms:.0f} ms",
        )
    return Check(name=name, tone="bad", told=tested.error, hint=tested.message)


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
