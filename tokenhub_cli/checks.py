"""What `doctor` makes of what it sees: each check by itself, without asking anybody."""

import os
import shutil
import stat
from collections.abc import Iterable, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from tokenhub import __version__
from tokenhub.client.profile import Profile
from tokenhub.wire.access import Session as Who
from tokenhub.wire.catalog import Info, Model, Readiness
from tokenhub.wire.health import Tested
from tokenhub.wire.keys import ApiKey
from tokenhub.wire.vault import VaultStatus

# The header that tells the server's time has whole seconds, and the answer took a while.
_SKEW_WARNED_S, _SKEW_FAILED_S = 5.0, 60.0
_DISK_WARNED, _DISK_FAILED = 2**30, 2**27
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_NAMED = 3


class Status(StrEnum):
    """How a check came out; only a failed one makes the exit code 8."""

    PASSED = "PASSED"
    WARNING = "WARNING"
    FAILED = "FAILED"


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One check: what was seen, and what to do about it where it is not as it should be."""

    name: str
    status: Status
    told: str
    hint: str = ""


def passed(name: str, told: str) -> Check:
    return Check(name=name, status=Status.PASSED, told=told)


def warned(name: str, told: str, hint: str = "") -> Check:
    return Check(name=name, status=Status.WARNING, told=told, hint=hint)


def failed(name: str, told: str, hint: str = "") -> Check:
    return Check(name=name, status=Status.FAILED, told=told, hint=hint)


def of_way(profile: Profile) -> Check:
    """Whether others can listen on the way to the server."""
    parts = urlsplit(profile.url)
    if parts.scheme == "https":
        return passed("way", "https")
    if parts.hostname in _LOOPBACK:
        return passed("way", "http, on this machine alone")
    return warned("way", "http carries the token in clear", "put a proxy with TLS in front of it")


def of_readiness(ready: Readiness) -> Check:
    if ready.status == "ready":
        return passed("ready", "requests can be served")
    return failed("ready", ready.reason or ready.status, '"tokenhubctl status" tells more')


def of_token(who: Who) -> Check:
    if who.role == "viewer":
        hint = '"tokenhubctl token edit NAME --role operator", by an owner'
        return warned("token", f"{who.name} is a viewer, and changes nothing", hint)
    return passed("token", f"{who.name}, {who.role}")


def of_version(info: Info) -> Check:
    if info.version == __version__:
        return passed("version", f"{__version__}, as the server")
    hint = "install the same version on both sides"
    return warned("version", f"{__version__} here, {info.version} at the server", hint)


def of_clock(date: str, now: datetime) -> Check:
    """`date` is the server's, as of the HTTP header of that name."""
    try:
        skew_s = abs((parsedate_to_datetime(date) - now).total_seconds())
    except ValueError:
        return warned("clock", "the server does not tell its time")
    if skew_s < _SKEW_WARNED_S:
        return passed("clock", "as the server's")
    told = f"{skew_s:.0f} s apart from the server's"
    hint = "let both machines keep their time by NTP"
    return (failed if skew_s >= _SKEW_FAILED_S else warned)("clock", told, hint)


def of_vault(vault: VaultStatus) -> Check:
    if vault.state == "unlocked":
        return passed("vault", f"unlocked; provider keys: {vault.provider_keys}")
    if vault.state == "locked":
        hint = '"tokenhubctl vault unlock"'
        if vault.provider_keys:
            return failed("vault", f"locked; provider keys in it: {vault.provider_keys}", hint)
        return warned("vault", "locked", hint)
    if vault.state == "not_initialized":
        told = "never set up: a restart loses the providers' keys"
        return warned("vault", told, '"tokenhubctl vault init"')
    return passed("vault", vault.state)


def of_storage(info: Info) -> Check:
    if info.storage == "ok":
        return passed("storage", "ok")
    return failed("storage", f"{info.storage}: {info.storage_reason}", "docs/admin/storage.md")


def of_sqlite(info: Info) -> Check:
    """The server says in a warning of its own what is to be known of its SQLite."""
    advice = next((it for it in info.warnings if it.startswith("SQLite")), "")
    if advice:
        return warned("sqlite", advice, "a Python with a newer SQLite, for the server")
    return passed("sqlite", info.sqlite_version)


def of_disk(folder: Path) -> Check:
    """The disk of the server's data, where that is on this machine."""
    free = shutil.disk_usage(folder).free
    told = f"{free / 2**30:.1f} GiB free in {folder}"
    hint = "make room, or move the data: docs/admin/storage.md"
    if free < _DISK_FAILED:
        return failed("disk", told, hint)
    return warned("disk", told, hint) if free < _DISK_WARNED else passed("disk", told)


def of_provider(tested: Tested) -> Check:
    name = f"provider/{tested.provider_id}"
    if tested.ok:
        return passed(name, f"{tested.models} models, {tested.latency_ms:.0f}ms")
    return failed(name, tested.error, tested.message)


def of_prices(models: Iterable[Model]) -> Check:
    unknown = [
        it.id
        for it in models
        if it.enabled and (it.input_per_1k is None or it.output_per_1k is None)
    ]
    if not unknown:
        return passed("prices", "every enabled model has one")
    hint = '"tokenhubctl model price sync", or "tokenhubctl model edit ID --input-per-1k USD"'
    return warned("prices", f"unknown of {_named(unknown)}: budgets cannot count them", hint)


def of_keys(keys: Iterable[ApiKey]) -> Check:
    """A credential that is past its age opens nothing, so its callers are turned away."""
    enabled = [it for it in keys if it.enabled]
    overdue = [it.name for it in enabled if it.rotation == "overdue"]
    due = [it.name for it in enabled if it.rotation == "due"]
    hint = '"tokenhubctl apikey rotate ID"'
    if overdue:
        return failed("keys", f"past their rotation: {_named(overdue)}", hint)
    if due:
        return warned("keys", f"to be rotated soon: {_named(due)}", hint)
    return passed("keys", "none is past its rotation")


def of_file(path: Path, *, fix: bool) -> Check:
    """Whether others than its owner may read a file with secrets; with `fix` they may no more."""
    name = f"file/{path.name}"
    mode = path.stat().st_mode
    if not mode & _OTHERS:
        return passed(name, f"{path} is for its owner alone")
    if not fix:
        return failed(name, f"others may read {path}", f'"chmod 600 {path}", or doctor --fix')
    try:
        path.chmod(stat.S_IRUSR | stat.S_IWUSR)
    except OSError as error:
        return failed(name, f"{path}: {error.strerror}", "ask its owner")
    return passed(name, f"{path} is for its owner alone now")


def data_folder(profile: Profile) -> Path | None:
    """The folder of the server's data, if its token was found there."""
    source = Path(profile.token_source)
    there = source.is_absolute() and (source.parent / "tokenhub.sqlite").exists()
    return source.parent if there and os.access(source.parent, os.R_OK) else None


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
