"""What a request is routed by, and where each part of it came from."""

import msgspec
from msgspec.structs import replace

from tokenhub.core.aliases import ANY, StandsFor
from tokenhub.core.ask import DEFAULT_OUTPUT_TOKENS, NO_WISH, Ask, Directed, Wish
from tokenhub.core.catalog import Defaults
from tokenhub.core.grants import FREE, Grant
from tokenhub.core.learning import Worth
from tokenhub.core.money import usd
from tokenhub.core.scoring import Weights

THOMPSON = "thompson"


class Policy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Budget, minimum weight and context are hard limits; the rest are preferences.

    `weights` are the caller's own, None where those of the mode count; `worth` is what money and
    time are worth to the caller where the mode draws, None for what is usual. `origin` names for
    each field where its value came from: `default`, `key`, `header`, `body`, `directive`, or `plan`
    for what a plan says of its step. `notes` tell where a directive got less than it asked for.
    """

    mode: str
    max_budget_nusd: int | None
    max_latency_s: float
    min_weight: int
    origin: dict[str, str]
    notes: tuple[str, ...] = ()
    weights: Weights | None = None
    worth: Worth | None = None


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be decided: the policy, the caller's hint, and the size of the work.

    `fallbacks` are the models that may answer in place of the hinted one, in this order: where
    there are any, no other may. `alias` is the name that the caller gave where it stands for the
    hint. `output_tokens` is the estimate that the cost stands on where nobody knows what a route
    usually writes; `output_limit` is the most that all `answers` may come to, None for no limit.
    `reserved_tokens` is the part of the context that the caller asked to be kept for the answer.
    `allowed_models` and `allowed_providers` are those of the key, empty for all. `temperature` is
    how freely others than the best are tried. `task` is one of core.tasks.
    """

    policy: Policy
    hint: str
    substitute: str
    fallbacks: tuple[str, ...] = ()
    alias: str = ""
    input_tokens: int
    output_tokens: int
    reserved_tokens: int
    output_limit: int | None = None
    answers: int = 1
    allowed_models: tuple[str, ...] = ()
    allowed_providers: tuple[str, ...] = ()
    temperature: float = 0.0
    task: str = ""


_FROM_DEFAULTS = {
    "mode": "default",
    "max_budget_usd": "default",
    "max_latency_ms": "default",
    "min_weight": "default",
}


def interpret(
    ask: Ask, defaults: Defaults, stands_for: StandsFor | None = None, *, grant: Grant = FREE
) -> Intent:
    """The request's own wishes over the key's and the defaults, narrowed by its directives.

    A `*` asks for any model, as an empty hint does; spaces around a hint mean nothing.
    `stands_for` is what the caller's name is an alias of.
    """
    hint = ask.model.strip()
    fallbacks = ask.fallbacks
    if stands_for is not None:
        hint = stands_for.model_id
        fallbacks = fallbacks or stands_for.fallbacks
    most = ask.max_tokens
    return Intent(
        policy=merged(ask, defaults, grant.policy),
        hint="" if hint == ANY else hint,
        substitute=ask.substitute,
        fallbacks=fallbacks,
        alias=stands_for.alias if stands_for else "",
        input_tokens=ask.input_tokens,
        output_tokens=ask.answers * (DEFAULT_OUTPUT_TOKENS if most is None else most),
        reserved_tokens=most or 0,
        output_limit=None if most is None else ask.answers * most,
        answers=ask.answers,
        allowed_models=grant.models,
        allowed_providers=grant.providers,
        temperature=defaults.exploration_temp,
        task=ask.kind,
    )


def merged(ask: Ask, defaults: Defaults, own: Wish = NO_WISH) -> Policy:
    """Defaults below; the key's `own`, headers and body above; directives, and a plan, on top.

    Each field remembers which it was.
    """
    policy = Policy(
        mode=defaults.mode,
        max_budget_nusd=defaults.max_budget_nusd,
        max_latency_s=defaults.max_latency_s,
        min_weight=0,
        origin=_FROM_DEFAULTS,
    )
    if own is not NO_WISH:
        policy = wished(policy, own, origin="key")
    if ask.header is not NO_WISH:
        policy = wished(policy, ask.header, origin="header")
    if ask.wish is not NO_WISH:
        policy = wished(policy, ask.wish, origin="body")
    if ask.orders is not None:
        policy = narrowed(policy, ask.orders)
    return policy if ask.errand is None else _sent_on(policy, ask.errand.wish)


