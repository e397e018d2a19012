"""`/admin/v1/views`: names for filters of the log.

The rest of the path is the name, so that one with a slash is told that it is none.
"""

from litestar import Response, delete, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath

from tokenhub.admin.changes import By
from tokenhub.admin.views import Views
from tokenhub.ports.views import View
from tokenhub.web.auth import needs
from tokenhub.web.body import Http, body_of
from tokenhub.web.paging import page_of, queried
from tokenhub.web.tags import answer, if_match
from tokenhub.wire import views as wire
from tokenhub.wire.catalog import Done


@get("/views", opt=needs("viewer"))
async def list_views(request: Http, views: NamedDependency[Views]) -> Response[bytes]:
    page = page_of(queried(request, ("limit", "offset")))
    rows = views.every()
    items = [shown(row) for row in page.cut(rows)]
    return answer(wire.ViewPage(items=items, total=len(rows), limit=page.limit, offset=page.offset))


@get("/views/{name:path}", opt=needs("viewer"))
async def get_view(
    request: Http, name: FromPath[str], views: NamedDependency[Views]
) -> Response[bytes]:
    queried(request, ())
    row = views.get(_name(name))
    return answer(shown(row), version=row.version)


@put("/views/{name:path}", opt=needs("operator", rehearses=True))
async def put_view(
    request: Http, name: FromPath[str], views: NamedDependency[Views], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    sent = await body_of(request, wire.ViewPut)
    view = View(name=_name(name), filter=sent.filter, columns=tuple(sent.columns))
    row = await views.put(view, by=by, expected=if_match(request))
    return answer(shown(row), version=row.version)


@delete("/views/{name:path}", status_code=200, opt=needs("operator", rehearses=True))
async def delete_view(
    request: Http, name: FromPath[str], views: NamedDependency[Views], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    await views.delete(_name(name), by=by, expected=if_match(request))
    return answer(Done())


def shown(row: View) -> wire.View:
    return wire.View(
        name=row.name, filter=row.filter, columns=list(row.columns), version=row.version
    )


def _name(rest: str) -> str:
    return rest.removeprefix("/")
