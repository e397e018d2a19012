"""`/admin/v1/aliases`. Names may hold slashes: the rest of the path is the name."""

from litestar import Response, delete, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath

from tokenhub.admin.aliases import Aliases
from tokenhub.admin.changes import By
from tokenhub.core.aliases import Alias, Variant
from tokenhub.web.auth import needs
from tokenhub.web.body import Http, body_of
from tokenhub.web.paging import page_of, queried
from tokenhub.web.tags import answer, if_match
from tokenhub.wire import aliases as wire
from tokenhub.wire.catalog import Done


@get("/aliases", opt=needs("viewer"))
async def list_aliases(request: Http, aliases: NamedDependency[Aliases]) -> Response[bytes]:
    page = page_of(queried(request, ("limit", "offset")))
    rows = aliases.every()
    items = [shown(row) for row in page.cut(rows)]
    found = wire.AliasPage(items=items, total=len(rows), limit=page.limit, offset=page.offset)
    return answer(found, version=aliases.version)


@get("/aliases/{name:path}", opt=needs("viewer"))
async def get_alias(
    request: Http, name: FromPath[str], aliases: NamedDependency[Aliases]
) -> Response[bytes]:
    queried(request, ())
    row = aliases.get(_name(name))
    return answer(shown(row), version=row.version)


@put("/aliases/{name:path}", opt=needs("operator", rehearses=True))
async def put_alias(
    request: Http,
    name: FromPath[str],
    aliases: NamedDependency[Aliases],
    by: NamedDependency[By],
) -> Response[bytes]:
    queried(request, ())
    sent = await body_of(request, wire.AliasPut)
    variants = [Variant(model_id=one.model_id, weight=one.weight) for one in sent.variants]
    alias = Alias(
        name=_name(name),
        variants=tuple(variants),
        enabled=sent.enabled,
        sticky_by=sent.sticky_by or "request",
    )
    row = await aliases.put(alias, by=by, expected=if_match(request))
    return answer(shown(row), version=row.version)


@delete("/aliases/{name:path}", status_code=200, opt=needs("operator", rehearses=True))
async def delete_alias(
    request: Http,
    name: FromPath[str],
    aliases: NamedDependency[Aliases],
    by: NamedDependency[By],
) -> Response[bytes]:
    queried(request, ())
    await aliases.delete(_name(name), by=by, expected=if_match(request))
    return answer(Done(), version=aliases.version)


def shown(row: Alias) -> wire.Alias:
    return wire.Alias(
        name=row.name,
        variants=[wire.Variant(model_id=one.model_id, weight=one.weight) for one in row.variants],
        enabled=row.enabled,
        sticky_by=row.sticky_by,
        version=row.version,
    )


def _name(rest: str) -> str:
    return rest.removeprefix("/")
