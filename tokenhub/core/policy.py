"""What a request is routed by, and where each part of it came from."""

import msgspec
from msgspec.structs import replace

from tokenhub.core.aliases import ANY, StandsFor
from tokenhub.core.ask import DEFAULT_OUTPUT_TOKENS, Ask, Directed, Wish
from tokenhub.core.catalog import Defaults
from tokenhub.core.money import usd


class Policy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Budget, minimum weight and context are hard limits; the rest are preferences.

    `origin` names for each field where its value came from: `default`, `request` or `directive`.
    `notes` tell where a directive got less than it asked for.
    """

    mode: str
    max_budget_nusd: int | None
    max_latency_s: float
    min_weight: int
    origin: dict[str, str]
    notes: tuple[str, ...] = ()


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be decided: the policy, the caller's hint, and the size of the work.

    `fallbacks` are the models that may answer in place of the hinted one, in this order: where
    there are any, no other may. `alias` is the name that the caller gave where it stands for the
    hint. `output_tokens` is the estimate that the cost stands on;
    `reserved_tokens` is the part of the context that the caller asked to be kept for the answer.
    """

    policy: Policy
    hint: str
    substitute: str
    fallbacks: tuple[str, ...] = ()
    alias: str = ""
    input_tokens: int
    output_tokens: int
    reserved_tokens: int


_FROM_DEFAULTS = {
    "mode": "default",
    "max_budget_usd": "default",
    "max_latency_ms": "default",
    "min_weight": "default",
}


def interpret(ask: Ask, defaults: Defaults, stands_for: StandsFor | None = None) -> Intent:
    """The request's own wishes over the defaults, narrowed by the directives that it obeys.

    A `*` asks for any model, as an empty hint does; spaces around a hint mean nothing.
    `stands_for` is what the caller's name is an alias of.
    """
    hint = ask.model.strip()
    fallbacks = ask.fallbacks
    if stands_for is not None:
        hint = stands_for.model_id
        fallbacks = fallbacks or stands_for.fallbacks
    return Intent(
        policy=merged(ask, defaults),
        hint="" if hint == ANY else hint,
        substitute=ask.substitute,
        fallbacks=fallbacks,
        alias=stands_for.alias if stands_for else "",
        input_tokens=ask.input_tokens,
        output_tokens=ask.answers
        * (DEFAULT_OUTPUT_TOKENS if ask.max_tokens is None else ask.max_tokens),
        reserved_tokens=ask.max_tokens or 0,
    )


def merged(ask: Ask, defaults: Defaults) -> Policy:
    """Defaults below, the request above, directives on top; each field remembers which it was."""
    wish = ask.wish
    origin = _FROM_DEFAULTS
    if wish != _NOTHING:
        origin = {
            "mode": _origin(wish.mode),
            "max_budget_usd": _origin(wish.max_budget_nusd),
            "max_latency_ms": _origin(wish.max_latency_s),
            "min_weight": _origin(wish.min_weight),
        }
    policy = Policy(
        mode=defaults.mode if wish.mode is None else wish.mode,
        max_budget_nusd=(
            defaults.max_budget_nusd if wish.max_budget_nusd is None else wish.max_budget_nusd
        ),
        max_latency_s=defaults.max_latency_s if wish.max_latency_s is None else wish.max_latency_s,
        min_weight=wish.min_weight or 0,
        origin=origin,
    )
    return policy if ask.orders is None else narrowed(policy, ask.orders)


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
    return replace(
        policy,
        mode=mode,
        max_budget_nusd=budget,
        max_latency_s=latency_s,
        min_weight=weight,
        origin=policy.origin | {name: "directive" for name, new in changed.items() if new},
        notes=(*orders.notes, *_kept(policy, wish)),
    )


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


def _origin(value: object) -> str:
    return "default" if value is None else "request"


_NOTHING = Wish()
