"""Rows of the trail as CSV or lines of JSON, and how far an export is.

The log's rows come from the server as they are to be written.
"""

import csv
import io
from collections.abc import Sequence
from datetime import datetime

import msgspec

from tokenhub.wire.audit import AuditEntry

CSV, NDJSON = ".csv", ".ndjson"
# A cell that begins with one of these is a formula to a spreadsheet (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def usual_name(what: str, now: float) -> str:
    """The name of a file that nobody has named: `requests-20260131-1200.csv`."""
    return f"{what}-{datetime.fromtimestamp(now):%Y%m%d-%H%M}{CSV}"  # noqa: DTZ006 - local


def wrong_name(name: str) -> str:
    """What is wrong with a file's name; empty where nothing is."""
    if not name.strip():
        return "name a file"
    if not name.endswith((CSV, NDJSON)):
        return f"the name must end with {CSV} or {NDJSON}, which says what is written"
    return ""


def form(name: str) -> str:
    """The server's word for the form that a file's name says."""
    return "csv" if name.endswith(CSV) else "ndjson"


def head() -> bytes:
    """The first line of a sheet of the trail."""
    return _sheet([AuditEntry.__struct_fields__])


def rows(entries: Sequence[AuditEntry], form_: str) -> bytes:
    """Entries as lines."""
    if form_ == "ndjson":
        return b"".join(msgspec.json.encode(one) + b"\n" for one in entries)
    return _sheet([[_cell(value) for value in msgspec.structs.astuple(one)] for one in entries])


def lines(portion: bytes) -> int:
    """The rows that end within a portion."""
    return portion.count(b"\n")


def told(count: int, size: int, total: str) -> str:
    """How far it is: `exporting 1,200 of 5,210 · 1.4 MB`. `total` is empty where nobody knows."""
    amount = f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"  # noqa: PLR2004 - a million
    return f"exporting {count:,}{f' of {total}' if total else ''} · {amount} · E stops it"


def _sheet(table: Sequence[Sequence[object]]) -> bytes:
    sheet = io.StringIO()
    csv.writer(sheet).writerows(table)
    return sheet.getvalue().encode()


def _cell(value: object) -> object:
    if isinstance(value, msgspec.Raw):
        return bytes(value).decode("utf-8", "replace")
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
