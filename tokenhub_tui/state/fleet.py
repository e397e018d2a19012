"""Providers, models, aliases and the routing defaults as rows, each with what is known of it.

A row of models is `provider/model`: ids of providers hold no slash, those of models may.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property

import msgspec

from tokenhub.client.text import milliseconds, tokens, usd
from tokenhub.filters import Field, Fields, Filter
from tokenhub.wire.aliases import Alias
from tokenhub.wire.catalog import EnginePage, Model, Provider
from tokenhub.wire.health import Health, ProviderHealth, RouteHealth
from tokenhub.wire.routing import RoutingConfig
from tokenhub.wire.stats import Aggregate, Stats
from tokenhub_tui.state import health as of_health
from tokenhub_tui.state.cells import Cell, Column, Row, natural

PROVIDERS, MODELS, ROUTING, ALIASES = "providers", "models", "routing", "aliases"
HOUR = "1h"
OFF = Cell("○ off", "dim")
# A rate from which errors are told in red: one of twenty.
_MANY_ERRORS = 0.05
# As many models of a provider as a tall terminal shows beside the list.
_LISTED = 40
# Where rows come from, in a few letters.
_SOURCES = {"api": "db", "credentials": "file", "env": "env", "import": "db"}
_PRICES = {"manual": "manual", "catalogue": "list", "unknown": "?"}
# What the router goes by, of a model.
_ROUTED = ("weight", "max_context_tokens", "input_per_1k", "output_per_1k", "enabled")

COLUMNS: Mapping[str, tuple[Column, ...]] = {
    PROVIDERS: (
        Column(id="id", title="id", width=13, most=24),
        Column(id="type", title="type", width=9),
        Column(id="url", title="base url", width=22, most=48, rank=1),
        Column(id="key", title="key", width=9, most=16),
        Column(id="models", title="models", width=6, right=True),
        Column(id="state", title="state", width=11, most=18),
        Column(id="req", title="req/h", width=6, right=True, rank=3),
        Column(id="p95", title="p95", width=6, right=True, rank=4),
        Column(id="err", title="err", width=5, right=True, rank=5),
        Column(id="src", title="src", width=4, rank=2),
    ),
    MODELS: (
        Column(id="id", title="id", width=16, most=44),
        Column(id="provider", title="provider", width=13, most=20),
        Column(id="weight", title="weight", width=6, right=True),
        Column(id="context", title="context", width=8, right=True, rank=3),
        Column(id="in", title="$ in/1k", width=8, most=12, right=True, rank=1),
        Column(id="out", title="$ out/1k", width=8, most=12, right=True, rank=2),
        Column(id="state", title="state", width=12, most=18),
        Column(id="price", title="price", width=6, rank=8),
        Column(id="req", title="req/h", width=6, right=True, rank=5),
        Column(id="p95", title="p95", width=6, right=True, rank=4),
        Column(id="err", title="err", width=5, right=True, rank=6),
        Column(id="src", title="src", width=4, rank=7),
    ),
    ROUTING: (
        Column(id="what", title="default", width=22),
        Column(id="value", title="value", width=16, most=30),
    ),
    ALIASES: (
        Column(id="name", title="alias", width=12, most=30),
        Column(id="state", title="state", width=8),
        Column(id="sticky", title="sticky by", width=11),
        Column(id="variants", title="stands for", width=24, most=120),
    ),
}
FIELDS: Mapping[str, Fields] = {
    PROVIDERS: {
        "id": Field(("id",)),
        "type": Field(("type",)),
        "url": Field(("base_url",)),
        "key": Field(("credential",)),
        "state": Field(("state",)),
        "src": Field(("source",)),
        "models": Field(("models",), "number"),
    },
    MODELS: {
        "model": Field(("id",)),
        "provider": Field(("provider_id",)),
        "weight": Field(("weight",), "number"),
        "context": Field(("max_context_tokens",), "number"),
        "state": Field(("state",)),
        "price": Field(("pricing_source",)),
        "src": Field(("source",)),
    },
    ROUTING: {"default": Field(("what",))},
    ALIASES: {
        "alias": Field(("name",)),
        "model": Field(("models",)),
        "sticky": Field(("sticky_by",)),
        "state": Field(("state",)),
    },
}


class Fleet(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """All of it, asked for at once. What is looked up for each row is found by its id."""

    providers: Sequence[Provider] = ()
    models: Sequence[Model] = ()
    engine: EnginePage | None = None
    health: Health | None = None
    stats: Stats | None = None
    aliases: Sequence[Alias] = ()
    routing: RoutingConfig | None = None

    def provider(self, provider_id: str) -> Provider | None:
        """The provider of that id."""
        return self._providers.get(provider_id)

    def model(self, row_id: str) -> Model | None:
        """The model of a row."""
        return self._models.get(row_id)

    def having(self, model: Model) -> "Fleet":
        """The same, with what a change of a model gave."""
        kept = [model if route(one) == route(model) else one for one in self.models]
        return msgspec.structs.replace(self, models=kept)

    def alias(self, name: str) -> Alias | None:
        """The alias of that name."""
        return next((one for one in self.aliases if one.name == name), None)

    def models_of(self, provider_id: str) -> list[Model]:
        """The models of a provider."""
        return self._of.get(provider_id, [])

    def seen(self, row_id: str) -> Model | None:
        """The model of a row as the router has it."""
        return self._seen.get(row_id)

    def standing(self, row_id: str) -> ProviderHealth | RouteHealth | None:
        """The health of a provider or of a route."""
        return self._standings.get(row_id)

    def rests(self, now: float) -> bool:
        """Whether any of them rests, so that there is something to count down."""
        return any(of_health.rests_s(one, now) for one in self._standings.values())

    def hour(self, provider_id: str, model_id: str = "") -> Aggregate | None:
        """The last hour of a provider, or of a model at it."""
        found = self._hours.get((provider_id, model_id))
        return found or self._hours.get(("", model_id)) if model_id else found

    @cached_property
    def _providers(self) -> dict[str, Provider]:
        return {one.id: one for one in self.providers}

    @cached_property
    def _models(self) -> dict[str, Model]:
        return {route(one): one for one in self.models}

    @cached_property
    def _of(self) -> dict[str, list[Model]]:
        found: dict[str, list[Model]] = {}
        for one in self.models:
            found.setdefault(one.provider_id, []).append(one)
        return found

    @cached_property
    def _seen(self) -> dict[str, Model]:
        return {route(one): one for one in self.engine.models} if self.engine else {}

    @cached_property
    def _standings(self) -> dict[str, ProviderHealth | RouteHealth]:
        found: dict[str, ProviderHealth | RouteHealth] = {}
        for one in self.health.providers if self.health else ():
            found |= {one.provider_id: one} | {it.route: it for it in one.routes}
        return found

    @cached_property
    def _hours(self) -> dict[tuple[str, str], Aggregate]:
        if self.stats is None:
            return {}
        kept = [*self.stats.by_model.get(HOUR, ()), *self.stats.by_provider.get(HOUR, ())]
        return {(one.provider_id or "", one.model_id or ""): one for one in kept}


def route(model: Model) -> str:
    """The id of a model's row."""
    return f"{model.provider_id}/{model.id}"


