"""Calls about backups."""

from tokenhub.client.call import Call, query
from tokenhub.wire.backups import BackupMade, BackupPage


def make_backup() -> Call[BackupMade]:
    """A backup of all that the server keeps; the answer comes when it is done."""
    return Call(method="POST", path="/admin/v1/backup", returns=BackupMade)


def list_backups(*, limit: int | None = None, offset: int | None = None) -> Call[BackupPage]:
    """The backups that the server has, newest first."""
    return Call(
        method="GET",
        path="/admin/v1/backups",
        query=query(limit=limit, offset=offset),
        returns=BackupPage,
    )
