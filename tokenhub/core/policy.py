"""What a request is routed by, and where each part of it came from."""

import msgspec

from tokenhub.core.ask import DEFAULT_OUTPUT_TOKENS, Ask, Wish
from tokenhub.core.catalog import Defaults


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Budget, minimum weight and context are hard limits; the rest are preferences.

    `origin` names for each field where its value came from: `default` or `request`.
    """

    mode: str
    max_budget_nusd: int | None
    max_latency_s: float
    min_weight: int
    origin: dict[str, str]


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be decided: the policy, the caller's hint, and the size of the work.

    `output_tokens` is the estimate that the cost stands on; `reserved_tokens` is the part of the
    context that the caller asked to be kept for the answer.
    """

    policy: Policy
    hint: str
    substitute: str
    input_tokens: int
    output_tokens: int
    reserved_tokens: int


_FROM_DEFAULTS = {
    "mode": "default",
    "max_budget_usd": "default",
    "max_latency_ms": "default",
    "min_weight": "default",
}


def interpret(ask: Ask, defaults: Defaults) -> Intent:
    """The request's own wishes over the defaults.

    A `*` asks for any model, as an empty hint does; spaces around a hint mean nothing.
    """
    hint = ask.model.strip()
    return Intent(
        policy=merged(ask, defaults),
        hint="" if hint == "*" else hint,
        substitute=ask.substitute,
        input_tokens=ask.input_tokens,
        output_tokens=ask.answers
        * (DEFAULT_OUTPUT_TOKENS if ask.max_tokens is None else ask.max_tokens),
        reserved_tokens=ask.max_tokens or 0,
    )


def merged(ask: Ask, defaults: Defaults) -> Policy:
    """Defaults below, the request above; each field remembers which it was."""
    wish = ask.wish
    origin = _FROM_DEFAULTS
    if wish != _NOTHING:
        origin = {
            "mode": _origin(wish.mode),
            "max_budget_usd": _origin(wish.max_budget_nusd),
            "max_latency_ms": _origin(wish.max_latency_s),
            "min_weight": _origin(wish.min_weight),
        }
    return Policy(
        mode=defaults.mode if wish.mode is None else wish.mode,
        max_budget_nusd=(
            defaults.max_budget_nusd if wish.max_budget_nusd is None else wish.max_budget_nusd
        ),
        max_latency_s=defaults.max_latency_s if wish.max_latency_s is None else wish.max_latency_s,
        min_weight=wish.min_weight or 0,
        origin=origin,
    )


def _origin(value: object) -> str:
    return "default" if value is None else "request"


_NOTHING = Wish()
