"""`/admin/v1/log-level`."""

from litestar import Response, get, put
from litestar.di import NamedDependency

from tokenhub.admin.changes import By
from tokenhub.admin.log_level import LogLevel
from tokenhub.web.auth import needs
from tokenhub.web.body import Http, body_of
from tokenhub.web.paging import queried
from tokenhub.web.tags import answer
from tokenhub.wire import log_level as wire


@get("/log-level", opt=needs("viewer"))
async def get_log_level(request: Http, log_level: NamedDependency[LogLevel]) -> Response[bytes]:
    queried(request, ())
    return answer(wire.LogLevel(level=log_level.current()))


@put("/log-level", opt=needs("operator", rehearses=True))
async def put_log_level(
    request: Http, log_level: NamedDependency[LogLevel], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    sent = await body_of(request, wire.LogLevel)
    await log_level.put(sent.level, by=by)
    return answer(sent)  # as it is now, or would be where it was only rehearsed
