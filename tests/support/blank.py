"""A server's files as its first start leaves them, without the forty commits of all migrations.

What a start makes of nothing is tested where a process is started over an empty folder
(`child`), and in tests/unit/adapters/sqlite.
"""

import tempfile
from functools import cache
from pathlib import Path

from tokenhub.adapters.sqlite import files
from tokenhub.adapters.sqlite.migrations import TELEMETRY, TOKENHUB, Schema
from tokenhub.adapters.sqlite.stores import telemetry_path


def lay(path: Path) -> None:
    """Put both files in place, unless there is one at `path`."""
    if path.exists():
        return
    for place, schema in ((path, TOKENHUB), (telemetry_path(path), TELEMETRY)):
        files.create(place)
        place.write_bytes(_content(schema))


@cache
def _content(schema: Schema) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "blank"
        files.create(path)
        conn = files.connect(path, "NORMAL")
        try:
            schema.apply(conn, path)
        finally:
            conn.close()
        return path.read_bytes()
