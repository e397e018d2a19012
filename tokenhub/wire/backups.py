"""Backups, as the admin API shows them."""

import msgspec


class BackupFile(msgspec.Struct, kw_only=True):
    name: str
    bytes: int
    sha256: str


class Backup(msgspec.Struct, kw_only=True):
    """`path` is on the server's machine. `reason` is `asked for`, `timer`, `offline` or `upgrade`.

    `made_at` is RFC 3339. A name is a time, or says before which upgrade it was made.
    """

    name: str
    path: str
    made_at: str
    reason: str
    bytes: int
    took_ms: int
    files: list[BackupFile]


class BackupMade(msgspec.Struct, kw_only=True):
    ok: bool
    backup: Backup


class BackupPage(msgspec.Struct, kw_only=True):
    """Newest first."""

    items: list[Backup]
    total: int
    limit: int
    offset: int
