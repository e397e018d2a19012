"""Tells the audit trail who came in and who was turned away, at both doors."""

from collections.abc import Callable, MutableMapping
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from tokenhub.admin.changes import By
from tokenhub.admin.logins import Logins, Visit
from tokenhub.core.addresses import NOBODY, Address, bucket
from tokenhub.core.errors import OutOfScope, Unauthenticated
from tokenhub.web.auth import OPEN
from tokenhub.web.context import request_id
from tokenhub.web.peers import Peers

Scope = MutableMapping[str, Any]
Connection = ASGIConnection[Any, Any, Any, Any]

ADMIN, CALLER = "auth.admin", "auth.key"


class Doorman:
    """One for each door. `request_ids` makes the id of a request that has none yet."""

    def __init__(self, logins: Logins, peers: Peers, request_ids: Callable[[], str]) -> None:
        self._logins = logins
        self._peers = peers
        self._request_ids = request_ids

    def by(self, scope: Scope) -> By:
        """Who asks for a change."""
        named = request_id(scope, self._request_ids)
        return By(request_id=named, address=_shown(self._peers.address(scope)))

    async def let_in(self, connection: Connection, handler: BaseRouteHandler) -> None:
        """A guard to stand behind the one that lets people in: whoever comes here has come in.

        A coroutine, since the framework would run a plain function in a thread.
        """
        if OPEN.items() <= handler.opt.items():
            return
        by = self.by(connection.scope)  # type: ignore[arg-type]  # a scope is a dict
        self._logins.accepted(
            Visit(
                action=ADMIN,
                resource="admin",
                actor=by.actor,
                address=by.address,
                request_id=by.request_id,
            )
        )

    def turned_away(self, scope: Scope, error: Exception, named: str) -> None:
        """Note a refusal to the request of this id, if it was for want of a good token or key.

        What was asked for is told as the route's template: a path may hold anything.
        """
        if not isinstance(error, Unauthenticated | OutOfScope):
            return
        address = self._peers.address(scope)
        template: str = scope.get("path_template", "")
        self._logins.refused(
            Visit(
                action=ADMIN if template else CALLER,
                resource=template or scope["path"],
                actor="",
                address=_shown(address),
                request_id=named,
                why=error.code,
            ),
            peer=bucket(address),
        )


def _shown(address: Address | None) -> str:
    return NOBODY if address is None else str(address)
