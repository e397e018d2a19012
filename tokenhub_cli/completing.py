"""Completion of what is on the server (ids and names of its nouns), contexts, and `--fields`.

A shell waits while this runs, so it ends after 300 ms, unless the line has a --timeout of its own;
what was found holds for a minute.
Whatever fails, there is nothing to complete, and nothing is said: the user is typing a line.
"""

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import msgspec

from tokenhub.client.errors import ClientError
from tokenhub.client.profile import Profile
from tokenhub_cli import options
from tokenhub_cli.options import Shared

if TYPE_CHECKING:
    from tokenhub.client.transport import Client

Complete = Callable[[Any, Any, str], list[str]]

_LIMIT_S = 0.3
_KEPT_S = 60.0
_MOST = 1000
_CONTEXTS = "contexts"
_FIELDS = "fields"
# What there is more of with every request: the newest count, and none are kept.
_NEWEST = {"requests": 50, "plans": 50}
# The arguments and options that name something, by what they name.
_ARGUMENTS = {
    "provider_id": "providers",
    "model_id": "models",
    "model_ids": "models",
    "key_id": "keys",
    "ref": "tokens",
    "request_id": "requests",
    "orchestration_id": "plans",
}
# Those whose names mean another thing under each noun.
_OF_NOUN = {
    ("context", "name"): _CONTEXTS,
    ("logout", "name"): _CONTEXTS,
    ("alias", "name"): "aliases",
    ("view", "name"): "views",
    ("vault", "key"): "secrets",
    ("health", "provider"): "providers",
    ("health", "name"): "providers",
    ("feedback", "request"): "requests",
}
_OPTIONS = {
    "--provider": "providers",
    "--model": "models",
    "--key": "keys",
    "--view": "views",
    "--request-id": "requests",
    "--plan": "plans",
    "--allow-model": "models",
    "--allow-provider": "providers",
}


def know_shells() -> None:
    """Have typer answer the scripts that it writes, which differ from those of click."""
    # typer offers it without declaring that it does.
    from typer.completion import completion_init  # type: ignore[attr-defined]  # noqa: PLC0415 - as said

    completion_init()


def attach(command: Any, line: Sequence[str]) -> None:
    """Give the parameters of a command, and of all below it, what completes them."""
    for param in command.params:
        if kind := _kind(param, line):
            param._custom_shell_complete = partial(_completed, kind=kind)  # noqa: SLF001 - typer takes it only where a parameter is declared
    for name, below in getattr(command, "commands", {}).items():
        attach(below, [*line, name])


def _kind(param: Any, line: Sequence[str]) -> str:
    """What a parameter names; empty where that is nothing that can be listed."""
    if param.param_type_name == "argument":
        if line == ["context", "add"]:
            return ""  # a name that is not there yet
        return _OF_NOUN.get((line[0], param.name)) or _ARGUMENTS.get(param.name, "")
    if "--fields" in param.opts:
        return _FIELDS
    if param.name == "context" and "-c" in param.opts:
        return _CONTEXTS
    # Prices and sizes have options of such names, but take numbers.
    is_text = param.type.name in {"text", "str"}
    return next((_OPTIONS[it] for it in param.opts if is_text and it in _OPTIONS), "")


def _completed(ctx: Any, _param: Any, incomplete: str, *, kind: str) -> list[str]:
    if kind == _FIELDS:
        return _with_fields(ctx, incomplete)
    found: list[str] = []

    def look() -> None:
        try:
            found.extend(_names(ctx, kind))
        except (ClientError, OSError, ValueError, msgspec.MsgspecError):
            return

    # A thread that is left behind ends with the program.
    looking = Thread(target=look, daemon=True)
    looking.start()
    looking.join(_limit_s(ctx))
    return [name for name in list(found) if name.startswith(incomplete)]


