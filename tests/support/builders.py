"""Values for tests, with everything that a test does not care for filled in."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from tokenhub.core.ask import Ask
from tokenhub.core.catalog import Catalog, Defaults, Model, Provider, Route
from tokenhub.core.keys import ApiKey, digest, mint, shown_prefix
from tokenhub.core.learning import Arm
from tokenhub.core.money import price
from tokenhub.core.policy import Intent, Policy
from tokenhub.core.signals import Closed, Kept, Signal, Signals


def a_provider(provider_id: str = "openai", **changes: Any) -> Provider:
    base = changes.pop("base_url", f"http://{provider_id}.test")
    return Provider(**{"id": provider_id, "base_url": base, "endpoints": (base,), **changes})


def a_model(
    model_id: str = "gpt",
    provider_id: str = "openai",
    *,
    per_1k: tuple[float, float] | None = (0.001, 0.002),
    **changes: Any,
) -> Model:
    """`per_1k` are the prices of input and output in USD per 1,000 tokens; None is unknown."""
    prices = (None, None) if per_1k is None else (price(per_1k[0]), price(per_1k[1]))
    given: dict[str, Any] = {"input_price": prices[0], "output_price": prices[1], **changes}
    return Model(id=model_id, provider_id=provider_id, **given)


def a_catalog(
    *models: Model,
    providers: Iterable[Provider] = (),
    defaults: Defaults | None = None,
    version: int = 1,
) -> Catalog:
    """A catalog of these models; providers that are not given are made up."""
    given: dict[str, Any] = {provider.id: provider for provider in providers}
    named = {model.provider_id: a_provider(model.provider_id) for model in models}
    return Catalog.build(
        version=version,
        providers=(named | given).values(),
        models=models,
        defaults=defaults,
    )


def a_route(model_id: str = "gpt", provider_id: str = "openai", **changes: Any) -> Route:
    return a_catalog(a_model(model_id, provider_id, **changes)).routes[0]


def signals(
    routes: Mapping[str, tuple[Any, ...]] | None = None,
    *,
    without: Iterable[str] = (),
    away: Iterable[str] = (),
    closed: Mapping[str, tuple[str, float]] | None = None,
    arms: Mapping[str, tuple[float, float]] | None = None,
) -> Signals:
    """Signals from `route id -> (latency in seconds, failure rate, usual output tokens)`.

    `away` are those of `without` whose credential is locked away.
    `closed` is `id of a provider or route -> (reason, seconds)`, `arms` are `route id ->
    (quality, spread)` at every task.
    """
    known = {name: Signal(*values) for name, values in (routes or {}).items()}
    shut = {name: Closed(reason, round(1000 * s)) for name, (reason, s) in (closed or {}).items()}
    earned = {name: Arm(*values) for name, values in (arms or {}).items()}
    gone = frozenset([*without, *away])
    return Signals(known, gone, shut, Kept(earned), frozenset(away))


def a_policy(**changes: Any) -> Policy:
    given: dict[str, Any] = {
        "mode": "normal",
        "max_budget_nusd": None,
        "max_latency_s": 120.0,
        "min_weight": 0,
        "origin": {},
    }
    return Policy(**(given | changes))


def an_intent(hint: str = "", *, policy: Policy | None = None, **changes: Any) -> Intent:
    given: dict[str, Any] = {
        "substitute": "any",
        "input_tokens": 1000,
        "output_tokens": 512,
        "reserved_tokens": 0,
    }
    return Intent(policy=policy or a_policy(), hint=hint, **(given | changes))


def a_body(text: str = "hi", **fields: Any) -> bytes:
    """A chat completion request in the OpenAI format."""
    return msgspec.json.encode({**fields, "messages": [{"role": "user", "content": text}]})


def an_ask(text: str = "hi", *, model: str = "", **changes: Any) -> Ask:
    body = a_body(text, **({"model": model} if model else {}))
    return Ask(payload=body, model=model, **changes)


def a_key(secret: int = 1, **changes: Any) -> tuple[str, ApiKey]:
    """A key as its owner has it, and what the server keeps of it."""
    text = mint(secret)
    given: dict[str, Any] = {
        "id": f"key_{secret}",
        "name": "a test",
        "digest": digest(text),
        "prefix": shown_prefix(text),
        "scopes": ("chat",),
        "created_at": 1_700_000_000.0,
    }
    return text, ApiKey(**(given | changes))
