"""The configuration as one document: what `apply` takes and `export` gives.

A superset of the credentials file. A field that is left out has its default, except where its
entry says that it stays.
"""

import msgspec
from msgspec import UNSET, Raw, UnsetType, field

from tokenhub.wire.aliases import Variant
from tokenhub.wire.catalog import Tier

SECTIONS = ("providers", "models", "aliases", "routing", "api_keys", "retention")
REFS = ("omit", "env", "vault")


class SecretRef(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where a secret is: in a variable of whoever applies the document, or in the vault."""

    env: str = ""
    vault: str = ""


class ProviderEntry(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Without `api_key`, a key that is there stays; an empty one clears it.

    It does not go along to another origin (scheme, host or port): there it must be given again.
    """

    id: str
    type: str = "openai"
    base_url: str = ""
    endpoints: list[str] = []
    enabled: bool = True
    api_key: str | SecretRef | UnsetType | None = UNSET
    autoload_models: bool = False


class ModelEntry(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Without any price, those that are there stay, and a new model has the catalogue's.

    Where one is given, the others are unknown unless they are given too. A context size of 0
    stays as well. The last two fields are the original's, and are ignored.
    """

    id: str
    provider_id: str
    weight: int = 1
    max_context_tokens: int = 0
    input_per_1k: float | UnsetType | None = UNSET
    output_per_1k: float | UnsetType | None = UNSET
    cached_input_per_1k: float | UnsetType | None = UNSET
    cache_write_per_1k: float | UnsetType | None = UNSET
    cache_write_1h_per_1k: float | UnsetType | None = UNSET
    reasoning_per_1k: float | UnsetType | None = UNSET
    tiers: list[Tier] | UnsetType = UNSET
    enabled: bool = True
    tool_name_map: Raw | UnsetType = UNSET
    gemma4_output: Raw | UnsetType = UNSET


class AliasEntry(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    name: str
    variants: list[Variant]
    enabled: bool = True
    sticky_by: str = ""


class RoutingEntry(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """As in `RoutingConfigPut`: "" and 0 are the environment's, a null budget is no limit."""

    default_mode: str = ""
    default_max_budget_usd: float | None = 0
    default_max_latency_ms: int = 0


class ApiKeyEntry(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A key by its name, or by its id where several have the name. Never the key itself.

    `expires_in` is for a new key alone; without `expires_at`, the end of one that is there stays.
    """

    name: str
    id: str = ""
    scopes: list[str] = field(default_factory=lambda: ["chat", "plan"])
    enabled: bool = True
    expires_in: str = ""
    expires_at: str | UnsetType | None = UNSET
    rate_limit_rps: int = 0
    directives: bool = True
    judged: bool = True
    allowed_models: list[str] = []
    allowed_providers: list[str] = []
    mode: str | None = None
    max_budget_usd: float | None = None
    max_latency_ms: int | None = None
    min_weight: int | None = None
    monthly_budget_usd: float = 0.0
    tokens_per_minute: int = 0
    concurrency: int = 0
    rotation_days: int = 0


class RetentionEntry(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """For how many days charts are kept."""

    days: int


class Document(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A section that is left out says nothing of its kind."""

    providers: list[ProviderEntry] | UnsetType = UNSET
    models: list[ModelEntry] | UnsetType = UNSET
    aliases: list[AliasEntry] | UnsetType = UNSET
    routing: RoutingEntry | UnsetType = UNSET
    api_keys: list[ApiKeyEntry] | UnsetType = UNSET
    retention: RetentionEntry | UnsetType = UNSET


class FieldChange(msgspec.Struct, kw_only=True):
    """A field of an entry; null is none.

    A secret is `(set)`, `(new)`, or `(missing)` where it is lost, never itself.
    """

    field: str
    before: object = None
    after: object = None


class Change(msgspec.Struct, kw_only=True):
    """`action` is `create`, `update`, `delete` or `same`."""

    kind: str
    name: str
    action: str
    fields: list[FieldChange] = []


class MadeKey(msgspec.Struct, kw_only=True):
    """A new API key; this answer alone shows it."""

    id: str
    name: str
    key: str


class Applied(msgspec.Struct, kw_only=True):
    """What an apply came to. `changed` is how many of the changes are not `same`."""

    dry_run: bool
    changed: int
    version: int
    changes: list[Change]
    keys: list[MadeKey] = []
    notes: list[str] = []