def counted(fleet: Fleet) -> dict[str, str]:
    """The titles of the lists."""
    return {
        PROVIDERS: f"Providers {len(fleet.providers)}",
        MODELS: f"Models {len(fleet.models)}",
        ROUTING: "Routing",
        ALIASES: f"Aliases {len(fleet.aliases)}",
    }


def count(fleet: Fleet, tab: str) -> int:
    """How many rows a list has without a filter."""
    rows_of = {PROVIDERS: fleet.providers, MODELS: fleet.models, ALIASES: fleet.aliases}
    return len(rows_of[tab] if tab in rows_of else _routing(fleet.routing))


# --- How things stand ---


def aside(fleet: Fleet, model: Model) -> str:
    """In which way the router sees a model otherwise than it is stored; empty where it does not."""
    if fleet.engine is None or fleet.engine.total > len(fleet.engine.models):
        return ""
    seen = fleet.seen(route(model))
    if seen is None:
        return "the router does not have it" if model.enabled else ""
    for name in _ROUTED:
        there, here = getattr(seen, name), getattr(model, name)
        if there != here:
            return f"the router still has {name} {there}"
    return ""


def _figures(one: Aggregate | None) -> tuple[str | Cell, str | Cell, str | Cell]:
    """Requests in the last hour, p95 and the part that failed."""
    if one is None or not one.request_count:
        return Cell("0", "dim"), Cell("-", "dim"), Cell("-", "dim")
    p95 = "-" if one.p95_latency_ms is None else milliseconds(one.p95_latency_ms)
    tone = "bad" if one.error_rate >= _MANY_ERRORS else ""
    return f"{one.request_count:,}", p95, Cell(f"{one.error_rate:.1%}", tone)


def _state(fleet: Fleet, row_id: str, now: float) -> Cell:
    """A mark and a word; of what rests, for how long yet."""
    it = fleet.standing(row_id)
    if it is None:
        return Cell("· unknown", "dim")
    mark, word, tone = of_health.STATES.get(it.state, ("?", it.state, ""))
    left_s = of_health.rests_s(it, now)
    return Cell(f"{mark} {word}" + (f" {math.ceil(left_s)}s" if left_s else ""), tone)


