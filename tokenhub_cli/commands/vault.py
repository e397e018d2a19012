"""`tokenhubctl vault ...`."""

from pathlib import Path
from typing import Annotated

import typer

from tokenhub.client.calls import vault as calls
from tokenhub.client.text import local, plain, seconds
from tokenhub.wire.vault import RecoveryIssued, Secret, VaultStatus
from tokenhub_cli.exits import Code
from tokenhub_cli.output import Column, View, talk
from tokenhub_cli.passwords import File, Given, GivenNew, GivenOld, Stdin, password, value
from tokenhub_cli.rows import value_of
from tokenhub_cli.session import Session, confirm, session

app = typer.Typer(add_completion=False, rich_markup_mode=None)
secrets = typer.Typer(add_completion=False, rich_markup_mode=None)
app.add_typer(secrets, name="secrets")
app.add_typer(secrets, name="secret", hidden=True)

NOT_SET_UP = "not_initialized"


def _never(limit_s: float) -> str:
    return seconds(limit_s) if limit_s else "never"


def _left(left_s: float | None) -> str:
    return "-" if left_s is None else seconds(left_s)


_STATUS: View[VaultStatus] = View(
    kind="vault",
    name=lambda it: it.state,
    columns=(
        Column("state", lambda it: it.state, lambda state: plain(state.replace("_", " "))),
        Column("slots", lambda it: it.slots, head="OPENED BY"),
        Column("provider_keys", lambda it: it.provider_keys),
        Column("secrets", lambda it: it.secrets),
        Column("idle_lock_s", lambda it: it.idle_lock_s, _never, head="LOCKS WHEN IDLE FOR"),
        Column("max_unlock_s", lambda it: it.max_unlock_s, _never, head="LOCKS WHEN OPEN FOR"),
        Column("locks_in_s", lambda it: it.locks_in_s, _left, head="LOCKS IN"),
        Column("data_key", lambda it: it.data_key),
        Column("rotated_at", lambda it: it.rotated_at, local, head="KEY ROTATED"),
        Column("failures", lambda it: it.failures, head="WRONG PASSWORDS"),
        Column("retry_after_s", lambda it: it.retry_after_s, seconds, head="NEXT TRY IN"),
    ),
)
# What comes next, by the state.
_NEXT = {
    "not_initialized": '"tokenhubctl vault init" sets it up; until then a restart loses keys',
    "locked": '"tokenhubctl vault unlock" opens it',
}
_RECOVERY: View[RecoveryIssued] = View(
    kind="recovery",
    name=lambda _: "recovery",
    value=lambda it: it.recovery_key,
    columns=(Column("recovery_key", lambda it: it.recovery_key),),
)
_DONE: View[object] = View(
    kind="vault", name=lambda _: "vault", columns=(Column("ok", lambda it: value_of(it, "ok")),)
)
_NAMES: View[str] = View(kind="secret", name=str, columns=(Column("name", str),))
_SECRET: View[Secret] = View(
    kind="secret",
    name=lambda it: it.key,
    value=lambda it: it.value,
    columns=(Column("key", lambda it: it.key), Column("value", lambda it: it.value)),
)
_Key = Annotated[str, typer.Argument(metavar="NAME", help="The secret's name.")]


@app.callback(invoke_without_command=True)
def vault(ctx: typer.Context) -> None:
    """The vault: the providers' keys, and secrets of your own. Alone, it shows how it is."""
    if ctx.invoked_subcommand is None:
        status(ctx)


@app.command("status")
def status(ctx: typer.Context) -> None:
    """Show how the vault is. Exit code 8 where it is not unlocked.

    Example: tokenhubctl vault status -o value
    """
    with session(ctx) as tokenhub:
        now = tokenhub(calls.status())
        tokenhub.output.show(now, _STATUS, [now], lines=_lines(now))
        if now.state in _NEXT:
            tokenhub.output.note(f"{_NEXT[now.state]}")
        if now.state != "unlocked":
            raise typer.Exit(Code.NOT_SO)


@app.command("init")
def init(
    ctx: typer.Context, given: Given = None, *, file: File = None, stdin: Stdin = False
) -> None:
    """Set the vault up, once. Nobody can help who forgets the password: see vault recovery.

    Example: tokenhubctl vault init --password-file password.txt
    """
    with session(ctx) as tokenhub:
        text = password(file=file, stdin=stdin, given=given, what="New password", twice=True)
        _init(tokenhub, text)


@app.command("unlock")
def unlock(
    ctx: typer.Context, given: Given = None, *, file: File = None, stdin: Stdin = False
) -> None:
    """Unlock the vault, with its password or the recovery key; set it up where it never was.

    Example: tokenhubctl vault unlock --password-stdin < password.txt
    """
    with session(ctx) as tokenhub:
        fresh = tokenhub(calls.status()).state == NOT_SET_UP
        if fresh:
            tokenhub.output.note("the vault was never set up: this password becomes its password")
        text = password(
            file=file,
            stdin=stdin,
            given=given,
            what="New password" if fresh else "Password",
            twice=fresh,
        )
        if fresh:
            _init(tokenhub, text)
            return
        done = tokenhub(calls.unlock(text))
        for name in done.left_out:
            talk(f"warning: {name} was changed on disk and is left out; set it again")
        _told(tokenhub, done, "vault unlocked")


