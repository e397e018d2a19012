"""What there is to choose from: providers, their models, the routing defaults.

A `Catalog` is immutable. The control plane builds a new one for each change and swaps it whole;
a request keeps the one it began with.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import Self

import msgspec

from tokenhub.core.aliases import Alias
from tokenhub.core.errors import BadRequest
from tokenhub.core.money import NANO

PROVIDER_TYPES = ("openai", "anthropic", "vllm")
MODES = ("cheap", "normal", "high_confidence", "planning", "adversarial", "thompson")

# The original's bounds of a policy (original-behaviour 1.7): USD 100, five minutes, weight 10.
MAX_BUDGET_NUSD = 100 * NANO
MAX_LATENCY_S = 300.0
MAX_WEIGHT = 10
# In the names of the vendors' and the common open models for it, and of no other.
_EMBEDDING = "embed"
# Vendors publish one or two.
MAX_TIERS = 8

# The prices of a Model and of a Tier, by their names on the wire.
PRICES = {
    "input_per_1k": "input_price",
    "output_per_1k": "output_price",
    "cached_input_per_1k": "cached_price",
    "cache_write_per_1k": "cache_write_price",
    "cache_write_1h_per_1k": "cache_write_1h_price",
    "reasoning_per_1k": "reasoning_price",
}


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers. `endpoints` are base URLs that take turns; the first is `base_url`.

    `cred_store` says where its key is: `none`, `vault`, or, until that takes it in, `memory` or
    `credentials` (the credentials file). `version` is the catalog's version at the row's last
    change. `source` is `api` or `credentials`; a row that an operator touched is `api` for ever,
    so that the credentials file leaves it alone.
    """

    id: str
    type: str = "openai"
    base_url: str = ""
    endpoints: tuple[str, ...] = ()
    enabled: bool = True
    cred_store: str = "none"
    source: str = "api"
    version: int = 0


class Tier(msgspec.Struct, frozen=True, kw_only=True):
    """The prices of a whole call whose prompt has more than `above_tokens` tokens."""

    above_tokens: int
    input_price: int | None = None
    output_price: int | None = None
    cached_price: int | None = None
    cache_write_price: int | None = None
    cache_write_1h_price: int | None = None
    reasoning_price: int | None = None


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked, at one provider: the pair (provider_id, id) is its key.

    Prices are nano-USD per million tokens, None where unknown; `core.pricing` says what stands in
    for an unknown one. `tiers` are the prices of long prompts, by `above_tokens`. Who gave the
    prices is `pricing_source`: `manual` (an operator), `catalogue` (the price list that comes with
    us), `unknown`, or whatever word a client of the API put there. `max_context_tokens` 0 is
    unknown.
    """

    id: str
    provider_id: str
    weight: int = 1
    max_context_tokens: int = 0
    input_price: int | None = None
    output_price: int | None = None
    enabled: bool = True
    pricing_source: str = "manual"
    source: str = "api"
    version: int = 0
    cached_price: int | None = None
    cache_write_price: int | None = None
    cache_write_1h_price: int | None = None
    reasoning_price: int | None = None
    tiers: tuple[Tier, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        return (self.provider_id, self.id)


class Defaults(msgspec.Struct, frozen=True, kw_only=True):
    """The policy of a request that brings none. A budget of None sets no limit.

    `exploration_temp` is the environment's alone: 0 always takes the best.
    """

    mode: str = "normal"
    max_budget_nusd: int | None = 50_000_000
    max_latency_s: float = 120.0
    version: int = 0
    exploration_temp: float = 0.0


class Route(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One way to an answer: a model at a provider. `id` is `provider/model`."""

    id: str
    model: Model
    provider: Provider


