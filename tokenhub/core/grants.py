"""What a key may use, and the policy that it brings along."""

import msgspec

from tokenhub.core.ask import NO_WISH, Wish
from tokenhub.core.catalog import MAX_BUDGET_NUSD, MAX_LATENCY_S, MAX_WEIGHT, MODES, Route
from tokenhub.core.errors import BadRequest

# A longer list would cost every request; a wildcard says the same in one entry.
MAX_ALLOWED = 200
MAX_NAME_CHARS = 256


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """`models` and `providers` that may be used, empty for all; both must agree.

    An entry of `models` is a model's id or `provider/model`, or the beginning of either with a
    `*` after it. `policy` holds for requests that say nothing themselves.
    """

    models: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    policy: Wish = NO_WISH


FREE = Grant()


class Lists:
    """Lists of models and providers, empty for all, made ready to be asked of many routes."""

    __slots__ = ("_all", "_beginnings", "_names", "_providers")

    def __init__(self, models: tuple[str, ...], providers: tuple[str, ...]) -> None:
        self._all = not models
        self._names = frozenset([entry for entry in models if not entry.endswith("*")])
        self._beginnings = tuple([entry[:-1] for entry in models if entry.endswith("*")])
        self._providers = frozenset(providers)

    def allow(self, route: Route) -> bool:
        """Whether both lists let a route answer."""
        if self._providers and route.provider.id not in self._providers:
            return False
        if self._all:
            return True
        model_id, id_ = route.model.id, route.id
        return (
            model_id in self._names
            or id_ in self._names
            or model_id.startswith(self._beginnings)
            or id_.startswith(self._beginnings)
        )


def checked_grant(grant: Grant) -> Grant:
    """The grant, each entry once, if it makes sense. Raises BadRequest naming the field."""
    wish = grant.policy
    if wish.mode is not None and wish.mode not in MODES:
        raise BadRequest(f"mode must be one of {', '.join(MODES)}", field="mode")
    if wish.max_budget_nusd is not None and not 0 < wish.max_budget_nusd <= MAX_BUDGET_NUSD:
        raise BadRequest("max_budget_usd must be above 0 and at most 100", field="max_budget_usd")
    if wish.max_latency_s is not None and not 0 < wish.max_latency_s <= MAX_LATENCY_S:
        raise BadRequest("max_latency_ms must be between 1 and 300000", field="max_latency_ms")
    if wish.min_weight is not None and not 0 <= wish.min_weight <= MAX_WEIGHT:
        raise BadRequest(f"min_weight must be between 0 and {MAX_WEIGHT}", field="min_weight")
    return Grant(
        models=_checked(grant.models, field="allowed_models"),
        providers=_checked(grant.providers, field="allowed_providers"),
        # One value for "nothing", so that a request can tell it by a glance.
        policy=NO_WISH if wish == NO_WISH else wish,
    )


def _checked(names: tuple[str, ...], *, field: str) -> tuple[str, ...]:
    if len(names) > MAX_ALLOWED:
        raise BadRequest(f"{field} must hold at most {MAX_ALLOWED} names", field=field)
    trimmed = [name.strip() for name in names]
    for name in trimmed:
        if not name or len(name) > MAX_NAME_CHARS or not name.isprintable():
            raise BadRequest(
                f"{field} must hold printable names of 1 to {MAX_NAME_CHARS} characters",
                field=field,
            )
    return tuple(dict.fromkeys(trimmed))
