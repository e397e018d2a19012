"""Whether a file that refused a commit takes one again: a commit that needs room, and no trace.

An update in place tells nothing: on a full disk it goes through, and the next request's rows do
not. So a probe inserts a row that needs pages of its own, and deletes it in a later transaction;
within one, the delete would give the pages back before they were ever needed.
"""

import sqlite3

# What a batch of a hundred requests with their attempts takes.
ROOM_BYTES = 64 * 1024

EVERY_S = 1.0


def claim(conn: sqlite3.Connection) -> None:
    """Take the room. The file must have the table `probes`."""
    conn.execute("INSERT INTO probes (filler) VALUES (zeroblob(?))", (ROOM_BYTES,))


def release(conn: sqlite3.Connection) -> None:
    """Give back what this and earlier probes took."""
    conn.execute("DELETE FROM probes")


def doubt(_conn: sqlite3.Connection) -> None:
    """Fail as if this connection had met the page that a reader could not read.

    It may have a good copy of it in memory, and go on with that. What fails here is opened anew,
    and all of the file is looked at.
    """
    error = sqlite3.DatabaseError("a page of it is damaged")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    raise error