class Catalog(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a decision may choose from, at one version.

    `embedding` are the ids of routes that make embeddings, as far as their names tell. Nobody
    wants one of them for an answer that did not ask for it.
    """

    version: int
    providers: dict[str, Provider]
    models: dict[tuple[str, str], Model]
    defaults: Defaults
    routes: tuple[Route, ...]
    by_model: dict[str, tuple[Route, ...]]
    by_route: dict[str, Route]
    aliases: dict[str, Alias]
    embedding: frozenset[str] = frozenset()

    @classmethod
    def build(
        cls,
        *,
        version: int = 0,
        providers: Iterable[Provider] = (),
        models: Iterable[Model] = (),
        aliases: Iterable[Alias] = (),
        defaults: Defaults | None = None,
    ) -> Self:
        """Index the rows. A model whose provider is missing has no route.

        Routes are in the order of their ids, whatever the order of the rows: a decision draws and
        sums in this order, and must come out the same when it is computed again.
        """
        who = {provider.id: provider for provider in providers}
        what = {model.key: model for model in models}
        routes = tuple(
            Route(
                id=f"{model.provider_id}/{model.id}",
                model=model,
                provider=who[model.provider_id],
            )
            for _, model in sorted(what.items())
            if model.provider_id in who
        )
        by_model: dict[str, tuple[Route, ...]] = {}
        for route in routes:
            by_model[route.model.id] = (*by_model.get(route.model.id, ()), route)
        return cls(
            version=version,
            providers=who,
            models=what,
            defaults=defaults or Defaults(),
            routes=routes,
            by_model=by_model,
            by_route={route.id: route for route in routes},
            aliases={alias.name: alias for alias in aliases},
            embedding=frozenset(r.id for r in routes if _EMBEDDING in r.model.id.lower()),
        )

    def routes_of(self, name: str) -> tuple[Route, ...]:
        """The routes that a caller's model name stands for; empty where it is unknown.

        In this order: a model id as it stands (ids may hold slashes), `provider/model`, and the
        part after the first slash, since clients write `anthropic/claude-...` for the bare id.
        """
        if found := self.by_model.get(name):
            return found
        if route := self.by_route.get(name):
            return (route,)
        _, slash, rest = name.partition("/")
        return self.by_model.get(rest, ()) if slash else ()


def checked_model(model: Model) -> Model:
    """The model, if its values make sense. Raises BadRequest naming the field."""
    if not _plain(model.id):
        raise BadRequest(
            "id must be printable, not empty, and without spaces around it", field="id"
        )
    if not 0 <= model.weight <= MAX_WEIGHT:
        raise BadRequest("weight must be between 0 and 10", field="weight")
    if model.max_context_tokens < 0:
        raise BadRequest("max_context_tokens must not be negative", field="max_context_tokens")
    for rates in (model, *model.tiers):
        for field, name in PRICES.items():
            price = getattr(rates, name)
            if price is not None and price < 0:
                raise BadRequest(f"{field} must not be negative", field=field)
    above = [0, *(tier.above_tokens for tier in model.tiers)]
    if len(above) > MAX_TIERS + 1 or any(a >= b for a, b in pairwise(above)):
        raise BadRequest(
            f"tiers must be at most {MAX_TIERS}, each above more tokens than the one before",
            field="tiers",
        )
    return model


def checked_provider(provider: Provider) -> Provider:
    """The provider, if its values make sense. Raises BadRequest naming the field."""
    # `.` and `..` are resolved on the way: no URL could name such a provider.
    if not _plain(provider.id) or "/" in provider.id or provider.id in {".", ".."}:
        raise BadRequest(
            "id must be printable, not empty, without spaces around it, hold no slash, "
            "and be neither . nor ..",
            field="id",
        )
    if provider.type not in PROVIDER_TYPES:
        known = " or ".join(PROVIDER_TYPES)
        raise BadRequest(f"type must be {known}, not {provider.type!r}", field="type")
    if not provider.base_url:
        raise BadRequest("base_url must be given", field="base_url")
    return provider


def checked_defaults(defaults: Defaults) -> Defaults:
    """The defaults, if their values make sense. Raises BadRequest naming the field."""
    if defaults.mode not in MODES:
        raise BadRequest(f"mode must be one of {', '.join(MODES)}", field="default_mode")
    budget = defaults.max_budget_nusd
    if budget is not None and not 0 <= budget <= MAX_BUDGET_NUSD:
        raise BadRequest(
            "default_max_budget_usd must be between 0 and 100", field="default_max_budget_usd"
        )
    if not 0 < defaults.max_latency_s <= MAX_LATENCY_S:
        raise BadRequest(
            "default_max_latency_ms must be between 1 and 300000", field="default_max_latency_ms"
        )
    return defaults


def _plain(name: str) -> bool:
    return bool(name) and name.isprintable() and name == name.strip()
