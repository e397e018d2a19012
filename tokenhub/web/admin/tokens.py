"""`/admin/v1/tokens`, and the original's `/admin/v1/admin-token/rotate`."""

import hashlib
from typing import TypeVar

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from tokenhub.admin.changes import By
from tokenhub.admin.tokens import IssuedToken, Tokens
from tokenhub.core.access import AdminToken
from tokenhub.web.auth import needs
from tokenhub.web.body import Http, body_of
from tokenhub.web.paging import page_of, queried
from tokenhub.web.patching import given
from tokenhub.web.tags import answer, if_match
from tokenhub.web.times import utc
from tokenhub.wire import access as wire
from tokenhub.wire.catalog import Done

Sent = TypeVar("Sent", bound=msgspec.Struct)


@get("/tokens", opt=needs("owner"))
async def list_tokens(request: Http, tokens: NamedDependency[Tokens]) -> Response[bytes]:
    page = page_of(queried(request, ("limit", "offset")))
    rows = tokens.every()
    found = wire.AdminTokenPage(
        tokens=[shown(row) for row in page.cut(rows)],
        total=len(rows),
        limit=page.limit,
        offset=page.offset,
    )
    versions = " ".join(f"{row.id}:{row.version}" for row in rows)
    return answer(found, version=hashlib.sha256(versions.encode()).hexdigest()[:16])


@get("/tokens/{token_id:str}", opt=needs("owner"))
async def get_token(
    request: Http, token_id: FromPath[str], tokens: NamedDependency[Tokens]
) -> Response[bytes]:
    queried(request, ())
    row = tokens.get(token_id)
    return answer(shown(row), version=row.version)


@post("/tokens", opt=needs("owner", rehearses=True))
async def create_token(
    request: Http, tokens: NamedDependency[Tokens], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    sent = await body_of(request, wire.AdminTokenCreate)
    issued = await tokens.create(name=sent.name, role=sent.role, expires_in=sent.expires_in, by=by)
    return _issued(issued, by)


@patch("/tokens/{token_id:str}", opt=needs("owner", rehearses=True))
async def patch_token(
    request: Http, token_id: FromPath[str], tokens: NamedDependency[Tokens], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    sent = given(await body_of(request, wire.AdminTokenPatch))
    row = await tokens.update(token_id, sent, by=by, expected=if_match(request))
    return answer(wire.AdminTokenDone(token=shown(row)), version=row.version)


@post("/tokens/{token_id:str}/rotate", opt=needs("owner", rehearses=True))
async def rotate_token(
    request: Http, token_id: FromPath[str], tokens: NamedDependency[Tokens], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    sent = await _sent(request, wire.AdminTokenRotate)
    issued = await tokens.rotate(token_id, overlap=sent.overlap, by=by, expected=if_match(request))
    return _issued(issued, by)


@delete("/tokens/{token_id:str}", status_code=200, opt=needs("owner", rehearses=True))
async def delete_token(
    request: Http, token_id: FromPath[str], tokens: NamedDependency[Tokens], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    await tokens.delete(token_id, by=by, expected=if_match(request))
    return answer(Done())


@post("/admin-token/rotate", opt=needs("owner", rehearses=True))
async def rotate_first_token(
    request: Http, tokens: NamedDependency[Tokens], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    sent = await _sent(request, wire.FirstTokenRotate)
    return _issued(await tokens.rotate_first(sent.token, by=by), by)


async def _sent(request: Http, kind: type[Sent]) -> Sent:
    """The body; all of its fields as they are where there is none, as the original allowed."""
    has_body = request.headers.get("content-length", "0") != "0"
    chunked = "transfer-encoding" in request.headers
    return await body_of(request, kind) if has_body or chunked else kind()


def shown(row: AdminToken) -> wire.AdminToken:
    return wire.AdminToken(
        id=row.id,
        name=row.name,
        role=row.role,
        token_prefix=row.prefix,
        created_at=_time(row.created_at),
        expires_at=_time(row.expires_at),
        last_used_at=_time(row.last_used_at),
        rotated_until=_time(row.previous_until),
        version=row.version,
    )


def _issued(issued: IssuedToken, by: By) -> Response[bytes]:
    row = issued.token
    told = wire.AdminTokenIssued(
        token="" if by.rehearsed else issued.secret,
        id=row.id,
        name=row.name,
        role=row.role,
        expires_at=_time(row.expires_at),
        rotated_until=_time(row.previous_until),
    )
    if by.rehearsed:
        told.warning = "a dry run makes no token"
    return answer(told, version=row.version)


def _time(at: float | None) -> str | None:
    """A time, null where it is none: 0 is what a row has that knows of no such time."""
    return utc(at) if at else None
