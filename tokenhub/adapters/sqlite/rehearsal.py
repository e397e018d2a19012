"""A copy of a database to try something on."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tokenhub.core.errors import Unavailable


def copied(path: Path, folder: Path) -> Path:
    """The database as it is now, in `folder`; nothing is copied where there is none yet.

    It only reads, so that a server may be running on it. Raises Unavailable.
    """
    copy = folder / "tokenhub.sqlite"
    if not path.exists():
        return copy
    try:
        with (
            closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as from_,
            closing(sqlite3.connect(copy)) as to,
        ):
            from_.backup(to)
    except sqlite3.Error as error:
        raise Unavailable(
            f"{path} cannot be copied to {folder} ({error}); is there room for it?",
            code="database_unusable",
        ) from error
    return copy
