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
