"""`/admin/v1/backup` and `/admin/v1/backups`: copies of all that is kept, made while it is used."""

import asyncio

from litestar import Response, get, post
from litestar.di import NamedDependency

from tokenhub.admin.backups import Backups
from tokenhub.admin.changes import By
from tokenhub.ports.backups import Backup
from tokenhub.web.auth import needs
from tokenhub.web.body import Http
from tokenhub.web.paging import page_of, queried
from tokenhub.web.tags import answer
from tokenhub.web.times import utc
from tokenhub.wire import backups as wire


@post("/backup", status_code=200, opt=needs("owner"))
async def make_backup(
    request: Http, backups: NamedDependency[Backups], by: NamedDependency[By]
) -> Response[bytes]:
    queried(request, ())
    # A caller who leaves does not break it off: what is half made would only be made again.
    made = await asyncio.shield(backups.make(by=by))
    return answer(wire.BackupMade(ok=True, backup=_shown(made)))


@get("/backups", opt=needs("owner"))
async def list_backups(request: Http, backups: NamedDependency[Backups]) -> Response[bytes]:
    page = page_of(queried(request, ("limit", "offset")))
    rows = await backups.list()
    return answer(
        wire.BackupPage(
            items=[_shown(row) for row in page.cut(rows)],
            total=len(rows),
            limit=page.limit,
            offset=page.offset,
        )
    )


def _shown(row: Backup) -> wire.Backup:
    return wire.Backup(
        name=row.name,
        path=row.path,
        made_at=utc(row.at),
        reason=row.reason,
        bytes=row.bytes,
        took_ms=round(row.took_s * 1000),
        files=[
            wire.BackupFile(name=file.name, bytes=file.bytes, sha256=file.sha256)
            for file in row.files
        ],
    )
