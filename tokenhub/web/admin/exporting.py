"""Long lists as files: rows as CSV or NDJSON, written while they are read."""

import csv
import io
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, TypeVar

import msgspec
from litestar import Response
from litestar.response import Stream

R = TypeVar("R")

CSV, NDJSON = "csv", "ndjson"
MEDIA = {CSV: "text/csv", NDJSON: "application/x-ndjson"}
# A cell that begins with one of these is a formula to a spreadsheet, which may then send what
# stands beside it to a stranger (OWASP, "CSV Injection"); East Asian ones take the wide forms too.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


async def exported(
    pages: AsyncIterator[Sequence[R]],
    rows_of: Callable[[R], Sequence[msgspec.Struct]],
    *,
    kind: type[msgspec.Struct],
    form: str,
) -> Response[Any]:
    """The answer that writes every row of the pages; what fails before the first is an error.

    `kind` is what the rows are. Lists have no place in CSV: it has how long they are.
    """
    first = await anext(pages, ())
    written = _csv if form == CSV else _ndjson

    async def content() -> AsyncIterator[bytes]:
        if form == CSV:
            yield _sheet([kind.__struct_fields__])
        yield written([row for it in first for row in rows_of(it)])
        async for page in pages:
            yield written([row for it in page for row in rows_of(it)])

    disposition = f'attachment; filename="tokenhub-logs.{form}"'
    return Stream(content(), media_type=MEDIA[form], headers={"content-disposition": disposition})


def _ndjson(rows: Sequence[msgspec.Struct]) -> bytes:
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def _csv(rows: Sequence[msgspec.Struct]) -> bytes:
    return _sheet([[_cell(value) for value in msgspec.structs.astuple(row)] for row in rows])


def _sheet(lines: Sequence[Sequence[object]]) -> bytes:
    """RFC 4180."""
    sheet = io.StringIO()
    csv.writer(sheet).writerows(lines)
    return sheet.getvalue().encode()


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return len(value)
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
