"""Who may use which route of the admin API.

Every route says in its `opt` what it needs: a role (`needs`), or nothing (`OPEN`). A route that
says neither is refused to everybody, so that none is ever open by being forgotten. The guard
reads the mark of the route that was matched, never the URL: no spelling of a path can get around
it.

A credential is a bearer token, or the cookie of a session. What comes with a cookie could have
been sent by another site's page, so it must also prove that it was not (`web/origins.py`).
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import msgspec
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from tokenhub.admin.access import Access, Peer
from tokenhub.admin.changes import By
from tokenhub.core.access import Operator, allows
from tokenhub.core.addresses import bucket
from tokenhub.core.errors import OutOfScope, Unauthenticated
from tokenhub.web import cookies, origins
from tokenhub.web.context import request_id
from tokenhub.web.peers import Peers

Connection = ASGIConnection[Any, Any, Any, Any]
Guard = Callable[[Connection, BaseRouteHandler], Awaitable[None]]
Scope = MutableMapping[str, Any]

# The marks of a route, as they stand in its `opt`.
NEEDS = "needs"
REHEARSES = "rehearses"
_UNLESS = "open_unless_closed"
_ANY_HOST = "any_host"
ANYBODY = "anybody"
_BEARER = "bearer"
_OPERATOR = "tokenhub_operator"

# A route that answers anybody: `@get(..., opt=OPEN)`.
OPEN: Mapping[str, Any] = {NEEDS: ANYBODY}
# One that machines ask, by whatever name they know this one.
PROBE: Mapping[str, Any] = {NEEDS: ANYBODY, _ANY_HOST: True}
# The names of this machine for itself.
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for whoever comes in, by the settings.

    `hosts` are the names under which the admin API answers, `closed` the pages that need a token
    although they could be open (`metrics`).
    """

    hosts: frozenset[str] = frozenset(LOOPBACK)
    peers: Peers = Peers()
    closed: frozenset[str] = frozenset()


def needs(role: str, *, rehearses: bool = False) -> dict[str, Any]:
    """The mark of a route for a role and those above it: `@get(..., opt=needs("viewer"))`.

    With `rehearses`, `?dry_run=true` has it change nothing (`web/rehearsing.py`).
    """
    return {NEEDS: role, REHEARSES: True} if rehearses else {NEEDS: role}


def open_unless_closed(page: str) -> dict[str, Any]:
    """The mark of a page for machines that is open, or for viewers where a setting closes it."""
    return {NEEDS: "viewer", _UNLESS: page, _ANY_HOST: True}


def who(opt: Mapping[str, Any]) -> str:
    """Who may call a route with these marks: `anybody`, a role, or `nobody`."""
    if _UNLESS in opt:
        return ANYBODY
    marked: str = opt.get(NEEDS, "nobody")
    return marked


def guarded(access: Access, request_ids: Callable[[], str], entry: Entry) -> Guard:
    """The guard of every route. Raises Unauthenticated, OutOfScope and TooManyFailures."""

    async def guard(connection: Connection, handler: BaseRouteHandler) -> None:
        scope: Scope = connection.scope  # type: ignore[assignment]  # a scope is a dict
        marks = handler.opt
        if _ANY_HOST not in marks:
            origins.check_host(scope["headers"], entry.hosts)
        needed = marks.get(NEEDS, "")
        if needed == ANYBODY or (_UNLESS in marks and marks[_UNLESS] not in entry.closed):
            return
        asking = await _operator(connection, access, peer_of(scope, request_ids, entry))
        scope.setdefault("state", {})[_OPERATOR] = asking
        if not needed and scope.get("method") == "OPTIONS":
            return  # the framework's own answer, which names methods and nothing else
        if not allows(asking.role, needed):
            raise OutOfScope(_refusal(asking, needed), code="insufficient_role")

    return guard


def peer_of(scope: Scope, request_ids: Callable[[], str], entry: Entry) -> Peer:
    """Where a request is from."""
    address = entry.peers.address(scope)
    return Peer(
        address="" if address is None else str(address),
        bucket=bucket(address),
        request_id=request_id(scope, request_ids),
    )


def operator_of(scope: Scope) -> Operator | None:
    """The operator that the guard has let in; None on a route that asks for none."""
    found: Operator | None = scope.get("state", {}).get(_OPERATOR)
    return found


def by(scope: Scope, request_ids: Callable[[], str], entry: Entry) -> By:
    """Who asks for a change."""
    asking = operator_of(scope)
    peer = peer_of(scope, request_ids, entry)
    name = "" if asking is None else asking.name
    return By(actor=name, address=peer.address, request_id=peer.request_id)


def bearer(headers: Mapping[str, str]) -> str:
    """The bearer token of a request, empty where there is none (RFC 6750 2.1)."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    return given.strip() if scheme.lower() == _BEARER else ""


async def _operator(connection: Connection, access: Access, peer: Peer) -> Operator:
    token = bearer(connection.headers)
    if token:
        return await access.bearer(token, peer)
    cookie = cookies.session_in(connection.headers)
    if not cookie:
        raise Unauthenticated("missing admin token", code="missing_admin_token")
    found = access.session(cookie)
    if found is None:
        raise Unauthenticated("the session is over; sign in again", code="session_over")
    origins.check_same_site(str(connection.scope.get("method")), connection.headers)
    return found


def _refusal(asking: Operator, needed: str) -> str:
    if not needed:
        return "this route says nothing of who may use it, so nobody may; please report it"
    return f"this needs the role {needed}; {asking.name} has the role {asking.role}"
