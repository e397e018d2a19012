"""Aliases as operators see and send them."""

import msgspec


class Variant(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A model, and its share of the requests: its weight among the weights of all."""

    model_id: str
    weight: int = 1


class AliasPut(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`sticky_by` is `request`, `api_key` or `round_robin`; empty is `request`."""

    variants: list[Variant]
    enabled: bool = True
    sticky_by: str = ""


class Alias(msgspec.Struct, kw_only=True):
    name: str
    variants: list[Variant]
    enabled: bool
    sticky_by: str
    version: int


class AliasPage(msgspec.Struct, kw_only=True):
    items: list[Alias]
    total: int
    limit: int
    offset: int
