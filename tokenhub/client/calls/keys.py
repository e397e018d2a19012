"""Calls about API keys."""

from tokenhub.client.call import Call, item, query
from tokenhub.wire.catalog import Done
from tokenhub.wire.keys import (
    ApiKey,
    ApiKeyCreate,
    ApiKeyDone,
    ApiKeyIssued,
    ApiKeyPage,
    ApiKeyPatch,
    ApiKeyRotate,
)

KEYS = "/admin/v1/apikeys"


def list_keys(*, limit: int | None = None, offset: int | None = None) -> Call[ApiKeyPage]:
    """Keys, newest first, without the keys themselves."""
    return Call(
        method="GET", path=KEYS, query=query(limit=limit, offset=offset), returns=ApiKeyPage
    )


def get_key(key_id: str) -> Call[ApiKey]:
    """One key, without the key itself."""
    return Call(method="GET", path=item(KEYS, key_id), returns=ApiKey)


def create_key(key: ApiKeyCreate) -> Call[ApiKeyIssued]:
    """A new key; the answer is the only one that ever shows it."""
    return Call(method="POST", path=KEYS, body=key, returns=ApiKeyIssued)


def update_key(key_id: str, patch: ApiKeyPatch, *, if_match: int | None = None) -> Call[ApiKeyDone]:
    """Change the fields that are set; holds for the next request."""
    return Call(
        method="PATCH",
        path=item(KEYS, key_id),
        body=patch,
        if_match=if_match,
        returns=ApiKeyDone,
    )


def pay_key(key_id: str) -> Call[ApiKeyDone]:
    """Let its month begin anew: what it has spent so far does not count any more."""
    return Call(method="POST", path=f"{item(KEYS, key_id)}/paid", returns=ApiKeyDone)


def rotate_key(
    key_id: str, rotate: ApiKeyRotate, *, if_match: int | None = None
) -> Call[ApiKeyIssued]:
    """A new credential for the key; the answer is the only one that ever shows it."""
    return Call(
        method="POST",
        path=item(KEYS, key_id) + "/rotate",
        body=rotate,
        if_match=if_match,
        returns=ApiKeyIssued,
    )


def delete_key(key_id: str, *, if_match: int | None = None) -> Call[Done]:
    """Revoke the key for good; holds for the next request."""
    return Call(method="DELETE", path=item(KEYS, key_id), if_match=if_match, returns=Done)
