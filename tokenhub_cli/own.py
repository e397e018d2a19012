"""Settings of the command line itself: each with its value, and where that came from."""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tokenhub.client.profile import Profile
from tokenhub_cli import kept
from tokenhub_cli.options import Shared
from tokenhub_cli.output import Column, View

_DEFAULT = "the default"


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """`source` is the flag, variable, context or file that gave it; `set_by` is what could."""

    name: str
    value: str
    source: str
    set_by: str


VIEW: View[Setting] = View(
    kind="setting",
    name=lambda it: it.name,
    value=lambda it: it.value,
    columns=(
        Column("name", lambda it: it.name),
        Column("value", lambda it: it.value),
        Column("source", lambda it: it.source, head="FROM"),
        Column("set_by", lambda it: it.set_by, spare=True),
    ),
)


def settings(shared: Shared, profile: Profile) -> Iterator[Setting]:
    """All of them, secrets masked."""
    environ = os.environ  # noqa: TID251 - to tell what it says is the point
    yield _of(
        "url", profile.url, profile.url_source, "--url, TOKENHUB_URL, a context, ~/.tokenhub/env"
    )
    yield _of(
        "admin token",
        masked(profile.token),
        profile.token_source or "nowhere",
        "--token-file, TOKENHUB_ADMIN_TOKEN, a context, .admin-token beside the data",
    )
    yield _context(shared, environ.get("TOKENHUB_CONTEXT", ""))
    output = "-o" if shared.output is not None else "TOKENHUB_OUTPUT"
    here = shared.output is not None or environ.get("TOKENHUB_OUTPUT")
    yield _of("output", shared.form, output if here else _DEFAULT, "-o, TOKENHUB_OUTPUT")
    yield _colour(shared, environ.get("NO_COLOR", ""), environ.get("CLICOLOR_FORCE", ""))
    yield _given("time", shared.time, Shared().time, "--time")
    yield _given("timeout", f"{shared.timeout:g} s", f"{Shared().timeout:g} s", "--timeout")
    yield _given("retries", str(shared.retries), str(Shared().retries), "--retries")
    password = environ.get("TOKENHUB_VAULT_PASSWORD", "")
    source = "TOKENHUB_VAULT_PASSWORD" if password else "nowhere"
    by = "TOKENHUB_VAULT_PASSWORD, --password-file, --password-stdin"
    yield _of("vault password", masked(password), source, by)
    key = environ.get("TOKENHUB_API_KEY", "")
    yield _of("api key", masked(key), "TOKENHUB_API_KEY" if key else "nowhere", "TOKENHUB_API_KEY")
    yield _file(
        "contexts", kept.file(), "XDG_CONFIG_HOME" if environ.get("XDG_CONFIG_HOME") else ""
    )
    yield _file("environment file", Path.home() / ".tokenhub" / "env", "")


def masked(secret: str) -> str:
    """That there is one, and which of ours; none of its letters."""
    if not secret:
        return ""
    kind = next((kind for kind in ("tha_", "tokenhub_") if secret.startswith(kind)), "")
    return f"{kind}***"


def _context(shared: Shared, variable: str) -> Setting:
    sources = (
        (shared.context, "-c"),
        (variable, "TOKENHUB_CONTEXT"),
        (kept.read().current, str(kept.file())),
        ("", _DEFAULT),
    )
    value, source = next((it for it in sources if it[0]), sources[-1])
    return _of("context", value, source, '-c, TOKENHUB_CONTEXT, "tokenhubctl context use"')


def _colour(shared: Shared, no_color: str, force: str) -> Setting:
    source = _DEFAULT
    if shared.color is not Shared().color:
        source = "--color"
    elif no_color:
        source = "NO_COLOR"
    elif force not in {"", "0"}:
        source = "CLICOLOR_FORCE"
    value = {"NO_COLOR": "never", "CLICOLOR_FORCE": "always"}.get(source, str(shared.color))
    return _of("color", value, source, "--color, NO_COLOR, CLICOLOR_FORCE, TERM=dumb")


def _given(name: str, value: str, usual: str, flag: str) -> Setting:
    return _of(name, value, _DEFAULT if value == usual else flag, flag)


def _file(name: str, file: Path, source: str) -> Setting:
    there = "" if file.exists() else " (not there)"
    return _of(name, f"{file}{there}", source or _DEFAULT, "XDG_CONFIG_HOME" if source else "")


def _of(name: str, value: str, source: str, set_by: str) -> Setting:
    return Setting(name=name, value=value, source=source, set_by=set_by)
