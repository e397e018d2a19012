"""A name for a split: each request under it goes to one of several models, by their weights."""

import msgspec

from tokenhub.core.errors import BadRequest

# The name that asks for any model. An alias of this name says which ones are meant.
ANY = "*"
ROUND_ROBIN = "round_robin"
STICKY = ("request", "api_key", ROUND_ROBIN)
MAX_VARIANTS = 100
MAX_WEIGHT = 1_000_000

# FNV-1a, 32 bits (draft-eastlake-fnv). Not a secret and not random: the same name must meet the
# same variant for ever, here and in the original (original-behaviour 2.8).
_BASIS = 0x811C_9DC5
_PRIME = 0x0100_0193
_MASK = 0xFFFF_FFFF


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """A model, by any name that a caller could give it, and its share."""

    model_id: str
    weight: int = 1


class Alias(msgspec.Struct, frozen=True, kw_only=True):
    """`sticky_by` is what meets the same variant again: a request's id, or its key.

    With `round_robin` the variants take turns instead, each as often in a row as its weight says.
    `version` is the catalog's version at its last change.
    """

    name: str
    variants: tuple[Variant, ...]
    enabled: bool = True
    sticky_by: str = "request"
    version: int = 0

    def variant(self, *, request_id: str, key_id: str, turn: int) -> Variant:
        """The variant for one request; `turn` counts the requests of this alias from 0."""
        total = sum(variant.weight for variant in self.variants)
        if self.sticky_by == ROUND_ROBIN:
            place = turn % total
        else:
            name = key_id if self.sticky_by == "api_key" and key_id else request_id
            place = fnv1a(name) % total
        for variant in self.variants:
            place -= variant.weight
            if place < 0:
                return variant
        raise AssertionError("the weights sum to the total")


class StandsFor(msgspec.Struct, frozen=True):
    """What an alias stands for in one request, and who may answer in its place."""

    alias: str
    model_id: str
    fallbacks: tuple[str, ...] = ()


def stands_for(alias: Alias, *, request_id: str, key_id: str, turn: int) -> StandsFor:
    """The model that an alias stands for in one request.

    The alias `*` is a pool: its other variants, and nobody else, may answer in its place.
    """
    chosen = alias.variant(request_id=request_id, key_id=key_id, turn=turn).model_id
    if alias.name != ANY:
        return StandsFor(alias.name, chosen)
    others = [variant.model_id for variant in alias.variants if variant.model_id != chosen]
    return StandsFor(alias.name, chosen, tuple(others))


def fnv1a(text: str) -> int:
    """The 32-bit FNV-1a hash of a text's UTF-8."""
    value = _BASIS
    for byte in text.encode():
        value = ((value ^ byte) * _PRIME) & _MASK
    return value


def checked_alias(alias: Alias) -> Alias:
    """The alias, if its values make sense. Raises BadRequest naming the field."""
    if not alias.name or alias.name != alias.name.strip() or not alias.name.isprintable():
        raise BadRequest("an alias needs a name of printable characters", field="name")
    if alias.sticky_by not in STICKY:
        raise BadRequest(f"sticky_by must be one of {', '.join(STICKY)}", field="sticky_by")
    if not 0 < len(alias.variants) <= MAX_VARIANTS:
        raise BadRequest(f"an alias has 1 to {MAX_VARIANTS} variants", field="variants")
    for number, variant in enumerate(alias.variants):
        _check_variant(alias, variant, f"variants[{number}]")
    ids = [variant.model_id for variant in alias.variants]
    if len(set(ids)) < len(ids):
        raise BadRequest("each model may be a variant once", field="variants")
    return alias


def _check_variant(alias: Alias, variant: Variant, place: str) -> None:
    if not variant.model_id.strip():
        raise BadRequest("a variant needs a model_id", field=f"{place}.model_id")
    if variant.model_id == alias.name:
        raise BadRequest("an alias may not stand for itself", field=f"{place}.model_id")
    if not 0 < variant.weight <= MAX_WEIGHT:
        raise BadRequest(f"a weight is 1 to {MAX_WEIGHT}", field=f"{place}.weight")
