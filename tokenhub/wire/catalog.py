"""Providers and models as operators see, create and change them.

Prices are USD per 1,000 tokens, as in the original; null where unknown.
"""

import msgspec
from msgspec import UNSET, UnsetType


class Provider(msgspec.Struct, kw_only=True):
    """A provider as shown. It never holds a secret.

    `cred_store` is where the key is kept: `none`, `vault`, `memory` (lost at a restart) or
    `credentials` (read from the credentials file at each start). `credential` is whether there is
    one now: `present`, `locked` (in the locked vault), `missing` (it was given before a restart,
    or for another address) or `none`.
    """

    id: str
    type: str
    base_url: str
    endpoints: list[str]
    enabled: bool
    cred_store: str
    credential: str
    source: str
    version: int


class ProviderCreate(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Create or replace. Without `api_key` a key that is there stays; an empty one clears it.

    Either `base_url`, or `endpoints` (several servers that take turns), or both.
    """

    id: str
    type: str = "openai"
    base_url: str = ""
    endpoints: list[str] = []
    enabled: bool = True
    api_key: str | UnsetType = UNSET
    autoload_models: bool = False


class ProviderPatch(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    type: str | UnsetType = UNSET
    base_url: str | UnsetType = UNSET
    endpoints: list[str] | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    api_key: str | UnsetType = UNSET


class ProviderDone(msgspec.Struct, kw_only=True):
    """What a create or patch answers; `note` says where the key is held.

    `models_added` are the ids that `autoload_models` brought.
    """

    ok: bool = True
    cred_store: str
    provider: Provider
    note: str = ""
    models_added: list[str] = []


class ProviderPage(msgspec.Struct, kw_only=True):
    items: list[Provider]
    total: int
    limit: int
    offset: int


class Tier(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The prices of a whole call whose prompt has more than `above_tokens` tokens."""

    above_tokens: int
    input_per_1k: float | None = None
    output_per_1k: float | None = None
    cached_input_per_1k: float | None = None
    cache_write_per_1k: float | None = None
    cache_write_1h_per_1k: float | None = None
    reasoning_per_1k: float | None = None


class Model(msgspec.Struct, kw_only=True):
    """A model as shown. A price of 0 is free, null is unknown.

    An unknown price for cached input or for writing to a cache is that of input, for writing for
    an hour that of writing, for reasoning that of output. `pricing_source` is `manual` (an
    operator gave the prices), `catalogue` (they are from the installed list) or `unknown`.
    """

    id: str
    provider_id: str
    weight: int
    max_context_tokens: int
    input_per_1k: float | None
    output_per_1k: float | None
    cached_input_per_1k: float | None = None
    cache_write_per_1k: float | None = None
    cache_write_1h_per_1k: float | None = None
    reasoning_per_1k: float | None = None
    tiers: list[Tier] = []
    enabled: bool
    pricing_source: str
    source: str
    version: int


class ModelCreate(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Create or replace. `enabled` is true unless said otherwise.

    Without any price the installed list's is taken, where it has one, unless an operator's stands.
    A price of null says that it is unknown, and that it is to stay so.
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
    pricing_source: str | UnsetType = UNSET


class ModelPatch(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A price makes `pricing_source` `manual`; `catalogue` for it takes the installed list's."""

    weight: int | UnsetType = UNSET
    max_context_tokens: int | UnsetType = UNSET
    input_per_1k: float | UnsetType | None = UNSET
    output_per_1k: float | UnsetType | None = UNSET
    cached_input_per_1k: float | UnsetType | None = UNSET
    cache_write_per_1k: float | UnsetType | None = UNSET
    cache_write_1h_per_1k: float | UnsetType | None = UNSET
    reasoning_per_1k: float | UnsetType | None = UNSET
    tiers: list[Tier] | UnsetType = UNSET
    pricing_source: str | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class ModelDone(msgspec.Struct, kw_only=True):
    ok: bool = True
    model: Model


class ModelPage(msgspec.Struct, kw_only=True):
    items: list[Model]
    total: int
    limit: int
    offset: int


class Adapter(msgspec.Struct, kw_only=True):
    """A provider that can be called now."""

    id: str
    health_endpoint: str


class EnginePage(msgspec.Struct, kw_only=True):
    """Models as the router sees them, with the providers that can be called."""

    models: list[Model]
    total: int
    limit: int
    offset: int
    adapters: list[str]
    adapter_info: list[Adapter]


class Found(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A model that a provider offers; `registered` whether it is in the catalog.

    Its context size and prices are its own in the catalog, else those of the installed list, which
    it would be registered with; left out where they are unknown.
    """

    id: str
    registered: bool
    owned_by: str = ""
    max_context_tokens: int = 0
    input_per_1k: float | None = None
    output_per_1k: float | None = None


class Discovery(msgspec.Struct, kw_only=True):
    provider_id: str
    models: list[Found]
    total: int


class Done(msgspec.Struct, kw_only=True):
    ok: bool = True


class Info(msgspec.Struct, kw_only=True):
    """What `GET /admin/v1/info` tells. `provider_keys` is where new ones go: `vault`, `memory`.

    `storage` is `ok`, or `degraded` with the reason: what cannot be written now. `last_event_id`
    is that of the newest event: whoever asks for it first, and then for what it wants to know,
    hears by `Last-Event-ID` of all that has changed since.
    """

    version: str
    url: str
    uptime_s: float
    sqlite_version: str
    providers: int
    models: int
    vault_locked: bool = False
    vault_initialized: bool = False
    provider_keys: str = "memory"
    tokenhub: str = "admin"
    storage: str = "ok"
    storage_reason: str = ""
    warnings: list[str] = []
    last_event_id: str = ""


class Health(msgspec.Struct, kw_only=True):
    """What `GET /healthz` tells: the process lives, and what it has."""

    status: str
    adapters: int
    models: int


class Readiness(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What `GET /readyz` tells: `ready`, or why not.

    `degraded` is a disk that takes no writes, while all can still be read; `not_ready` anything
    else. `warnings` keep nothing from working.
    """

    status: str
    reason: str = ""
    warnings: list[str] = []
