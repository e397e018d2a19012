"""`?dry_run=true`: the same checks and the same answer, and nothing comes of it.

The use cases of such a request work on copies of what there is (`Parts.rehearse`). Routes say in
their marks whether they can be rehearsed (`auth.needs`); what has an effect elsewhere cannot.
"""

from collections.abc import Mapping
from typing import Any

from litestar.handlers import BaseRouteHandler

from tokenhub.core.errors import BadRequest
from tokenhub.parts import Parts
from tokenhub.web.auth import REHEARSES, Connection

DRY_RUN = "dry_run"
# Where the scope of a request that is rehearsed has its parts.
_PARTS = "tokenhub.rehearsal"
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


def rehearse(connection: Connection, handler: BaseRouteHandler, parts: Parts) -> None:
    """Give a request copies to work on, where it asks for that. Raises BadRequest.

    A query that only reads is left to its handler, which knows no such parameter.
    """
    given = connection.query_params.getall(DRY_RUN, [])
    if not given or connection.scope.get("method") in _READING:
        return
    if given not in (["true"], ["false"]):
        raise BadRequest("dry_run must be true or false, and be given once", field=DRY_RUN)
    if REHEARSES not in handler.opt:
        raise BadRequest(
            "this has no dry run: it acts at once, on more than what is stored, or changes nothing "
            "anyway; leave dry_run out",
            code="no_dry_run",
            field=DRY_RUN,
        )
    if given == ["true"]:
        connection.scope[_PARTS] = parts.rehearse(parts)  # type: ignore[literal-required]  # a scope is a dict


def parts_of(scope: Mapping[str, Any], parts: Parts) -> Parts:
    """The parts that a request works on: its own copies, or `parts`."""
    found: Parts = scope.get(_PARTS, parts)
    return found


def rehearsed(scope: Mapping[str, Any]) -> bool:
    """Whether nothing may come of a request."""
    return _PARTS in scope
