"""Completion of what is on the server: ids of providers, models and keys, and names of contexts.

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
from typing import Any

import msgspec

from tokenhub.client.errors import ClientError
from tokenhub.client.profile import Profile
from tokenhub_cli import options
from tokenhub_cli.options import Shared

Complete = Callable[[Any, Any, str], list[str]]

_LIMIT_S = 0.3
_KEPT_S = 60.0
_MOST = 1000
_CONTEXTS = "contexts"
# The arguments and options that name something, by what they name.
_ARGUMENTS = {
    "provider_id": "providers",
    "model_id": "models",
    "model_ids": "models",
    "key_id": "keys",
}
_OPTIONS = {"--provider": "providers", "--model": "models", "--key": "keys"}


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
        of_context = line[0] in {"context", "logout"} and line[-1] != "add"
        return _CONTEXTS if of_context and param.name == "name" else _ARGUMENTS.get(param.name, "")
    if param.name == "context" and "-c" in param.opts:
        return _CONTEXTS
    # Prices and sizes have options of such names, but take numbers.
    is_text = param.type.name in {"text", "str"}
    return next((_OPTIONS[it] for it in param.opts if is_text and it in _OPTIONS), "")


def _completed(ctx: Any, _param: Any, incomplete: str, *, kind: str) -> list[str]:
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


def _limit_s(ctx: Any) -> float:
    timeout_s = options.given(ctx).timeout
    return _LIMIT_S if timeout_s == Shared().timeout else timeout_s


def _names(ctx: Any, kind: str) -> list[str]:
    from tokenhub_cli.session import load_profile  # noqa: PLC0415 - it imports this package's root

    if kind == _CONTEXTS:
        from tokenhub_cli import kept  # noqa: PLC0415 - as above

        return list(kept.read().contexts)
    profile = load_profile(ctx)
    file = _file(profile, kind)
    return _read(file) or _fetched(profile, kind, file, _limit_s(ctx))


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


def _fetched(profile: Profile, kind: str, file: Path, limit_s: float) -> list[str]:
    from tokenhub.client.calls import catalog, keys  # noqa: PLC0415 - only where there is no file
    from tokenhub.client.transport import Client  # noqa: PLC0415 - the same, and httpx

    with Client(profile, timeout_s=limit_s, retries=0) as client:
        if kind == "providers":
            names = [it.id for it in client(catalog.list_providers(limit=_MOST)).items]
        elif kind == "models":
            names = [it.id for it in client(catalog.list_models(limit=_MOST)).items]
        else:
            names = [it.id for it in client(keys.list_keys(limit=_MOST)).keys]
    with suppress(OSError):  # what cannot be kept is asked for again
        _keep(file, names)
    return names


def _keep(file: Path, names: list[str]) -> None:
    """In one step: two shells may complete at once."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=file.parent)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(msgspec.json.encode(names))
    Path(temporary).replace(file)
