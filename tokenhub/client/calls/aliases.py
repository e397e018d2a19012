"""Calls about aliases."""

from tokenhub.client.call import Call, item, query
from tokenhub.wire.aliases import Alias, AliasPage, AliasPut
from tokenhub.wire.catalog import Done

ALIASES = "/admin/v1/aliases"


def list_aliases(*, limit: int | None = None, offset: int | None = None) -> Call[AliasPage]:
    return Call(
        method="GET", path=ALIASES, query=query(limit=limit, offset=offset), returns=AliasPage
    )


def get_alias(name: str) -> Call[Alias]:
    return Call(method="GET", path=item(ALIASES, name), returns=Alias)


def put_alias(name: str, alias: AliasPut, *, if_match: int | None = None) -> Call[Alias]:
    """Create or replace one."""
    return Call(
        method="PUT", path=item(ALIASES, name), body=alias, if_match=if_match, returns=Alias
    )


def delete_alias(name: str, *, if_match: int | None = None) -> Call[Done]:
    return Call(method="DELETE", path=item(ALIASES, name), if_match=if_match, returns=Done)
