"""Which audit entries a job has written, so that they are told of once they are committed."""

import sqlite3
from typing import Any

from tokenhub.ports.stores import Audit


class Entering(sqlite3.Connection):
    """A connection that remembers the audit entries of the job that runs on it."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.entries: list[Audit] = []


def entered(conn: sqlite3.Connection, audit: Audit) -> None:
    """Note that the job has written this entry."""
    if isinstance(conn, Entering):
        conn.entries.append(audit)


def taken(conn: sqlite3.Connection) -> list[Audit]:
    """What was noted since the last time, and not any more."""
    if not isinstance(conn, Entering) or not conn.entries:
        return []
    found, conn.entries = conn.entries, []
    return found
