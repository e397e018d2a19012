"""Calls about admin tokens."""

from tokenhub.client.call import Call, item, query
from tokenhub.wire.access import (
    AdminToken,
    AdminTokenCreate,
    AdminTokenDone,
    AdminTokenIssued,
    AdminTokenPage,
    AdminTokenPatch,
    AdminTokenRotate,
)
from tokenhub.wire.catalog import Done

TOKENS = "/admin/v1/tokens"


def list_tokens(*, limit: int | None = None, offset: int | None = None) -> Call[AdminTokenPage]:
    """Tokens by name, without the tokens themselves; that of the data directory is the first."""
    return Call(
        method="GET", path=TOKENS, query=query(limit=limit, offset=offset), returns=AdminTokenPage
    )


def get_token(ref: str) -> Call[AdminToken]:
    """One token, by its id or name, without the token itself."""
    return Call(method="GET", path=item(TOKENS, ref), returns=AdminToken)


def create_token(token: AdminTokenCreate) -> Call[AdminTokenIssued]:
    """A new token; the answer is the only one that ever shows it."""
    return Call(method="POST", path=TOKENS, body=token, returns=AdminTokenIssued)


def update_token(
    ref: str, patch: AdminTokenPatch, *, if_match: int | None = None
) -> Call[AdminTokenDone]:
    """Change the fields that are set; holds for the next request."""
    return Call(
        method="PATCH",
        path=item(TOKENS, ref),
        body=patch,
        if_match=if_match,
        returns=AdminTokenDone,
    )


def rotate_token(
    ref: str, rotation: AdminTokenRotate, *, if_match: int | None = None
) -> Call[AdminTokenIssued]:
    """A new secret for a token; the answer is the only one that ever shows it."""
    return Call(
        method="POST",
        path=f"{item(TOKENS, ref)}/rotate",
        body=rotation,
        if_match=if_match,
        returns=AdminTokenIssued,
    )


def delete_token(ref: str, *, if_match: int | None = None) -> Call[Done]:
    """Revoke the token for good, and end its sessions; holds for the next request."""
    return Call(method="DELETE", path=item(TOKENS, ref), if_match=if_match, returns=Done)
