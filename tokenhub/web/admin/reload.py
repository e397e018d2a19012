"""`POST /admin/v1/reload`."""

from litestar import Response, post
from litestar.di import NamedDependency

from tokenhub.admin.changes import By
from tokenhub.admin.reload import Reload
from tokenhub.web.auth import needs
from tokenhub.web.body import Http
from tokenhub.web.paging import queried
from tokenhub.web.tags import answer
from tokenhub.wire import reload as wire


@post("/reload", status_code=200, opt=needs("owner"))
async def reload_settings(
    request: Http, reload: NamedDependency[Reload], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    done = await reload(by)
    return answer(
        wire.Reloaded(
            changes=[
                wire.SettingChange(
                    name=one.name, before=one.before, after=one.after, restart=one.restart
                )
                for one in done.differences
            ],
            notes=list(done.notes),
        )
    )
