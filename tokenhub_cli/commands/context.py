"""`tokenhubctl context ...`."""

from typing import Annotated

import msgspec
import typer

from tokenhub.client.contexts import Context, Contexts
from tokenhub.client.profile import checked_url
from tokenhub_cli import kept, options
from tokenhub_cli.exits import Code
from tokenhub_cli.fields import secret
from tokenhub_cli.kept import VIEW, Row, row
from tokenhub_cli.output import Output
from tokenhub_cli.session import confirm, exits, fail

app = typer.Typer(add_completion=False, rich_markup_mode=None)
_Name = Annotated[str, typer.Argument(metavar="NAME", help="The context's name.")]


@app.callback(invoke_without_command=True)
def context(ctx: typer.Context) -> None:
    """Contexts: servers that have a name, each with its token. Alone, it lists them."""
    if ctx.invoked_subcommand is None:
        list_(ctx)


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List the contexts, without their tokens.

    Example: tokenhubctl context list
    """
    with exits(ctx):
        rows = _rows(kept.read())
        Output(options.given(ctx)).show(rows, VIEW, rows)


@app.command("show")
def show(
    ctx: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Else the one in use.")
    ] = None,
) -> None:
    """Show one context, without its token.

    Example: tokenhubctl context show local
    """
    with exits(ctx):
        known = kept.read()
        wanted = chosen(ctx, name, known)
        found = row(wanted, known.named(wanted), current=known.current)
        Output(options.given(ctx)).show(found, VIEW, [found])


@app.command("add")
def add(
    ctx: typer.Context,
    name: _Name,
    *,
    use: Annotated[bool, typer.Option("--use", help="Use it from now on.")] = False,
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="Take its token from a line of stdin.")
    ] = False,
) -> None:
    """Name a server: --url, and its token by --token-stdin or --token-file. Nothing is sent.

    Example: tokenhubctl context add prod --url https://tokenhub.example --token-file token.txt
    """
    with exits(ctx):
        shared = options.given(ctx)
        if not shared.url:
            raise typer.BadParameter("name the server with --url")
        if token_stdin and shared.token_file:
            raise typer.BadParameter("give one of --token-stdin and --token-file")
        if name in kept.read().contexts and not shared.yes:
            fail(
                ctx,
                f"there is a context {name!r} already",
                hint=f'"tokenhubctl context remove {name}", or -y to replace it',
                code=Code.CONFLICT,
            )
        made = Context(
            url=checked_url(shared.url),
            token=secret(None, from_stdin=True, flag="--token") or "" if token_stdin else "",
            token_file=str(shared.token_file.absolute()) if shared.token_file else "",
        )
        added = kept.keep(shared, name, made, use=use)
        Output(shared).changed(added, VIEW, added, "added")


@app.command("use")
def use(ctx: typer.Context, name: _Name) -> None:
    """Use a context from now on, wherever no other server is named.

    Example: tokenhubctl context use local
    """
    with exits(ctx):
        shared = options.given(ctx)
        used = kept.keep(shared, name, kept.read().named(name), use=True)
        Output(shared).changed(used, VIEW, used, "used from now on")


@app.command("remove")
def remove(ctx: typer.Context, name: _Name) -> None:
    """Forget a context, and its token with it.

    Example: tokenhubctl context remove local -y
    """
    with exits(ctx):
        known = kept.read()
        known.named(name)
        confirm(ctx, f"Forget context {name}?")
        left = {key: one for key, one in known.contexts.items() if key != name}
        current = "" if known.current == name else known.current
        shared = options.given(ctx)
        kept.put(shared, Contexts(current=current, contexts=left))
        Output(shared).deleted({"ok": True}, "context", name)


def chosen(ctx: typer.Context, name: str | None, known: Contexts) -> str:
    """The context that is meant, else the one in use. Raises a usage error where there is none."""
    meant = name or options.given(ctx).context or known.current
    if not meant:
        raise typer.BadParameter('no context is in use; "tokenhubctl context list" shows them')
    return meant


def _rows(known: Contexts) -> list[Row]:
    return [row(name, one, current=known.current) for name, one in known.contexts.items()]


def without_token(context: Context) -> Context:
    """The context that opens nothing any more."""
    return msgspec.structs.replace(context, token="", token_file="")
