"""`/admin/v1/session`: browsers sign in, ask who they are, and sign out.

Open to all by their marks, since who has no session yet has nothing to show; each looks for
itself at what it is given.
"""

from litestar import Response, delete, get, post
from litestar.di import NamedDependency

from tokenhub.admin.access import Access, Peer
from tokenhub.admin.changes import By
from tokenhub.core.access import AdminSession, AdminToken
from tokenhub.core.errors import Unauthenticated
from tokenhub.web import cookies, origins
from tokenhub.web.auth import OPEN, bearer
from tokenhub.web.body import Http, body_of
from tokenhub.web.paging import queried
from tokenhub.web.tags import answer
from tokenhub.web.times import utc
from tokenhub.wire import access as wire
from tokenhub.wire.catalog import Done


@post("/session", opt=OPEN)
async def sign_in(
    request: Http, access: NamedDependency[Access], peer: NamedDependency[Peer]
) -> Response[bytes]:
    """The token comes as a bearer token, as in the original, or in the body."""
    queried(request, ())
    origins.check_page(request.headers)
    secret = bearer(request.headers)
    if not secret:
        secret = (await body_of(request, wire.SessionCreate)).token
    if not secret:
        raise Unauthenticated("missing admin token", code="missing_admin_token")
    # Asked before the token is looked at: where no cookie can be kept, nothing is told of it.
    secure = cookies.by_tls(request.headers)
    started = await access.sign_in(secret, peer)
    told = _shown(started.token, started.session)
    told.ok, told.warning = True, "" if secure else cookies.WARNING
    response = answer(told)
    response.set_cookie(cookies.begun(started.session_id, secure=secure))
    return response


@get("/session", opt=OPEN)
async def signed_in(
    request: Http, access: NamedDependency[Access], peer: NamedDependency[Peer]
) -> Response[bytes]:
    """200 also for who is nobody: a browser would show any other status as an error."""
    queried(request, ())
    if token := bearer(request.headers):
        asking = await access.bearer(token, peer)
        return answer(wire.Session(authenticated=True, name=asking.name, role=asking.role))
    cookie = cookies.session_in(request.headers)
    found = access.sessions.find(cookie, renew=False) if cookie else None
    return answer(wire.Session(authenticated=False) if found is None else _shown(*found))


@delete("/session", status_code=200, opt=OPEN)
async def sign_out(
    request: Http, access: NamedDependency[Access], by: NamedDependency[By]
) -> Response[bytes]:
    """200 also where there was no session: it is over either way."""
    queried(request, ())
    cookie = cookies.session_in(request.headers)
    asking = access.session(cookie, renew=False) if cookie else None
    if asking is not None:
        origins.check_same_site("DELETE", request.headers)
        named = By(actor=asking.name, address=by.address, request_id=by.request_id)
        await access.sessions.end(asking.session, by=named)
    response = answer(Done())
    for gone in cookies.ended():
        response.set_cookie(gone)
    return response


def _shown(token: AdminToken, session: AdminSession) -> wire.Session:
    return wire.Session(
        authenticated=True,
        name=token.name,
        role=token.role,
        expires_at=utc(session.expires_at),
        idle_at=utc(session.idle_at),
    )
