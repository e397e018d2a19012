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
    `*` after it; that of a route has its slash. `policy` holds for requests that say nothing
    themselves.
    """

    models: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    policy: Wish = NO_WISH


FREE = Grant()


class Lists:
    """The lists of a key, read once for all routes of a decision; an empty one names all."""

    __slots__ = ("_beginnings", "_models", "_names", "_of_routes", "_providers")

    def __init__(self, models: tuple[str, ...], providers: tuple[str, ...]) -> None:
        beginnings = [entry[:-1] for entry in models if entry.endswith("*")]
        self._models = models
        self._providers = frozenset(providers)
        self._names = frozenset(models)
        self._beginnings = tuple(beginnings)
        # The beginning of models' names alone is not to open every provider that is called so.
        self._of_routes = tuple([beginning for beginning in beginnings if "/" in beginning])

    def allow(self, route: Route) -> bool:
        """Whether the route may answer."""
        if self._providers and route.provider.id not in self._providers:
            return False
        model_id = route.model.id
        return (
            not self._models
            or model_id in self._names
            or route.id in self._names
            or model_id.startswith(self._beginnings)
            or route.id.startswith(self._of_routes)
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
        models=_starred(_checked(grant.models, field="allowed_models")),
        providers=_unstarred(_checked(grant.providers, field="allowed_providers")),
        # One value for "nothing", so that a request can tell it by a glance.
        policy=NO_WISH if wish == NO_WISH else wish,
    )


def _starred(models: tuple[str, ...]) -> tuple[str, ...]:
    """The names, if a `*` stands only at an end: elsewhere it would stand for itself."""
    if any("*" in name[:-1] for name in models):
        raise BadRequest(
            "a * in allowed_models stands for the rest of a name, at its end",
            field="allowed_models",
        )
    return models


def _unstarred(providers: tuple[str, ...]) -> tuple[str, ...]:
    if any("*" in name for name in providers):
        raise BadRequest(
            "allowed_providers takes whole names, without a *; leave it empty for all",
            field="allowed_providers",
        )
    return providers


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
