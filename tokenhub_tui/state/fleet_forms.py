"""What is asked for of a provider, a model, an alias and the routing defaults, and what is sent."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tokenhub.wire.aliases import Alias, AliasPut
from tokenhub.wire.catalog import Model, ModelCreate, ModelPatch, Provider, ProviderPatch
from tokenhub.wire.replay import ReplayResult
from tokenhub.wire.routing import RoutingConfig, RoutingConfigPut
from tokenhub_tui.state.form import (
    CHOICE,
    LIST,
    NUMBER,
    SECRET,
    SWITCH,
    Field,
    Value,
    Values,
)

# The server's, in the order in which people meet them.
TYPES = (
    ("openai", "OpenAI, and all that speak its API"),
    ("anthropic", "Anthropic"),
    ("vllm", "vLLM, one server or several"),
)
# Where a provider of a type usually is: the vendors' public APIs, and what `vllm serve` listens on.
BASE_URLS = {
    "openai": "https://api.openai.com",
    "anthropic": "https://api.anthropic.com",
    "vllm": "http://localhost:8000",
}
MODES = (
    ("cheap", "cheap"),
    ("normal", "normal"),
    ("high_confidence", "high confidence"),
    ("planning", "planning"),
    ("adversarial", "adversarial"),
    ("thompson", "thompson: it learns"),
)
STICKY = (
    ("request", "each request is drawn anew"),
    ("api_key", "a key stays with its model"),
    ("round_robin", "they take turns"),
)
# The server's bounds of a weight.
MAX_WEIGHT = 10
_PRICES = (
    ("input_per_1k", "$ in / 1k", "USD for 1,000 tokens of the prompt; empty is unknown, 0 free."),
    ("output_per_1k", "$ out / 1k", "USD for 1,000 tokens of the answer."),
    ("cached_input_per_1k", "$ cached / 1k", "Read from a cache; empty is that of the prompt."),
    ("cache_write_per_1k", "$ to cache / 1k", "Put into a cache; empty is that of the prompt."),
    ("reasoning_per_1k", "$ reasoning / 1k", "Of reasoning; empty is that of the answer."),
)


def provider_fields(one: Provider) -> tuple[Field, ...]:
    """What can be changed of a provider."""
    return (
        Field(id="id", label="Id", value=one.id, fixed=True),
        Field(id="type", label="Type", kind=CHOICE, choices=TYPES, value=one.type,
              help="The dialect it speaks."),
        Field(id="base_url", label="Base URL", value=one.base_url,
              empty=BASE_URLS.get(one.type, ""),
              help="Where it is. At another address the key must be given again."),
        Field(id="endpoints", label="Endpoints", kind=LIST, value=tuple(one.endpoints),
              empty="none beside the base URL",
              help="Several servers that take turns, with commas between."),
        Field(id="api_key", label="Key", kind=SECRET, empty="as it is",
              help="Its key. What is there is never shown; empty leaves it as it is."),
        Field(id="enabled", label="Enabled", kind=SWITCH, value=one.enabled,
              help="Whether it may be asked."),
    )  # fmt: skip


def provider_patch(new: Values) -> ProviderPatch:
    """What is sent of a provider. Raises msgspec.ValidationError."""
    return msgspec.convert(_plain(new, secrets=("api_key",)), ProviderPatch)


def model_fields(
    one: Model | None, providers: Sequence[str] = (), provider_id: str = ""
) -> tuple[Field, ...]:
    """What can be said of a model; None is a new one, at one of the providers."""
    context = one.max_context_tokens if one else 0
    return (
        Field(id="id", label="Model", value=one.id if one else "", fixed=one is not None,
              required=True, help="Its id at the provider."),
        Field(id="provider_id", label="Provider", kind=CHOICE, fixed=one is not None,
              value=one.provider_id if one else provider_id or next(iter(providers), ""),
              choices=tuple((name, name) for name in ([one.provider_id] if one else providers)),
              help="Who answers for it."),
        Field(id="weight", label="Weight", kind=NUMBER, whole=True, required=True,
              value=one.weight if one else 5, least=0, most=MAX_WEIGHT,
              help="How much it is preferred, 0 to 10."),
        Field(id="max_context_tokens", label="Context", value=context or None, empty="unknown",
              kind=NUMBER, whole=True, least=0,
              help="Tokens that prompt and answer may have together."),
        *(Field(id=name, label=label, kind=NUMBER, least=0, help=help_,
                value=getattr(one, name) if one else None,
                empty="unknown" if one or n > 1 else "that of the installed list")
          for n, (name, label, help_) in enumerate(_PRICES)),
        *((Field(id="pricing_source", label="Price from", kind=CHOICE, value=one.pricing_source,
                 choices=_sources(one.pricing_source),
                 help="The installed list's prices are taken where there are any."),)
          if one else ()),
        Field(id="enabled", label="Enabled", kind=SWITCH, value=one.enabled if one else True,
              help="Whether it may be chosen."),
    )  # fmt: skip


def _sources(now: str) -> tuple[tuple[str, str], ...]:
    told = {"manual": "an operator", "catalogue": "the installed list", "unknown": "nobody"}
    kept = [now, *(name for name in ("manual", "catalogue") if name != now)]
    return tuple((name, told.get(name, name)) for name in kept)


def model_patch(new: Values) -> ModelPatch:
    """What is sent of a model. Raises msgspec.ValidationError."""
    sent = _plain(new)
    if sent.get("max_context_tokens", 0) is None:
        sent["max_context_tokens"] = 0
    return msgspec.convert(sent, ModelPatch)


def model_new(values: Values) -> ModelCreate:
    """A new model; a price that was left empty is that of the installed list, where it has one."""
    sent = {name: value for name, value in _plain(values).items() if value is not None}
    return msgspec.convert(sent, ModelCreate)


def alias_fields(one: Alias | None) -> tuple[Field, ...]:
    """What can be said of an alias; None is a new one."""
    variants = tuple(f"{it.model_id}={it.weight}" for it in one.variants) if one else ()
    return (
        Field(id="name", label="Alias", value=one.name if one else "", required=True,
              fixed=one is not None, help="The name that callers ask for; * is for those without."),
        Field(id="variants", label="Stands for", kind=LIST, value=variants, required=True,
              empty="gpt=9, small=1", help="Models with their shares, as in gpt=9, org/small=1."),
        Field(id="sticky_by", label="Sticky by", kind=CHOICE, choices=STICKY,
              value=one.sticky_by if one else "request", help="Who gets the same model again."),
        Field(id="enabled", label="Enabled", kind=SWITCH, value=one.enabled if one else True,
              help="Whether it stands for anything."),
    )  # fmt: skip


def alias_put(values: Values) -> AliasPut:
    """What is sent of an alias. Raises msgspec.ValidationError."""
    variants = values["variants"]
    assert isinstance(variants, tuple)
    sent = {
        "variants": [_variant(one) for one in variants],
        "sticky_by": values["sticky_by"],
        "enabled": values["enabled"],
    }
    return msgspec.convert(sent, AliasPut)


def _variant(text: str) -> dict[str, Any]:
    """`model=weight`, 1 without one. A model's id may hold an equals sign: the last counts."""
    model, _, weight = text.rpartition("=")
    if not model:
        return {"model_id": text, "weight": 1}
    if not weight.isdecimal():
        raise msgspec.ValidationError(f"{weight!r} is no whole number - at `$.variants`")
    return {"model_id": model, "weight": int(weight)}