@app.command("lock")
def lock(ctx: typer.Context) -> None:
    """Lock the vault: requests that need a key of it are refused until it is unlocked.

    Example: tokenhubctl vault lock
    """
    with session(ctx) as tokenhub:
        done = tokenhub(calls.lock())
        now = "was locked already" if done.already_locked else "locked"
        _told(tokenhub, done, f"vault {now}")


@app.command("rotate")
def rotate(
    ctx: typer.Context,
    given: GivenOld = None,
    given_new: GivenNew = None,
    *,
    old_file: Annotated[
        Path | None,
        typer.Option("--old-password-file", metavar="FILE", help="A file with the old one."),
    ] = None,
    new_file: Annotated[
        Path | None,
        typer.Option("--new-password-file", metavar="FILE", help="A file with the new one."),
    ] = None,
    stdin: Annotated[
        bool,
        typer.Option("--password-stdin", help="Take both from stdin, the old one's line first."),
    ] = False,
) -> None:
    """Change the password. The old one may be the recovery key. No secret is sealed anew.

    Example: tokenhubctl vault rotate --old-password-file password.txt --new-password-file new.txt
    """
    with session(ctx) as tokenhub:
        old = password(file=old_file, stdin=stdin, given=given, what="Old password")
        new = password(
            file=new_file,
            stdin=stdin,
            given=given_new,
            what="New password",
            twice=True,
            kept=False,
        )
        done = tokenhub(calls.change_password(old, new))
        _warn(done.warning)
        _told(tokenhub, done, "vault password changed")


@app.command("rotate-key")
def rotate_key(ctx: typer.Context) -> None:
    """Seal everything under a new data key. The password stays.

    Example: tokenhubctl vault rotate-key
    """
    with session(ctx) as tokenhub:
        done = tokenhub(calls.rotate_key())
        _told(tokenhub, done, f"vault data key rotated: {done.secrets} secrets sealed anew")


@app.command("recovery")
def recovery(
    ctx: typer.Context,
    *,
    file: File = None,
    stdin: Stdin = False,
    delete: Annotated[bool, typer.Option("--delete", help="Take it away instead.")] = False,
) -> None:
    """Make a recovery key and show it, this once; one that was there opens nothing any more.

    Example: tokenhubctl vault recovery --password-file password.txt -o value
    """
    with session(ctx) as tokenhub:
        if delete:
            confirm(ctx, "Take the recovery key away?")
            _told(tokenhub, tokenhub(calls.delete_recovery()), "vault recovery key deleted")
            return
        issued = tokenhub(calls.set_recovery(password(file=file, stdin=stdin)))
        tokenhub.output.show(issued, _RECOVERY, [issued])
        tokenhub.output.note(issued.warning)


@secrets.callback(invoke_without_command=True)
def all_secrets(ctx: typer.Context) -> None:
    """Secrets of your own in the vault. Alone, it lists their names."""
    if ctx.invoked_subcommand is None:
        list_secrets(ctx)


@secrets.command("list")
def list_secrets(ctx: typer.Context) -> None:
    """List the names of the secrets.

    Example: tokenhubctl vault secrets list
    """
    with session(ctx) as tokenhub:
        found = tokenhub(calls.list_secrets())
        tokenhub.output.show(found, _NAMES, found.secrets)


@secrets.command("get")
def get_secret(ctx: typer.Context, key: _Key) -> None:
    """Print a secret and nothing else; it is noted in the audit trail.

    Example: tokenhubctl vault secrets get ci-token
    """
    with session(ctx) as tokenhub:
        found = tokenhub(calls.get_secret(key))
        tokenhub.output.secret(found, _SECRET, found)


@secrets.command("set")
def set_secret(
    ctx: typer.Context,
    key: _Key,
    source: Annotated[
        str, typer.Argument(metavar="-|@FILE", help="Where the value is: stdin, or a file.")
    ] = "-",
) -> None:
    """Keep a secret, new or in the place of another.

    Example: printf %s "$TOKEN" | tokenhubctl vault secrets set ci-token
    """
    with session(ctx) as tokenhub:
        done = tokenhub(calls.put_secret(key, value(source)))
        tokenhub.output.changed(done, _NAMES, key, "kept")


@secrets.command("delete")
def delete_secret(ctx: typer.Context, key: _Key) -> None:
    """Forget a secret for good.

    Example: tokenhubctl vault secrets delete ci-token
    """
    with session(ctx) as tokenhub:
        call = calls.delete_secret(key)
        confirm(ctx, f"Delete secret {key}?")
        tokenhub.output.deleted(tokenhub(call), "secret", key)


def _init(tokenhub: Session, text: str) -> None:
    done = tokenhub(calls.init(text))
    _warn(done.warning)
    _told(tokenhub, done, "vault set up and unlocked")
    tokenhub.output.note(
        '"tokenhubctl vault recovery" makes a key for the day the password is forgotten'
    )


def _told(tokenhub: Session, done: object, line: str) -> None:
    """What a change came to: a line for eyes, or the server's answer."""
    tokenhub.output.show(done, _DONE, [done], lines=[line])


def _warn(warning: str) -> None:
    if warning:
        talk(f"warning: the password is weak: {warning}")


def _lines(now: VaultStatus) -> list[str]:
    """The table turned on its side: there is one vault."""
    names = [f"{column.title.capitalize()}:" for column in _STATUS.columns]
    width = max(map(len, names))
    return [
        f"{name:{width}}  {column.show(column.value(now))}"
        for name, column in zip(names, _STATUS.columns, strict=True)
    ]