def key_of(provider: Provider) -> Cell:
    """Where its key is, and whether it is there."""
    where = {"none": "none", "credentials": "file"}.get(provider.cred_store, provider.cred_store)
    if provider.credential == "locked":
        return Cell("! locked", "warn")
    if provider.credential == "missing":
        return Cell("✗ missing", "bad")
    return Cell(where, "dim" if where == "none" else "")


def source(name: str) -> str:
    """Where a row is from, in a few letters."""
    return _SOURCES.get(name, name[:4])


# --- Rows ---


def rows(
    fleet: Fleet,
    tab: str,
    *,
    now: float,
    wanted: Filter | None = None,
    pending: Mapping[str, int] | None = None,
) -> list[Row]:
    """The rows of a list, of those that are wanted. `pending` are weights on their way."""
    made: Iterable[tuple[Mapping[str, object], Row]]
    if tab == PROVIDERS:
        made = (_provider(fleet, one, now) for one in fleet.providers)
    elif tab == MODELS:
        made = (_model(fleet, one, now, pending or {}) for one in fleet.models)
    elif tab == ALIASES:
        made = (_alias(one) for one in fleet.aliases)
    else:
        made = _routing(fleet.routing)
    return [row for facts, row in made if wanted is None or wanted.matches(facts)]


def _provider(fleet: Fleet, one: Provider, now: float) -> tuple[Mapping[str, object], Row]:
    state = _state(fleet, one.id, now) if one.enabled else OFF
    more = f" +{len(one.endpoints) - 1}" if len(one.endpoints) > 1 else ""
    url = (one.endpoints[0] if more and not one.base_url else one.base_url) + more
    models = len(fleet.models_of(one.id))
    cells = (
        one.id, one.type, url, key_of(one), str(models), state,
        *_figures(fleet.hour(one.id)), source(one.source),
    )  # fmt: skip
    facts = {**msgspec.to_builtins(one), "models": models, "state": state.text}
    return facts, Row(id=one.id, cells=cells, tone="" if one.enabled else "dim")


def _model(
    fleet: Fleet, one: Model, now: float, pending: Mapping[str, int]
) -> tuple[Mapping[str, object], Row]:
    name = route(one)
    state = _state_of(fleet, one, now)
    weight: str | Cell = str(one.weight)
    if name in pending:
        weight = Cell(f"→ {pending[name]}", "key")
    cells = (
        one.id, one.provider_id, weight, tokens(one.max_context_tokens),
        *(price(amount) for amount in (one.input_per_1k, one.output_per_1k)), state,
        _PRICES.get(one.pricing_source, one.pricing_source),
        *_figures(fleet.hour(one.provider_id, one.id)), source(one.source),
    )  # fmt: skip
    facts = {**msgspec.to_builtins(one), "state": state.text}
    return facts, Row(id=name, cells=cells, tone="" if one.enabled else "dim")


def _state_of(fleet: Fleet, one: Model, now: float) -> Cell:
    """How a model stands, its switch and its provider taken in."""
    owner = fleet.provider(one.provider_id)
    state = _state(fleet, route(one), now) if one.enabled else OFF
    if one.enabled and owner is not None:
        state = _under(fleet, owner, state)
    return Cell(f"≠ {state.text}", "warn") if aside(fleet, one) else state


def _under(fleet: Fleet, owner: Provider, state: Cell) -> Cell:
    """The state of a route; where its provider cannot be asked, that of the provider."""
    if not owner.enabled:
        return Cell("○ prov. off", "dim")
    it = fleet.standing(owner.id)
    return Cell("✗ prov. down", "bad") if it is not None and it.state == "down" else state


def price(amount: float | None) -> Cell:
    """A price of 1,000 tokens."""
    return Cell("?", "warn") if amount is None else Cell(usd(amount))


def _alias(one: Alias) -> tuple[Mapping[str, object], Row]:
    state = Cell("✓ on", "good") if one.enabled else OFF
    facts = {
        "name": one.name,
        "models": " ".join(variant.model_id for variant in one.variants),
        "sticky_by": one.sticky_by,
        "state": state.text,
    }
    cells = (one.name, state, one.sticky_by, shares(one))
    return facts, Row(id=one.name, cells=cells, tone="" if one.enabled else "dim")