def alias_sent(one: Alias, *, enabled: bool) -> AliasPut:
    """An alias as it is, but for whether it stands for anything."""
    return AliasPut(variants=one.variants, sticky_by=one.sticky_by, enabled=enabled)


def routing_fields(one: RoutingConfig) -> tuple[Field, ...]:
    """The routing defaults."""
    return (
        Field(id="default_mode", label="Mode", kind=CHOICE, choices=MODES, value=one.default_mode,
              help="How routes are ranked where the request says nothing."),
        Field(id="default_max_budget_usd", label="Budget in USD", kind=NUMBER, least=0, most=100,
              value=one.default_max_budget_usd, empty="no limit",
              help="What a request may be estimated to cost; empty is no limit."),
        Field(id="default_max_latency_ms", label="Longest wait, ms", kind=NUMBER, whole=True,
              required=True, least=1, most=300_000, value=one.default_max_latency_ms,
              help="Milliseconds that a request may take."),
    )  # fmt: skip


def routing_put(values: Values) -> RoutingConfigPut:
    """What is sent of the defaults. Raises msgspec.ValidationError."""
    sent = _plain(values)
    # On the wire 0 is "as the environment says"; what was meant is next to nothing.
    if sent["default_max_budget_usd"] == 0:
        raise msgspec.ValidationError(
            "more than 0; empty is no limit - at `$.default_max_budget_usd`"
        )
    return msgspec.convert(sent, RoutingConfigPut)


def hour_under(result: ReplayResult) -> str:
    """What the last hour would have come to under other defaults."""
    if not result.requests or not result.policies:
        return "No request of the last hour can be decided again."
    one = result.policies[0]
    told = f"Of the last hour's {_many(result.requests)}, {one.refused:,} would have been refused"
    moved = [share for share in one.shares if abs(share.would - share.was) >= 0.01]  # noqa: PLR2004 - less is noise
    moved.sort(key=lambda share: -abs(share.would - share.was))
    if moved:
        told += "; " + ", ".join(
            f"{share.route} {share.was:.0%} → {share.would:.0%}" for share in moved[:3]
        )
    return told + "."


def _many(count: int) -> str:
    return "1 request" if count == 1 else f"{count:,} requests"


def _plain(values: Values, secrets: Sequence[str] = ()) -> dict[str, Any]:
    """The values as JSON has them; a secret that is empty says nothing."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
        if not (name in secrets and not value)
    }


def values_of(fields: Sequence[Field]) -> Mapping[str, Value]:
    """What stands in the fields of a row."""
    return {one.id: one.value for one in fields}


def taken(name: str, why: str) -> msgspec.ValidationError:
    """A fault of a field, as the wire's own are."""
    return msgspec.ValidationError(f"{why} - at `$.{name}`")
