"""Admin tokens and sessions as operators see and make them. Times are RFC 3339 in UTC."""

import msgspec
from msgspec import UNSET, UnsetType


class AdminToken(msgspec.Struct, kw_only=True):
    """`rotated_until` is until when the token before this one opens, null where none does.

    `created_at` is null of the token of the data directory.
    """

    id: str
    name: str
    role: str
    token_prefix: str
    created_at: str | None
    expires_at: str | None
    last_used_at: str | None
    rotated_until: str | None
    version: int


class AdminTokenCreate(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`role` is viewer, operator or owner; `expires_in` is as `720h` or `30d`, empty for never."""

    name: str
    role: str = "viewer"
    expires_in: str = ""


class AdminTokenPatch(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`expires_in` counts from now; empty is never."""

    name: str | UnsetType = UNSET
    role: str | UnsetType = UNSET
    expires_in: str | UnsetType = UNSET


class AdminTokenRotate(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`overlap` is how long the old token goes on to open; `0` for not at all."""

    overlap: str = "1h"


class FirstTokenRotate(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`token` is the new one; a random one is made where it is left out."""

    token: str = ""


class AdminTokenIssued(msgspec.Struct, kw_only=True):
    """The one time that the token itself is shown."""

    ok: bool = True
    token: str
    id: str
    name: str
    role: str
    expires_at: str | None
    rotated_until: str | None
    warning: str = "store this token now: it is not kept and cannot be shown again"


class AdminTokenDone(msgspec.Struct, kw_only=True):
    ok: bool = True
    token: AdminToken


class AdminTokenPage(msgspec.Struct, kw_only=True):
    tokens: list[AdminToken]
    total: int
    limit: int
    offset: int


class SessionCreate(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`token` is an admin token, unless it comes as a bearer token."""

    token: str = ""


class Session(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Who is signed in. `idle_at` is when the session ends if nothing more comes.

    Without a session, `authenticated` is false, or the times are missing where a bearer token
    came instead. `warning` says what is not as safe as it could be.
    """

    authenticated: bool
    ok: bool = False
    name: str = ""
    role: str = ""
    expires_at: str = ""
    idle_at: str = ""
    warning: str = ""
