"""`/admin/v1/workflows`: what the original shows where it has no Temporal (9.5 of its description).

Ids may hold slashes, and the history of one is `.../history` behind it: the rest of the path says
which of the two is meant, and both have the same answer.
"""

from litestar import Response, get
from litestar.params import FromPath

from tokenhub.core.errors import BadRequest
from tokenhub.web.auth import needs
from tokenhub.web.body import Http
from tokenhub.web.paging import number, queried
from tokenhub.web.tags import answer
from tokenhub.wire.orchestrations import NoWorkflow, WorkflowPage

_STATUSES = frozenset(
    ("RUNNING", "COMPLETED", "FAILED", "CANCELED", "TERMINATED", "CONTINUED_AS_NEW", "TIMED_OUT")
)
_PAGE, _MAX_PAGE = 50, 200


@get("/workflows", opt=needs("viewer"))
async def list_workflows(request: Http) -> Response[bytes]:
    query = queried(request, ("limit", "status"))
    number(query, "limit", default=_PAGE, least=1, most=_MAX_PAGE)
    status = query.get("status", "")
    if status and status.upper() not in _STATUSES:
        raise BadRequest(
            f"invalid status filter; use one of {', '.join(sorted(_STATUSES))}", field="status"
        )
    return answer(WorkflowPage(workflows=[], temporal_enabled=False))


@get("/workflows/{workflow_id:path}", opt=needs("viewer"))
async def get_workflow(request: Http, workflow_id: FromPath[str]) -> Response[bytes]:
    del workflow_id  # There is none of that id, nor of any other.
    queried(request, ())
    return answer(NoWorkflow(temporal_enabled=False))