def shares(alias: Alias) -> str:
    """Its models with the part of the requests that each gets: `gpt 90% · small 10%`."""
    whole = sum(one.weight for one in alias.variants)
    return " · ".join(
        f"{one.model_id} {one.weight / whole:.0%}" if whole else one.model_id
        for one in alias.variants
    )


def _routing(config: RoutingConfig | None) -> list[tuple[Mapping[str, object], Row]]:
    if config is None:
        return []
    budget = config.default_max_budget_usd
    said = (
        ("default_mode", "mode", config.default_mode),
        (
            "default_max_budget_usd",
            "budget of a request",
            "no limit" if budget is None else usd(budget),
        ),
        ("default_max_latency_ms", "longest wait", milliseconds(config.default_max_latency_ms)),
    )
    return [
        ({"what": what}, Row(id=name, cells=(what, Cell(value, "head"))))
        for name, what, value in said
    ]


# --- Order ---

_NUMBER = re.compile(r"^[^\d.-]*(-?[\d,]*\.?\d+)(ms|s|%)?")


def ordered(found: Sequence[Row], tab: str, column_id: str, *, down: bool) -> list[Row]:
    """Rows by a column; those without a value there come last."""
    places = {one.id: place for place, one in enumerate(COLUMNS[tab])}
    if column_id not in places:
        return list(found)
    place = places[column_id]
    numeric = COLUMNS[tab][place].right
    key = _number if numeric else str.casefold
    there: list[Row] = []
    rest: list[Row] = []
    for row in found:
        (there if natural(row.cells[place]).strip("-? ") else rest).append(row)
    by: Callable[[Row], object] = lambda row: key(natural(row.cells[place]))  # noqa: E731 - a key
    return sorted(there, key=by, reverse=down) + rest  # type: ignore[arg-type] # one kind a column


def _number(text: str) -> float:
    found = _NUMBER.match(text)
    if found is None:
        return 0.0
    return float(found[1].replace(",", "")) * (1000 if found[2] == "s" else 1)


# --- The row under the cursor ---


def detail(fleet: Fleet, tab: str, row_id: str, now: float) -> list[tuple[str, str]]:
    """What is known of a row, in lines with their tones."""
    if tab == PROVIDERS and (provider := fleet.provider(row_id)) is not None:
        return _of_provider(fleet, provider, now)
    if tab == MODELS and (model := fleet.model(row_id)) is not None:
        return _of_model(fleet, model, now)
    if tab == ALIASES and (alias := fleet.alias(row_id)) is not None:
        return _of_alias(fleet, alias)
    return _OF_DEFAULTS.get(row_id, []) if tab == ROUTING else []


_OF_DEFAULTS = {
    "default_mode": [
        ("How routes are ranked where neither the request nor its key says it.", ""),
        ("e edits it, and tells what the last hour would have come to.", "dim"),
    ],
    "default_max_budget_usd": [
        ("Routes that are estimated to cost more are left out.", ""),
        ("e edits it, and tells how many of the last hour's requests it would refuse.", "dim"),
    ],
    "default_max_latency_ms": [
        ("Routes that are usually slower come last; a request that takes longer ends.", ""),
        ("e edits it, and tells how many of the last hour's requests it would refuse.", "dim"),
    ],
}


def _of_provider(fleet: Fleet, one: Provider, now: float) -> list[tuple[str, str]]:
    models = fleet.models_of(one.id)
    there = "1 model" if len(models) == 1 else f"{len(models)} models"
    key = _KEYS.get((one.cred_store, one.credential), key_of(one).text)
    told = [(f"{there} · {_traffic(fleet.hour(one.id))} · key {key}", "")]
    if one.credential == "locked":
        told.append(("its key is in the vault, which is locked: u unlocks it", "warn"))
    elif one.credential == "missing":
        told.append(("its key is missing: e gives it another", "bad"))
    if len(one.endpoints) > 1:
        told.append(("takes turns among " + ", ".join(one.endpoints), "dim"))
    it = fleet.standing(one.id)
    if it is not None and one.enabled:
        told += _facts(it, now)
    told += [_listed(fleet, model, now) for model in models[:_LISTED]]
    if models[_LISTED:]:
        told.append((f"… and {len(models) - _LISTED:,} more: enter lists them all", "dim"))
    return told


def _listed(fleet: Fleet, one: Model, now: float) -> tuple[str, str]:
    """A model of a provider in a line."""
    state = _state_of(fleet, one, now)
    prices = " and ".join(price(amount).text for amount in (one.input_per_1k, one.output_per_1k))
    said = f"{state.text} · weight {one.weight} · {prices} per 1k"
    return f"{one.id}  {said}", "" if state.tone == "good" else state.tone


