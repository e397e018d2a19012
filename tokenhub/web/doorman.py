"""Tells the audit trail who came in and who was turned away, at both doors."""

from collections.abc import Callable, MutableMapping
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from tokenhub.admin.logins import Logins, Visit
from tokenhub.core.addresses import NOBODY, Address, bucket
from tokenhub.core.errors import OutOfScope, TooManyFailures, Unauthenticated, WrongPassword
from tokenhub.web.auth import Entry, by, operator_of

Scope = MutableMapping[str, Any]
Connection = ASGIConnection[Any, Any, Any, Any]

ADMIN, CALLER = "auth.admin", "auth.key"


class Doorman:
    """One for each door. `request_ids` makes the id of a request that has none yet."""

    def __init__(self, logins: Logins, entry: Entry, request_ids: Callable[[], str]) -> None:
        self._logins = logins
        self._entry = entry
        self._request_ids = request_ids

    async def let_in(self, connection: Connection, handler: BaseRouteHandler) -> None:  # noqa: ARG002 - a guard
        """A guard to stand behind the one that lets people in: whoever comes here has come in.

        A coroutine, since the framework would run a plain function in a thread.
        """
        scope: Scope = connection.scope  # type: ignore[assignment]  # a scope is a dict
        if operator_of(scope) is None:
            return  # a route for anybody
        asking = by(scope, self._request_ids, self._entry)
        self._logins.accepted(
            Visit(
                action=ADMIN,
                resource="admin",
                actor=asking.actor,
                address=asking.address,
                request_id=asking.request_id,
            )
        )

    def turned_away(self, scope: Scope, error: Exception, named: str) -> None:
        """Note a refusal to the request of this id, if it was for want of a good token or key.

        What was asked for is told as the route's template: a path may hold anything.
        """
        if not isinstance(error, Unauthenticated | OutOfScope | TooManyFailures):
            return
        if isinstance(error, WrongPassword):
            return  # whoever sent it had come in; the vault has told of it
        asking = operator_of(scope)
        address = self._entry.peers.address(scope)
        template: str = scope.get("path_template", "")
        self._logins.refused(
            Visit(
                action=ADMIN if template else CALLER,
                resource=template or scope["path"],
                actor=asking.name if asking else "",
                address=_shown(address),
                request_id=named,
                why=error.code,
            ),
            peer=bucket(address),
        )


def _shown(address: Address | None) -> str:
    return NOBODY if address is None else str(address)
