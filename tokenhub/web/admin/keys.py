"""`/admin/v1/apikeys`."""

import hashlib

from litestar import Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from tokenhub.admin.changes import By
from tokenhub.admin.keys import Keys
from tokenhub.core.keys import ApiKey
from tokenhub.web.body import Http, body_of
from tokenhub.web.paging import page_of, queried
from tokenhub.web.patching import given
from tokenhub.web.tags import answer, if_match
from tokenhub.web.times import utc
from tokenhub.wire import keys as wire
from tokenhub.wire.catalog import Done


@get("/apikeys")
async def list_keys(request: Http, keys: NamedDependency[Keys]) -> Response[bytes]:
    page = page_of(queried(request, ("limit", "offset")))
    rows = keys.every()
    found = wire.ApiKeyPage(
        keys=[shown(row) for row in page.cut(rows)],
        total=len(rows),
        limit=page.limit,
        offset=page.offset,
    )
    # Keys are not in the catalog, so the list's version is made from those of its rows.
    versions = " ".join(f"{row.id}:{row.version}" for row in rows)
    return answer(found, version=hashlib.sha256(versions.encode()).hexdigest()[:16])


@get("/apikeys/{key_id:str}")
async def get_key(
    request: Http, key_id: FromPath[str], keys: NamedDependency[Keys]
) -> Response[bytes]:
    queried(request, ())
    row = keys.get(key_id)
    return answer(shown(row), version=row.version)


@post("/apikeys")
async def create_key(
    request: Http, keys: NamedDependency[Keys], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    sent = await body_of(request, wire.ApiKeyCreate)
    issued = await keys.create(
        name=sent.name,
        scopes=sent.scopes,
        expires_in=sent.expires_in,
        rate_limit_rps=sent.rate_limit_rps,
        directives=sent.directives,
        by=by,
    )
    row = issued.key
    told = wire.ApiKeyIssued(
        key=issued.secret, id=row.id, prefix=row.prefix, name=row.name, scopes=list(row.scopes)
    )
    return answer(told, version=row.version)


@patch("/apikeys/{key_id:str}")
async def patch_key(
    request: Http, key_id: FromPath[str], keys: NamedDependency[Keys], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    sent = given(await body_of(request, wire.ApiKeyPatch))
    row = await keys.update(key_id, sent, by=by, expected=if_match(request))
    return answer(wire.ApiKeyDone(key=shown(row)), version=row.version)


@delete("/apikeys/{key_id:str}", status_code=200)
async def delete_key(
    request: Http, key_id: FromPath[str], keys: NamedDependency[Keys], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    await keys.delete(key_id, by=by, expected=if_match(request))
    return answer(Done())


def shown(row: ApiKey) -> wire.ApiKey:
    return wire.ApiKey(
        id=row.id,
        name=row.name,
        key_prefix=row.prefix,
        scopes=list(row.scopes),
        created_at=utc(row.created_at),
        expires_at=None if row.expires_at is None else utc(row.expires_at),
        enabled=row.enabled,
        rate_limit_rps=row.rate_limit_rps,
        directives=row.directives,
        version=row.version,
    )