def _facts(it: ProviderHealth | RouteHealth, now: float) -> list[tuple[str, str]]:
    """As on the screen of health, whose keys are not here."""
    return [
        (text.replace("; R ends it.", "; R in Health (6) ends it."), tone)
        for text, tone in of_health.facts(it, now)
    ]


_KEYS = {
    ("vault", "present"): "in the vault",
    ("memory", "present"): "in memory until a restart",
    ("credentials", "present"): "from the credentials file",
    ("none", "none"): "none",
}


def _of_model(fleet: Fleet, one: Model, now: float) -> list[tuple[str, str]]:
    told = [(_traffic(fleet.hour(one.provider_id, one.id)), "")]
    where = {
        "manual": "prices given by an operator",
        "catalogue": "prices of the installed list",
        "unknown": "price unknown: requests to it are not counted in money; e gives it one",
    }
    told.append((where.get(one.pricing_source, one.pricing_source), ""))
    extra = [
        f"{label} {usd(amount)}"
        for label, amount in (
            ("cached in", one.cached_input_per_1k),
            ("cache write", one.cache_write_per_1k),
            ("reasoning", one.reasoning_per_1k),
        )
        if amount is not None
    ]
    if extra:
        told.append((" · ".join(extra), "dim"))
    named = [alias.name for alias in naming(fleet, [one])]
    if named:
        told.append((f"in alias {', '.join(named)}", ""))
    if difference := aside(fleet, one):
        told.insert(0, (f"≠ {difference}", "warn"))
    it = fleet.standing(route(one))
    if it is not None and one.enabled:
        told += _facts(it, now)
    return told


def _of_alias(fleet: Fleet, one: Alias) -> list[tuple[str, str]]:
    told = [(f"{_STICKY.get(one.sticky_by, one.sticky_by)}", "")]
    known = {name for model in fleet.models for name in (model.id, route(model))}
    gone = [variant.model_id for variant in one.variants if variant.model_id not in known]
    if gone:
        told.append((f"✗ not in the catalog: {', '.join(gone)}", "bad"))
    return told


_STICKY = {
    "request": "each request is drawn anew",
    "api_key": "an API key stays with its model",
    "round_robin": "the models take turns",
}


def _traffic(one: Aggregate | None) -> str:
    if one is None or not one.request_count:
        return "no request in the last hour"
    p95 = "" if one.p95_latency_ms is None else f" · p95 {milliseconds(one.p95_latency_ms)}"
    return (
        f"{one.request_count:,} req/h{p95} · {one.error_rate:.1%} failed · "
        f"{usd(one.total_cost_usd) if one.total_cost_usd else '$0'}/h"
    )


# --- What a deletion comes to ---


def naming(fleet: Fleet, models: Iterable[Model]) -> list[Alias]:
    """The aliases that stand for one of these models."""
    names = {name for one in models for name in (one.id, route(one))}
    return [
        alias
        for alias in fleet.aliases
        if any(variant.model_id in names for variant in alias.variants)
    ]


def effect(fleet: Fleet, tab: str, row_id: str) -> str:
    """What is lost with a row."""
    said: list[str] = []
    gone: list[Model] = []
    if tab == PROVIDERS:
        gone = fleet.models_of(row_id)
        said.append(f"Delete provider {row_id}, and its key with it?")
        if gone:
            names = ", ".join(one.id for one in gone[:6]) + (" …" if gone[6:] else "")
            verb = "goes" if len(gone) == 1 else "go"
            said.append(f"{_many(len(gone), 'model')} {verb} with it: {names}.")
        traffic = fleet.hour(row_id)
    elif tab == MODELS:
        model = fleet.model(row_id)
        gone = [model] if model else []
        said.append(f"Delete model {row_id}?")
        traffic = fleet.hour(*row_id.split("/", 1))
    else:
        said.append(f"Delete alias {row_id}? The models stay; requests for the name are refused.")
        traffic = None
    if traffic is not None and traffic.request_count:
        said.append(f"{_many(traffic.request_count, 'request')} went there in the last hour.")
    named = [alias.name for alias in naming(fleet, gone)]
    if named:
        said.append(f"Aliases that name it: {', '.join(named)}.")
    return "\n".join(said)


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def known(fleet: Fleet, tab: str) -> dict[str, list[str]]:
    """Values to complete a filter with."""
    providers = sorted({one.id for one in fleet.providers})
    if tab == PROVIDERS:
        return {"id": providers, "type": sorted({one.type for one in fleet.providers})}
    if tab == MODELS:
        return {"model": sorted({one.id for one in fleet.models}), "provider": providers}
    return {"alias": [one.name for one in fleet.aliases]} if tab == ALIASES else {}
