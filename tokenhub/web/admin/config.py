"""`/admin/v1/config`: the configuration as one document."""

import asyncio

from litestar import Response, get, put
from litestar.di import NamedDependency

from tokenhub.admin.applying import Configuration
from tokenhub.admin.changes import By
from tokenhub.admin.declared import Applied
from tokenhub.core.errors import BadRequest
from tokenhub.web.admin.declaring import change_of, document_of, notes, wanted
from tokenhub.web.auth import needs
from tokenhub.web.body import Http, body_of
from tokenhub.web.paging import queried
from tokenhub.web.tags import answer, if_match
from tokenhub.wire import config as wire


@get("/config/export", opt=needs("viewer"))
async def export_config(
    request: Http, configuration: NamedDependency[Configuration]
) -> Response[bytes]:
    query = queried(request, ("kind", "refs"))
    refs = query.get("refs", "omit")
    if refs not in wire.REFS:
        raise BadRequest(f"refs must be one of {', '.join(wire.REFS)}", field="refs")
    sections = [name for name in query.get("kind", "").split(",") if name]
    for name in sections:
        if name not in wire.SECTIONS:
            raise BadRequest(f"kind must be of {', '.join(wire.SECTIONS)}", field="kind")
    state = configuration.state()
    document = document_of(state, sections or wire.SECTIONS, refs=refs)
    return answer(document, version=state.mark)


@put("/config", opt=needs("owner", rehearses=True))
async def apply_config(
    request: Http, configuration: NamedDependency[Configuration], by: NamedDependency[By]
) -> Response[bytes]:
    query = queried(request, ("prune",))
    prune = query.get("prune", "false")
    if prune not in {"true", "false"}:
        raise BadRequest("prune must be true or false", field="prune")
    document = await body_of(request, wire.Document)
    applied = await configuration.apply(
        wanted(document), prune=prune == "true", by=by, expected=if_match(request)
    )
    # In a thread, so that requests go on: of thousands of rows it takes a while.
    return await asyncio.to_thread(_told, applied, document, by)


def _told(applied: Applied, document: wire.Document, by: By) -> Response[bytes]:
    changes = [change_of(step) for step in applied.steps]
    made = [
        wire.MadeKey(id=one.key.id, name=one.key.name, key=one.secret) for one in applied.issued
    ]
    told = wire.Applied(
        dry_run=by.rehearsed,
        changed=sum(change.action != "same" for change in changes),
        version=applied.version,
        changes=changes,
        keys=[] if by.rehearsed else made,
        notes=notes(document, applied),
    )
    return answer(told, version=applied.mark)
