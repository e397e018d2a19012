"""`/admin/v1/routing/explain/{id}`: a decision in words, and computed again where that is asked."""

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from tokenhub.admin.logs import Logs
from tokenhub.admin.verify import Verified, Verifier
from tokenhub.core.errors import BadRequest
from tokenhub.web.admin import decisions
from tokenhub.web.admin.logs import shown
from tokenhub.web.admin.words import explanation
from tokenhub.web.auth import needs
from tokenhub.web.body import Http
from tokenhub.web.paging import queried
from tokenhub.web.tags import answer
from tokenhub.wire import explain as wire

_FLAGS = {"true": True, "1": True, "false": False, "0": False}


@get("/routing/explain/{request_id:path}", opt=needs("viewer"))
async def explain_request(
    request: Http,
    request_id: FromPath[str],
    logs: NamedDependency[Logs],
    verifier: NamedDependency[Verifier],
) -> Response[bytes]:
    asked = queried(request, ("verify",)).get("verify", "false")
    if asked not in _FLAGS:
        raise BadRequest("verify must be true or false", field="verify")
    found = await logs.get(request_id.removeprefix("/"))
    row = shown(found.row)
    decision = None if found.decision is None else decisions.shown(found.decision)
    told = wire.Explained(request=row, decision=decision, explanation=explanation(row, decision))
    return answer(_with(told, await verifier.verify(found.row)) if _FLAGS[asked] else told)


def _with(told: wire.Explained, found: Verified) -> wire.Explained:
    told.verified = found.same
    told.differences = list(found.differences)
    told.reason = found.reason
    return told
