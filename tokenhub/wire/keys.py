"""API keys as operators see and make them. Times are RFC 3339 in UTC."""

import msgspec
from msgspec import UNSET, UnsetType, field


class ApiKey(msgspec.Struct, kw_only=True):
    """`rate_limit_rps` is 0 for the limit of an address, -1 for none."""

    id: str
    name: str
    key_prefix: str
    scopes: list[str]
    created_at: str
    expires_at: str | None
    enabled: bool
    rate_limit_rps: int
    directives: bool
    version: int


class ApiKeyCreate(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`scopes` is a list, or the original's string holding a JSON list.

    `expires_in` is a duration such as `720h`, `1h30m` or `30d`; empty is never.
    `rate_limit_rps` is 0 for the limit of an address, -1 for none; `directives` is whether
    `@@tokenhub` in messages is obeyed.
    """

    name: str
    scopes: list[str] | str = field(default_factory=lambda: ["chat", "plan"])
    expires_in: str = ""
    rate_limit_rps: int = 0
    directives: bool = True


class ApiKeyPatch(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    name: str | UnsetType = UNSET
    scopes: list[str] | str | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    rate_limit_rps: int | UnsetType = UNSET
    directives: bool | UnsetType = UNSET


class ApiKeyIssued(msgspec.Struct, kw_only=True):
    """The one time that the key itself is shown."""

    ok: bool = True
    key: str
    id: str
    prefix: str
    name: str
    scopes: list[str]
    warning: str = "store this key now: it is not kept and cannot be shown again"


class ApiKeyDone(msgspec.Struct, kw_only=True):
    ok: bool = True
    key: ApiKey


class ApiKeyPage(msgspec.Struct, kw_only=True):
    keys: list[ApiKey]
    total: int
    limit: int
    offset: int
