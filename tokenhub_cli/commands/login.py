"""`tokenhubctl login`."""

from typing import Annotated
from urllib.parse import urlsplit

import typer

from tokenhub.client.calls.session import whoami
from tokenhub.client.contexts import Context
from tokenhub.client.errors import Unauthorized
from tokenhub.client.profile import Profile, checked_url
from tokenhub.wire.access import Session as Who
from tokenhub_cli import kept, options
from tokenhub_cli.exits import Code
from tokenhub_cli.fields import secret
from tokenhub_cli.kept import VIEW
from tokenhub_cli.output import Output, attended
from tokenhub_cli.session import exits, fail, load_profile, open_session

app = typer.Typer(add_completion=False, rich_markup_mode=None)
_HERE = {"localhost", "127.0.0.1", "::1"}


@app.command("login")
def login(
    ctx: typer.Context,
    where: Annotated[
        str | None, typer.Argument(metavar="[URL]", help="The server; else the one in use.")
    ] = None,
    *,
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="Take the token from a line of stdin.")
    ] = False,
) -> None:
    """Sign in, and keep the server and its token as a context.

    The token is asked for, unless it is given, and tried. The context is named by -c, else by the
    server's host, and used from now on. Its file is for its owner's eyes alone (mode 0600). With
    --token-file it is the file's name that is kept.

    Example: tokenhubctl login "$TOKENHUB_URL" -c local --token-file token.txt
    """
    with exits(ctx):
        shared = options.given(ctx)
        server = checked_url(where or shared.url or load_profile(ctx, context="").url)
        context = _context(ctx, server, from_stdin=token_stdin)
        token = context.token or load_profile(ctx, context="").token
        who = _tried(ctx, Profile(url=server, token=token))
        name = shared.context or kept.read().name_of(server)
        added = kept.keep(shared, name, context, use=True)
        output = Output(shared)
        output.changed(added, VIEW, added, f"used from now on: {server} as {who.name} ({who.role})")
        _warn(ctx, output, added.name, server)


def _context(ctx: typer.Context, url: str, *, from_stdin: bool) -> Context:
    """The server with the token that is given, or asked for."""
    file = options.given(ctx).token_file
    if file is not None:
        if from_stdin:
            raise typer.BadParameter("give one of --token-stdin and --token-file")
        return Context(url=url, token_file=str(file.absolute()))
    if not (from_stdin or attended()):
        raise typer.BadParameter("nobody is there to ask: give --token-stdin or --token-file")
    token = secret(None, from_stdin=True, flag="--token")
    return Context(url=url, token=token or "")


def _tried(ctx: typer.Context, profile: Profile) -> Who:
    """Who the token belongs to, by the server's word."""
    with open_session(ctx, profile) as tokenhub:
        try:
            return tokenhub(whoami())
        except Unauthorized as error:
            hint = "the server's own is in .admin-token beside its data; nothing was kept"
            fail(ctx, str(error), hint=hint, code=Code.UNAUTHORIZED)


def _warn(ctx: typer.Context, output: Output, name: str, url: str) -> None:
    """Tell what is not as it seems."""
    if url.startswith("http://") and urlsplit(url).hostname not in _HERE:
        output.note("http carries the token in clear; https would not")
    now = load_profile(ctx, context="")
    for source in (now.url_source, now.token_source):
        if source != f"context {name}" and source.startswith("TOKENHUB_"):
            output.note(f"{source} is set, and counts before the context")
