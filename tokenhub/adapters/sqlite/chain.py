"""The rows of the audit trail, and the chain through them.

`audit_chain` keeps two places of the chain: `head` is its last row, so that rows taken from the
end are missed; `base` is the last row that retention has taken from its beginning, where the
chain goes on from.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

from tokenhub.adapters.sqlite.entries import entered
from tokenhub.adapters.sqlite.rows import MILLI
from tokenhub.core.chain import START, link
from tokenhub.core.errors import Unavailable
from tokenhub.ports.audit import Broken
from tokenhub.ports.stores import Audit

# The order of the fields under the hash. It is a format: never change it.
_SEALED = (
    "id", "at_ms", "action", "resource", "actor", "address", "request_id", "outcome", "times",
    "detail",
)  # fmt: skip
_INSERT = (
    f"INSERT INTO audit_log ({','.join(_SEALED)}, hash) "  # noqa: S608 (constants)
    f"VALUES ({','.join('?' * (len(_SEALED) + 1))})"
)
# As bytes: a text that somebody has made invalid must not keep us from naming its row.
_READ = (
    "SELECT id, at_ms, CAST(action AS BLOB), CAST(resource AS BLOB), CAST(actor AS BLOB), "
    "CAST(address AS BLOB), CAST(request_id AS BLOB), CAST(outcome AS BLOB), times, "
    "CAST(detail AS BLOB), hash FROM audit_log WHERE id > ? ORDER BY id LIMIT ?"
)
CREATE = (
    "ALTER TABLE audit_log RENAME TO audit_unchained",
    """
    CREATE TABLE audit_log (
        id INTEGER PRIMARY KEY,
        at_ms INTEGER NOT NULL,
        action TEXT NOT NULL,
        resource TEXT NOT NULL,
        actor TEXT NOT NULL,
        address TEXT NOT NULL,
        request_id TEXT NOT NULL,
        outcome TEXT NOT NULL,
        times INTEGER NOT NULL,
        detail TEXT NOT NULL,
        hash BLOB NOT NULL CHECK (length(hash) = 32)
    ) STRICT
    """,
    """
    CREATE TABLE audit_chain (
        place TEXT PRIMARY KEY CHECK (place IN ('base', 'head')),
        id INTEGER NOT NULL,
        hash BLOB NOT NULL CHECK (length(hash) = 32)
    ) STRICT, WITHOUT ROWID
    """,
    "INSERT INTO audit_chain VALUES ('base', 0, zeroblob(32)), ('head', 0, zeroblob(32))",
)


class Link(NamedTuple):
    """A place of the chain: a row's id and hash; 0 and START before the first."""

    id: int
    hash: bytes


ORIGIN = Link(0, START)


class Walked(NamedTuple):
    """A stretch of the chain that was checked: its last good row, and what ended it."""

    at: Link
    rows: int
    broken: Broken | None
    finished: bool


def append(conn: sqlite3.Connection, audit: Audit) -> int:
    """Write an entry at the end of the chain; returns its id. Call it in a transaction.

    Raises Unavailable where the trail's own tables refuse it; what the entry is about must then
    not happen.
    """
    try:
        number = _append(conn, audit)
    except sqlite3.IntegrityError as error:
        raise Unavailable(
            "nothing was changed: the audit trail takes no entry for it; "
            'look with "tokenhubctl audit verify", and restore a backup where it is damaged',
            code="audit_unavailable",
        ) from error
    entered(conn, audit)
    return number


def adopt(conn: sqlite3.Connection) -> None:
    """Take the rows of before the chain into it; the last part of its migration."""
    rows = conn.execute(
        "SELECT id, at_ms, action, resource, actor, '', request_id, 'ok', 1, detail "
        "FROM audit_unchained ORDER BY id"
    )
    head = ORIGIN
    for row in rows:
        head = Link(row[0], link(head.hash, map(_field, row)))
        conn.execute(_INSERT, (*row, head.hash))
    _move(conn, "head", head)
    conn.execute("DROP TABLE audit_unchained")


def walk(conn: sqlite3.Connection, after: Link, limit: int) -> Walked:
    """Check at most so many rows behind a good one. All that it reads must be of one moment."""
    after = max(after, _place(conn, "base"), key=lambda place: place.id)
    rows = conn.execute(_READ, (after.id, limit)).fetchall()
    for count, (*fields, kept) in enumerate(rows):
        if (sealed := link(after.hash, fields)) != kept:
            bad = Broken(id=fields[0], reason=_why(after, fields[0]))
            return Walked(after, count, bad, finished=True)
        after = Link(fields[0], sealed)
    finished = len(rows) < limit
    broken = _missing(after, _place(conn, "head")) if finished else None
    return Walked(after, len(rows), broken, finished=finished)


def cut(conn: sqlite3.Connection, *, before: float, limit: int) -> int:
    """Forget at most so many of the oldest entries, of before a Unix time; returns how many.

    The chain goes on from the last of them. For retention; call it in a transaction.
    """
    rows = conn.execute(
        "SELECT id, hash, at_ms FROM audit_log ORDER BY id LIMIT ?", (limit,)
    ).fetchall()
    count = next((n for n, row in enumerate(rows) if row[2] >= before * MILLI), len(rows))
    if not count:
        return 0
    last = Link(*rows[count - 1][:2])
    conn.execute("DELETE FROM audit_log WHERE id <= ?", (last.id,))
    _move(conn, "base", last)
    return count


def head_of(conn: sqlite3.Connection) -> Link:
    """The end of the chain."""
    return _place(conn, "head")


def _append(conn: sqlite3.Connection, audit: Audit) -> int:
    head = _place(conn, "head")
    (last,) = conn.execute("SELECT max(id) FROM audit_log").fetchone()
    # A row that somebody else has put there is found by `walk`, and keeps nobody from writing on.
    number = max(head.id, last or 0) + 1
    texts = (
        audit.action,
        audit.resource,
        audit.actor,
        audit.address,
        audit.request_id,
        audit.outcome,
    )
    at_ms = round(audit.at * MILLI)
    fields = (number, at_ms, *texts, audit.times, audit.detail)
    conn.execute(_INSERT, (*fields, sealed := link(head.hash, map(_field, fields))))
    _move(conn, "head", Link(number, sealed))
    return number


def _missing(last: Link, head: Link) -> Broken | None:
    if last == head:
        return None
    if last.id < head.id:
        return Broken(id=head.id, reason=f"every row from {last.id + 1} on is missing")
    return Broken(id=last.id, reason="the end of the chain was changed")


def _why(before: Link, number: int) -> str:
    if number != before.id + 1:
        return f"rows {before.id + 1} to {number - 1} before it are missing"
    return "it is not what was written, or not where it was written"


def _field(value: Any) -> bytes | int:
    return value if isinstance(value, int) else value.encode("utf-8", "surrogatepass")


def _place(conn: sqlite3.Connection, place: str) -> Link:
    row: Sequence[Any] | None = conn.execute(
        "SELECT id, hash FROM audit_chain WHERE place = ?", (place,)
    ).fetchone()
    return ORIGIN if row is None else Link(*row)


def _move(conn: sqlite3.Connection, place: str, to: Link) -> None:
    conn.execute(
        "INSERT INTO audit_chain VALUES (?, ?, ?) "
        "ON CONFLICT (place) DO UPDATE SET id = excluded.id, hash = excluded.hash",
        (place, *to),
    )
