"""`tokenhubctl doctor`."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokenhub.client.calls.catalog import list_models, list_providers
from tokenhub.client.calls.events import follow_events
from tokenhub.client.calls.health import test_provider
from tokenhub.client.calls.info import healthz, info, readyz
from tokenhub.client.calls.keys import list_keys
from tokenhub.client.calls.orchestrations import list_workflows
from tokenhub.client.calls.session import whoami
from tokenhub.client.calls.vault import status as vault_status
from tokenhub.client.errors import BadProfile, ClientError, Refused, Unauthorized
from tokenhub.client.profile import Profile
from tokenhub.client.text import of_state
from tokenhub_cli import checks, kept, options
from tokenhub_cli.checks import Check, Status, failed, passed, warned
from tokenhub_cli.commands.config import checked
from tokenhub_cli.exits import Code
from tokenhub_cli.output import Column, Output, View
from tokenhub_cli.paging import PAGE, whole
from tokenhub_cli.session import Session, exits, load_profile, open_session

if TYPE_CHECKING:
    from tokenhub.client.transport import Sent

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_VIEW: View[Check] = View(
    kind="check",
    name=lambda it: it.name,
    columns=(
        Column("name", lambda it: it.name, head="CHECK"),
        Column("status", lambda it: it.status, tone=lambda it: of_state(it.lower())),
        Column("told", lambda it: it.told, head="SEEN"),
    ),
)
_FORBIDDEN = 403
_STREAM_S = 5.0


@app.command("doctor")
def doctor(
    ctx: typer.Context,
    *,
    fix: Annotated[
        bool, typer.Option("--fix", help="Close files with secrets to others than their owner.")
    ] = False,
) -> None:
    """Check what can be wrong, and tell what to do about it.

    The way to the server, the token and its role, versions, clocks, the vault, storage, each
    provider (it is asked for its models), prices, keys, the stream of events, and who may read
    the files on this machine. Exit code 8 where a check failed; a warning is none.

    Example: tokenhubctl doctor

    Example: tokenhubctl doctor --fix -o json
    """
    with exits(ctx):
        output = Output(options.given(ctx))
        found = list(_all(ctx, fix=fix and not options.given(ctx).dry_run))
        output.show({it.name: _told(it) for it in found}, _VIEW, found)
        for check in found:
            if check.hint and check.status is not Status.PASSED:
                output.note(f"{check.name}: {check.hint}")
        if any(it.status is Status.FAILED for it in found):
            raise typer.Exit(Code.NOT_SO)


def _told(check: Check) -> dict[str, str]:
    """A check below its name."""
    return {"status": check.status, "told": check.told, "hint": check.hint}


def _all(ctx: typer.Context, *, fix: bool) -> Iterator[Check]:
    yield _asked("config", _config)
    try:
        profile = load_profile(ctx)
    except BadProfile as error:
        yield failed("profile", str(error), '"tokenhubctl config explain"')
        return
    for path in _files(profile):
        yield checks.of_file(path, fix=fix)
    if folder := checks.data_folder(profile):
        yield checks.of_disk(folder)
    dates: list[str] = []

    def watch(sent: "Sent") -> None:
        dates.extend(value for name, value in sent.response_headers if name == "date")

    with open_session(ctx, profile, watch=watch) as tokenhub:
        yield from _server(tokenhub, dates, options.given(ctx).timeout)


def _config() -> Check:
    found = checked(kept.file())
    return passed("config", f"contexts {found.contexts}, in use {found.current or 'none'}")


def _files(profile: Profile) -> list[Path]:
    """The files on this machine that may hold secrets."""
    home = Path.home() / ".tokenhub"
    names = [kept.file(), home / "env", home / ".admin-token", Path(profile.token_source)]
    return [path for path in dict.fromkeys(names) if path.is_absolute() and path.is_file()]


def _server(tokenhub: Session, dates: list[str], timeout_s: float) -> Iterator[Check]:
    """What can only be known from the server, as far as it answers."""
    try:
        health = tokenhub(healthz())
    except ClientError as error:
        yield failed("server", str(error), 'start it with "tokenhub serve", or name another: --url')
        return
    yield passed("server", f"{tokenhub.profile.url}, {health.models} models")
    yield checks.of_way(tokenhub.profile)
    yield checks.of_clock(dates[-1] if dates else "", datetime.now(UTC))  # noqa: TID251 - this machine's now
    yield _asked("ready", lambda: checks.of_readiness(tokenhub(readyz())))
    token = _asked("token", lambda: _token(tokenhub))
    yield token
    if token.status is not Status.FAILED:
        yield from _inside(tokenhub, timeout_s)


def _token(tokenhub: Session) -> Check:
    source = tokenhub.profile.token_source
    if not tokenhub.profile.token:
        return failed("token", "there is none", '"tokenhubctl login", or TOKENHUB_ADMIN_TOKEN')
    try:
        return checks.of_token(tokenhub(whoami()))
    except Unauthorized as error:
        hint = f"it came from {source}; the server's own is in .admin-token beside its data"
        return failed("token", str(error), hint)


def _inside(tokenhub: Session, timeout_s: float) -> Iterator[Check]:
    """What the server tells to who has a token."""
    try:
        about = tokenhub(info())
        yield from (checks.of_version(about), checks.of_storage(about), checks.of_sqlite(about))
    except ClientError as error:
        yield failed("version", str(error))
    for name, check in (
        ("vault", lambda: checks.of_vault(tokenhub(vault_status()))),
        ("temporal", lambda: _temporal(tokenhub)),
        ("events", lambda: _events(tokenhub, timeout_s)),
        ("prices", lambda: checks.of_prices(whole(list_models(limit=PAGE), tokenhub).items)),
        ("keys", lambda: checks.of_keys(whole(list_keys(limit=PAGE), tokenhub).keys)),
    ):
        yield _asked(name, check)
    try:
        providers = whole(list_providers(limit=PAGE), tokenhub).items
    except ClientError as error:
        yield failed("providers", str(error))
        return
    for provider in providers:
        yield _provider(tokenhub, provider.id, enabled=provider.enabled)
    if not providers:
        yield warned("providers", "there is none", '"tokenhubctl provider add"')


def _provider(tokenhub: Session, provider_id: str, *, enabled: bool) -> Check:
    name = f"provider/{provider_id}"
    if not enabled:
        return passed(name, "disabled")
    return _asked(name, lambda: checks.of_provider(tokenhub(test_provider(provider_id))))


def _temporal(tokenhub: Session) -> Check:
    enabled = tokenhub(list_workflows(limit=1)).temporal_enabled
    return passed("temporal", "answers" if enabled else "off; plans run without it")


def _events(tokenhub: Session, timeout_s: float) -> Check:
    from tokenhub.client.transport import Client  # noqa: PLC0415 - httpx: not for --help

    # A proxy that keeps answers back until they are whole shows as one that takes too long.
    longest_s = min(timeout_s, _STREAM_S)
    try:
        with (
            Client(tokenhub.profile, timeout_s=longest_s, retries=0) as client,
            client.opened(follow_events().opening) as stream,
        ):
            begun = next(stream.portions, b"")
    except Refused:
        raise
    except ClientError as error:
        hint = "a proxy between may keep answers back until they are whole: docs/admin/events.md"
        return failed("events", str(error), hint)
    if not begun:
        return warned("events", "the stream ended")
    return passed("events", "come as they happen")


def _asked(name: str, check: Callable[[], Check]) -> Check:
    """A check, or that it could not be made."""
    try:
        return check()
    except Refused as error:
        if error.status == _FORBIDDEN:
            return warned(name, "this token may not ask", "the token of an operator may")
        return failed(name, str(error))
    except ClientError as error:
        return failed(name, str(error))
