"""Rows into a table, many in one statement."""

import sqlite3
from collections.abc import Mapping, Sequence

import msgspec

# sqlite3 hands the interpreter lock over around each step of a statement, so one statement with all
# rows is cheapest. CPU of one `append` at 32 callers, tried one after the other on one machine: one
# statement of the exact number of rows 11.6 us, statements of 64, 32, 16 ... rows 12.7, executemany
# 13.3, a statement for each row 15.3. 64 rows of 16 columns are far below SQLite's 32,766
# variables, and 64 statements of each of two tables fit the statement cache (files.py).
ROWS_AT_ONCE = 64
# Times in a row are whole milliseconds.
MILLI = 1_000


class Table(msgspec.Struct, frozen=True):
    """A table that rows are appended to. The first column is what a row is found by."""

    name: str
    columns: tuple[str, ...]


class Inserts:
    """The INSERT statements of one table, one for each number of rows, made when needed."""

    __slots__ = ("_row", "_sql", "_start", "width")

    def __init__(self, table: Table, *, verb: str = "INSERT") -> None:
        self.width = len(table.columns)
        self._start = f"{verb} INTO {table.name} ({','.join(table.columns)}) VALUES "
        self._row = f"({','.join('?' * self.width)})"
        self._sql: dict[int, str] = {}

    def run(self, conn: sqlite3.Connection, values: Sequence[object]) -> None:
        """Insert rows given as one flat sequence of their values."""
        step = self.width * ROWS_AT_ONCE
        for start in range(0, len(values), step):
            part = values[start : start + step]
            conn.execute(self._statement(len(part) // self.width), part)

    def _statement(self, rows: int) -> str:
        sql = self._sql.get(rows)
        if sql is None:
            sql = self._sql[rows] = self._start + ",".join([self._row] * rows)
        return sql


def counted(conn: sqlite3.Connection, table: str, clause: str, values: Sequence[object]) -> int:
    """How many rows of a table a WHERE clause with these values is true of."""
    row = conn.execute(f"SELECT count(*) FROM {table} {clause}", values)  # noqa: S608 (values are bound)
    count: int = row.fetchone()[0]
    return count


def where(conditions: Mapping[str, object]) -> tuple[str, list[object]]:
    """The WHERE clause of those conditions that have a value, and the values to bind to it."""
    given = {text: value for text, value in conditions.items() if value}
    return (f"WHERE {' AND '.join(given)}" if given else ""), list(given.values())
