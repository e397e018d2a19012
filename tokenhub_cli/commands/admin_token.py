"""`tokenhubctl admin-token ...`."""

import shutil
import subprocess
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
import typer

from tokenhub.client.calls.session import rotate_first_token
from tokenhub.client.profile import Profile
from tokenhub.wire.access import AdminTokenIssued
from tokenhub_cli import kept, options
from tokenhub_cli.exits import Code
from tokenhub_cli.fields import hint, secret
from tokenhub_cli.options import Shared
from tokenhub_cli.output import Column, Output, View
from tokenhub_cli.session import exits, fail, load_profile, session

app = typer.Typer(add_completion=False, rich_markup_mode=None)

# As the original's files for Docker name the container, with Compose and without.
_CONTAINERS = ("tokenhub-tokenhub-1", "tokenhub")
_DOCKER_S = 10.0
_HERE = {"localhost", "127.0.0.1", "::1"}
_ISSUED: View[AdminTokenIssued] = View(
    kind="token",
    name=lambda it: it.name,
    value=lambda it: it.token,
    columns=(Column("token", lambda it: it.token), Column("name", lambda it: it.name)),
)


@app.callback(invoke_without_command=True)
def admin_token(ctx: typer.Context) -> None:
    """Print the admin token and nothing else.

    It is that of TOKENHUB_ADMIN_TOKEN, else of the context in use, else of ~/.tokenhub/env, else
    the one that the server wrote to .admin-token beside its data, else that of a server in a
    Docker container of this machine.

    Example: export TOKENHUB_ADMIN_TOKEN="$(tokenhubctl admin-token)"
    """
    if ctx.invoked_subcommand is not None:
        return
    with exits(ctx):
        profile = load_profile(ctx)
        token = profile.token or _of_a_container(profile)
        if not token:
            fail(
                ctx,
                "there is no admin token in the environment or beside the data",
                hint="start the server once, or set TOKENHUB_ADMIN_TOKEN",
                code=Code.UNAUTHORIZED,
            )
        Output().text(token)


@app.command("rotate")
def rotate(
    ctx: typer.Context,
    token: Annotated[
        str | None, typer.Argument(metavar="[TOKEN]", help="The new one, else a random one.")
    ] = None,
    *,
    from_stdin: Annotated[
        bool,
        typer.Option("--stdin", "--token-stdin", help="Take the new one from a line of stdin."),
    ] = False,
) -> None:
    """Replace the server's own admin token, and print the new one.

    The old one is over at once. Where the context in use has the old one, it has the new one from
    then on.

    Example: export TOKENHUB_ADMIN_TOKEN="$(tokenhubctl admin-token rotate)"
    """
    with session(ctx) as tokenhub:
        if token:
            hint("--token")
        wanted = secret(None, from_stdin=True, flag="--token") if from_stdin else token
        if from_stdin and token:
            raise typer.BadParameter("give one of TOKEN and --stdin")
        issued = tokenhub(rotate_first_token(wanted or ""))
        tokenhub.output.show(issued, _ISSUED, [issued], lines=[issued.token])
        shared = options.given(ctx)
        if not shared.dry_run:
            _keep(shared, tokenhub.profile, issued.token, tokenhub.output)


def _keep(shared: Shared, profile: Profile, token: str, output: Output) -> None:
    """Put the new token where this program would find the old one, or tell where that is."""
    known = kept.read()
    name = profile.token_source.removeprefix("context ")
    if name in known.contexts and name != profile.token_source:
        kept.keep(shared, name, msgspec.structs.replace(known.contexts[name], token=token))
        output.note(f"context {name} has it now")
    elif profile.token_source:
        output.note(f"the old one came from {profile.token_source}")


def _of_a_container(profile: Profile) -> str:
    """The token of a server in a container of this machine; empty where there is none."""
    docker = shutil.which("docker")
    if docker is None or urlsplit(profile.url).hostname not in _HERE:
        return ""
    for name in _CONTAINERS:
        try:
            done = subprocess.run(  # noqa: S603 - words of our own, and no shell
                [docker, "exec", name, "cat", "/data/.admin-token"],
                capture_output=True,
                text=True,
                check=False,
                timeout=_DOCKER_S,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        if done.returncode == 0 and done.stdout.strip():
            return done.stdout.strip()
    return ""
