"""`/admin/v1/audit`: who changed what, who came in, and whether the trail is whole."""

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency

from tokenhub.admin.audit import Trail
from tokenhub.core.errors import BadRequest
from tokenhub.ports.audit import AuditQuery, AuditRow
from tokenhub.ports.stores import OUTCOMES
from tokenhub.web.auth import needs
from tokenhub.web.body import Http
from tokenhub.web.paging import number, page_of, queried
from tokenhub.web.tags import answer
from tokenhub.web.times import utc
from tokenhub.wire import audit as wire

_PAGE = 100
_TEXTS = ("action", "resource", "actor", "address", "outcome", "request_id")
# SQLite's largest id.
_MAX_ID = 10**15 - 1


class _Detail(msgspec.Struct):
    """What an entry's detail may say."""

    before: msgspec.Raw = msgspec.Raw(b"null")
    after: msgspec.Raw = msgspec.Raw(b"null")
    why: str = ""


@get("/audit", opt=needs("viewer"))
async def list_audit(request: Http, trail: NamedDependency[Trail]) -> Response[bytes]:
    query = queried(request, {"limit", "offset", "before", "since", "until", *_TEXTS})
    page = page_of(query, limit=_PAGE)
    texts = {name: query.get(name, "") for name in _TEXTS}
    if texts["outcome"] not in {"", *OUTCOMES}:
        raise BadRequest(f"outcome must be one of {', '.join(OUTCOMES)}", field="outcome")
    before = number(query, "before", default=0, least=1, most=_MAX_ID)
    found = await trail.page(
        AuditQuery(
            limit=page.limit,
            offset=page.offset,
            before=str(before or ""),
            since=trail.moment(query.get("since", ""), field="since"),
            until=trail.moment(query.get("until", ""), field="until"),
            **texts,
        )
    )
    return answer(
        wire.AuditPage(
            logs=[shown(row) for row in found.rows],
            total=found.total,
            limit=page.limit,
            offset=page.offset,
            next=found.next,
        )
    )


@post("/audit/verify", status_code=200, opt=needs("owner"))
async def verify_audit(request: Http, trail: NamedDependency[Trail]) -> Response[bytes]:
    query = queried(request, {"id", "hash"})
    row_id = number(query, "id", default=0, least=1, most=_MAX_ID)
    found = await trail.verify(row_id=row_id, digest=query.get("hash", ""))
    broken = found.broken
    return answer(
        wire.AuditVerified(
            ok=broken is None,
            rows=found.rows,
            last_id=found.last_id,
            last_hash=found.last_hash,
            broken=None if broken is None else wire.AuditBroken(id=broken.id, reason=broken.reason),
        )
    )


def shown(row: AuditRow) -> wire.AuditEntry:
    entry = row.entry
    said = _said(entry.detail)
    return wire.AuditEntry(
        id=row.id,
        timestamp=utc(entry.at),
        action=entry.action,
        resource=entry.resource,
        actor=entry.actor,
        address=entry.address,
        outcome=entry.outcome,
        times=entry.times,
        request_id=entry.request_id,
        detail=entry.detail,
        before=said.before,
        after=said.after,
        why=said.why,
        hash=row.hash,
    )


def _said(detail: str) -> _Detail:
    """The parts of a detail; none where it is empty, or of another form."""
    try:
        return msgspec.json.decode(detail or "{}", type=_Detail)
    except msgspec.DecodeError:
        return _Detail()
