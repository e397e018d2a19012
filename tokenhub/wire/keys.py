"""API keys as operators see and make them. Times are RFC 3339 in UTC."""

import msgspec
from msgspec import UNSET, UnsetType, field


class Credential(msgspec.Struct, kw_only=True):
    """One of the credentials of a key, without itself; null is never."""

    prefix: str
    issued_at: str
    expires_at: str | None
    last_used_at: str | None


class ApiKey(msgspec.Struct, kw_only=True):
    """`rate_limit_rps` is 0 for the limit of an address, -1 for none.

    `tokens_per_minute`, `concurrency` (requests under way at once) and `rotation_days` (the age
    that a credential may have) are 0 for no limit. `rotation` is `none`, `fresh`, `due` from 80 %
    of that age on, or `overdue`: then it opens nothing more. `credentials` are those that open
    the key, the latest first; `last_used_at` is the last use of any.
    Empty lists allow all. `mode` to `min_weight` hold for requests that say nothing themselves;
    null is the default of the server. `monthly_budget_usd` is 0 for no limit; `current_spend_usd`
    is what of it is spent since the month began (UTC), or since `budget_reset_at` where that is
    later; null without a limit.
    """

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
    allowed_models: list[str] = []
    allowed_providers: list[str] = []
    mode: str | None = None
    max_budget_usd: float | None = None
    max_latency_ms: int | None = None
    min_weight: int | None = None
    monthly_budget_usd: float = 0.0
    budget_reset_at: str | None = None
    current_spend_usd: float | None = None
    tokens_per_minute: int = 0
    concurrency: int = 0
    rotation_days: int = 0
    rotation: str = "none"
    rotation_due_at: str | None = None
    last_used_at: str | None = None
    credentials: list[Credential] = []
    judged: bool = True


class ApiKeyCreate(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`scopes` is a list, or the original's string holding a JSON list.

    `expires_in` is a duration such as `720h`, `1h30m` or `30d`; empty is never.
    `rate_limit_rps` is 0 for the limit of an address, -1 for none; `directives` is whether
    `@@tokenhub` in messages is obeyed. An entry of `allowed_models` is a model, `provider/model`,
    or the beginning of either with a `*` after it; empty lists allow all. `mode` to `min_weight`
    are the policy of requests that say nothing themselves. `monthly_budget_usd`,
    `tokens_per_minute`, `concurrency` and `rotation_days` are 0 for no limit.
    """

    name: str
    scopes: list[str] | str = field(default_factory=lambda: ["chat", "plan"])
    expires_in: str = ""
    rate_limit_rps: int = 0
    directives: bool = True
    allowed_models: list[str] | UnsetType = UNSET
    allowed_providers: list[str] | UnsetType = UNSET
    mode: str | UnsetType | None = UNSET
    max_budget_usd: float | UnsetType | None = UNSET
    max_latency_ms: int | UnsetType | None = UNSET
    min_weight: int | UnsetType | None = UNSET
    monthly_budget_usd: float | UnsetType = UNSET
    tokens_per_minute: int | UnsetType = UNSET
    concurrency: int | UnsetType = UNSET
    rotation_days: int | UnsetType = UNSET
    judged: bool | UnsetType = UNSET


class ApiKeyPatch(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A null for one of `mode` to `min_weight` leaves it to the server again.

    `expires_in` counts from now; empty is never.
    """

    name: str | UnsetType = UNSET
    scopes: list[str] | str | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    rate_limit_rps: int | UnsetType = UNSET
    directives: bool | UnsetType = UNSET
    allowed_models: list[str] | UnsetType = UNSET
    allowed_providers: list[str] | UnsetType = UNSET
    mode: str | UnsetType | None = UNSET
    max_budget_usd: float | UnsetType | None = UNSET
    max_latency_ms: int | UnsetType | None = UNSET
    min_weight: int | UnsetType | None = UNSET
    monthly_budget_usd: float | UnsetType = UNSET
    expires_in: str | UnsetType = UNSET
    tokens_per_minute: int | UnsetType = UNSET
    concurrency: int | UnsetType = UNSET
    rotation_days: int | UnsetType = UNSET
    judged: bool | UnsetType = UNSET


class ApiKeyRotate(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`overlap` is for how long the former ones open the key yet: 24h if empty, 0 for none."""

    overlap: str = ""


class ApiKeyIssued(msgspec.Struct, kw_only=True):
    """The one time that the key itself is shown.

    `former_until` is when the last of the credentials before it ends, null where none
    is in force.
    """

    ok: bool = True
    key: str
    id: str
    prefix: str
    name: str
    scopes: list[str]
    warning: str = "store this key now: it is not kept and cannot be shown again"
    former_until: str | None = None


class ApiKeyDone(msgspec.Struct, kw_only=True):
    ok: bool = True
    key: ApiKey


class ApiKeyPage(msgspec.Struct, kw_only=True):
    keys: list[ApiKey]
    total: int
    limit: int
    offset: int