def _with_fields(ctx: Any, incomplete: str) -> list[str]:
    """The list as it stands, with each name that can be its next."""
    from tokenhub_cli.showing import fields_shown  # noqa: PLC0415 - few lines have the option

    before, comma, begun = incomplete.rpartition(",")
    there = before.split(",")
    names = [name for name in fields_shown(_command(ctx).callback) if name not in there]
    return [f"{before}{comma}{name}" for name in names if name.startswith(begun)]


def _command(ctx: Any) -> Any:
    """The command of a line; of a noun alone the list that it stands for."""
    command = ctx.command
    return getattr(command, "commands", {}).get("list", command)


def _limit_s(ctx: Any) -> float:
    timeout_s = options.given(ctx).timeout
    return _LIMIT_S if timeout_s == Shared().timeout else timeout_s


def _names(ctx: Any, kind: str) -> list[str]:
    from tokenhub_cli.session import load_profile  # noqa: PLC0415 - it imports this package's root

    if kind == _CONTEXTS:
        from tokenhub_cli import kept  # noqa: PLC0415 - as above

        return list(kept.read().contexts)
    profile = load_profile(ctx)
    if kind in _NEWEST:
        return _fetched(profile, kind, _limit_s(ctx))
    file = _file(profile, kind)
    if not (names := _read(file)):
        names = _fetched(profile, kind, _limit_s(ctx))
        with suppress(OSError):  # what cannot be kept is asked for again
            _keep(file, names)
    return names


def _file(profile: Profile, kind: str) -> Path:
    """Where the names are kept: for this server and this token, which may see others' names."""
    base = os.environ.get("XDG_CACHE_HOME", "")  # noqa: TID251 - as its specification says
    folder = Path(base) if base.startswith("/") else Path.home() / ".cache"
    whose = hashlib.sha256(f"{profile.url}\0{profile.token}".encode()).hexdigest()[:16]
    return folder / "tokenhub" / f"{kind}-{whose}.json"


def _read(file: Path) -> list[str]:
    try:
        age_s = time.time() - file.stat().st_mtime  # noqa: TID251 - against the file's own time
        return msgspec.json.decode(file.read_bytes(), type=list[str]) if age_s < _KEPT_S else []
    except (OSError, msgspec.DecodeError):
        return []


def _fetched(profile: Profile, kind: str, limit_s: float) -> list[str]:
    from tokenhub.client.transport import Client  # noqa: PLC0415 - httpx: only where there is no file

    with Client(profile, timeout_s=limit_s, retries=0) as client:
        return _asked(client, kind)


def _asked(client: "Client", kind: str) -> list[str]:  # noqa: PLR0911 - one line for each kind
    from tokenhub.client.calls import (  # noqa: PLC0415 - only where there is no file
        aliases,
        catalog,
        keys,
        observe,
        orchestrations,
        tokens,
        vault,
        views,
    )

    match kind:
        case "providers":
            return [it.id for it in client(catalog.list_providers(limit=_MOST)).items]
        case "models":
            return [it.id for it in client(catalog.list_models(limit=_MOST)).items]
        case "keys":
            return [it.id for it in client(keys.list_keys(limit=_MOST)).keys]
        case "tokens":
            return [it.name for it in client(tokens.list_tokens(limit=_MOST)).tokens]
        case "aliases":
            return [it.name for it in client(aliases.list_aliases(limit=_MOST)).items]
        case "views":
            return [it.name for it in client(views.list_views(limit=_MOST)).items]
        case "secrets":
            return client(vault.list_secrets()).secrets
        case "requests":
            return [it.request_id for it in client(observe.list_logs(limit=_NEWEST[kind])).logs]
    page = client(orchestrations.list_orchestrations(limit=_NEWEST[kind]))
    return [it.id for it in page.orchestrations]


def _keep(file: Path, names: list[str]) -> None:
    """In one step: two shells may complete at once."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=file.parent)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(msgspec.json.encode(names))
    Path(temporary).replace(file)
