"""`tokenhubctl token ...`."""

from typing import Annotated

import typer

from tokenhub.client.calls import tokens
from tokenhub.client.text import local
from tokenhub.wire.access import (
    AdminToken,
    AdminTokenCreate,
    AdminTokenIssued,
    AdminTokenPatch,
    AdminTokenRotate,
)
from tokenhub_cli.fields import JSON_HELP, build, merged
from tokenhub_cli.options import IfMatch, Limit, Offset
from tokenhub_cli.output import Column, View
from tokenhub_cli.session import confirm, session

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_VIEW: View[AdminToken] = View(
    kind="token",
    name=lambda it: it.name,
    columns=(
        Column("name", lambda it: it.name),
        Column("role", lambda it: it.role),
        Column("token_prefix", lambda it: it.token_prefix, head="PREFIX", spare=True),
        Column("created_at", lambda it: it.created_at, local, head="CREATED", spare=True),
        Column("expires_at", lambda it: it.expires_at, local, head="EXPIRES"),
        Column("last_used_at", lambda it: it.last_used_at, local, head="LAST USED"),
        Column(
            "rotated_until", lambda it: it.rotated_until, local, head="OLD ONE UNTIL", spare=True
        ),
        Column("id", lambda it: it.id, spare=True),
        Column("version", lambda it: it.version, right=True, spare=True),
    ),
)
_ISSUED: View[AdminTokenIssued] = View(
    kind="token",
    name=lambda it: it.name,
    value=lambda it: it.token,
    columns=(
        Column("name", lambda it: it.name),
        Column("role", lambda it: it.role),
        Column("expires_at", lambda it: it.expires_at, local, head="EXPIRES"),
        Column(
            "rotated_until", lambda it: it.rotated_until, local, head="OLD ONE UNTIL", spare=True
        ),
        Column("token", lambda it: it.token),
    ),
)

_Json = Annotated[str | None, typer.Argument(metavar="[JSON]", help=JSON_HELP)]
_Ref = Annotated[str, typer.Argument(metavar="NAME", help="The token's name or id.")]
_Name = Annotated[str | None, typer.Option("--name", help="Whose it is: a person, a program.")]
_Role = Annotated[str | None, typer.Option("--role", help="viewer, operator or owner.")]
_Expires = Annotated[
    str | None,
    typer.Option("--expires", metavar="DURATION", help='From now, such as 90d; "" for never.'),
]


@app.callback(invoke_without_command=True)
def token(ctx: typer.Context) -> None:
    """Admin tokens: who operates the server. Alone, it lists them."""
    if ctx.invoked_subcommand is None:
        list_tokens(ctx)


@app.command("list")
def list_tokens(ctx: typer.Context, limit: Limit = None, offset: Offset = None) -> None:
    """List the tokens, without the tokens themselves.

    Example: tokenhubctl token list
    """
    with session(ctx) as tokenhub:
        page = tokenhub(tokens.list_tokens(limit=limit, offset=offset))
        tokenhub.output.page(page, _VIEW, page.tokens, total=page.total, offset=page.offset)


@app.command("get")
def get_token(ctx: typer.Context, ref: _Ref) -> None:
    """Show one token, without the token itself.

    Example: tokenhubctl token get alice -o json
    """
    with session(ctx) as tokenhub:
        found = tokenhub(tokens.get_token(ref))
        tokenhub.output.show(found, _VIEW, [found])


@app.command("create")
def create_token(
    ctx: typer.Context,
    json: _Json = None,
    *,
    name: _Name = None,
    role: _Role = None,
    expires_in: _Expires = None,
) -> None:
    """Make a token and show it, this once. With -o value, the token is all that is printed.

    Without --role it may only read.

    Example: tokenhubctl token create --name grafana --role viewer
    """
    flags = {"name": name, "role": role, "expires_in": expires_in}
    new = build(AdminTokenCreate, merged(json, flags))
    with session(ctx) as tokenhub:
        issued = tokenhub(tokens.create_token(new))
        tokenhub.output.show(issued, _ISSUED, [issued])
        tokenhub.output.note(issued.warning)


@app.command("edit")
def edit_token(
    ctx: typer.Context,
    ref: _Ref,
    json: _Json = None,
    *,
    name: _Name = None,
    role: _Role = None,
    expires_in: _Expires = None,
    if_match: IfMatch = None,
) -> None:
    """Change the given fields of a token; holds for the next request.

    Example: tokenhubctl token edit alice --role operator
    """
    flags = {"name": name, "role": role, "expires_in": expires_in}
    patch = build(AdminTokenPatch, merged(json, flags))
    with session(ctx) as tokenhub:
        done = tokenhub(tokens.update_token(ref, patch, if_match=if_match))
        tokenhub.output.changed(done, _VIEW, done.token, "updated")


@app.command("rotate")
def rotate_token(
    ctx: typer.Context,
    ref: _Ref,
    *,
    overlap: Annotated[
        str,
        typer.Option(
            "--overlap", metavar="DURATION", help="How long the old one opens yet; 0: not at all."
        ),
    ] = "1h",
    if_match: IfMatch = None,
) -> None:
    """Make a new secret for a token and show it, this once; its sessions are over.

    That of the data directory is called admin; it has no overlap.

    Example: tokenhubctl token rotate alice --overlap 10m
    """
    with session(ctx) as tokenhub:
        rotation = AdminTokenRotate(overlap=overlap)
        issued = tokenhub(tokens.rotate_token(ref, rotation, if_match=if_match))
        tokenhub.output.show(issued, _ISSUED, [issued])
        tokenhub.output.note(issued.warning)


@app.command("revoke")
def revoke_token(ctx: typer.Context, ref: _Ref, *, if_match: IfMatch = None) -> None:
    """Revoke a token for good, and end its sessions.

    Example: tokenhubctl token revoke alice
    """
    with session(ctx) as tokenhub:
        call = tokens.delete_token(ref, if_match=if_match)
        confirm(ctx, f"Revoke admin token {ref}?")
        tokenhub.output.deleted(tokenhub(call), "token", ref)