def wished(policy: Policy, wish: Wish, *, origin: str) -> Policy:
    """The policy with what one layer says. A mode takes the weights of lower layers away."""
    values = {name: value for name, value in _said(wish) if value is not None}
    if not values:
        return policy
    origins = policy.origin | {_SHOWN[name]: origin for name in values}
    if wish.mode is not None and wish.weights is None and policy.weights is not None:
        values["weights"] = None
        del origins["weights"]
    if wish.weights is not None and values.get("mode", policy.mode) == THOMPSON:
        # Draws know no weights: whoever gives some wants the candidates scored.
        values["mode"], origins["mode"] = "normal", origin
    return replace(policy, origin=origins, **values)


def _said(wish: Wish) -> tuple[tuple[str, object], ...]:
    return (
        ("mode", wish.mode),
        ("max_budget_nusd", wish.max_budget_nusd),
        ("max_latency_s", wish.max_latency_s),
        ("min_weight", wish.min_weight),
        ("weights", wish.weights),
        ("worth", wish.worth),
    )


_SHOWN = {
    "mode": "mode",
    "max_budget_nusd": "max_budget_usd",
    "max_latency_s": "max_latency_ms",
    "min_weight": "min_weight",
    "weights": "weights",
    "worth": "worth",
}


def narrowed(policy: Policy, orders: Directed) -> Policy:
    """The policy with what directives order, which may tighten a limit and never loosen it.

    A directive may stand in text that the caller only passes on. So the lower budget and the
    shorter time count, and the higher weight; the mode is a preference, and the directive's.
    """
    wish = orders.wish
    mode = policy.mode if wish.mode is None else wish.mode
    budget = _lower(policy.max_budget_nusd, wish.max_budget_nusd)
    latency_s = min(policy.max_latency_s, wish.max_latency_s or policy.max_latency_s)
    weight = max(policy.min_weight, wish.min_weight or 0)
    changed = {
        "mode": mode != policy.mode,
        "max_budget_usd": budget != policy.max_budget_nusd,
        "max_latency_ms": latency_s != policy.max_latency_s,
        "min_weight": weight != policy.min_weight,
    }
    origin = policy.origin | {name: "directive" for name, new in changed.items() if new}
    weights = policy.weights if wish.mode is None else None
    if weights is None:
        origin.pop("weights", None)
    return replace(
        policy,
        mode=mode,
        max_budget_nusd=budget,
        max_latency_s=latency_s,
        min_weight=weight,
        origin=origin,
        notes=(*orders.notes, *_kept(policy, wish)),
        weights=weights,
    )


def _sent_on(policy: Policy, wish: Wish) -> Policy:
    """The policy of a step: what its plan says, and the caller's own weights."""
    values = {
        name: value
        for name, value in _said(wish)
        if value is not None and value != getattr(policy, name)
    }
    if policy.weights is not None and values.get("mode") == THOMPSON:
        del values["mode"]
    origin = policy.origin | {_SHOWN[name]: "plan" for name in values}
    return replace(policy, origin=origin, **values)


def _lower(stood: int | None, wished: int | None) -> int | None:
    """The lower of two limits; None is no limit."""
    if stood is None or wished is None:
        return wished if stood is None else stood
    return min(stood, wished)


def _kept(policy: Policy, wish: Wish) -> list[str]:
    """What a directive asked for in vain: it may not widen what stands."""
    stood, budget, latency_s = policy.max_budget_nusd, wish.max_budget_nusd, wish.max_latency_s
    notes: list[str] = []
    if stood is not None and budget is not None and budget > stood:
        notes.append(f"budget: the directive asked for USD {usd(budget):g}, {usd(stood):g} stands")
    if latency_s is not None and latency_s > policy.max_latency_s:
        asked_ms, limit_ms = latency_s * 1000, policy.max_latency_s * 1000
        notes.append(f"latency: the directive asked for {asked_ms:.0f} ms, {limit_ms:.0f} stands")
    if wish.min_weight is not None and wish.min_weight < policy.min_weight:
        asked, weight = wish.min_weight, policy.min_weight
        notes.append(f"min_weight: the directive asked for {asked}, {weight} stands")
    return notes
