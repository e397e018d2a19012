"""Results on stdout, everything else on stderr. Nothing else in this package writes to a stream."""

import csv
import io
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from tokenhub_cli.options import Form
from tokenhub_cli.text import cells, clean, escaped, plain

R = TypeVar("R")
GAP = "  "
# Columns of a terminal that a text must have left to be wrapped.
LEAST_ROOM = 20


class Column(msgspec.Struct, Generic[R], frozen=True):
    """One column: `key` heads it in csv, `head` in a table (or the key, in upper case).

    `show` makes the value fit for eyes; csv has it as it is. Numbers stand to the right. A `spare`
    one is left out of the list where the terminal is too narrow for all.
    """

    key: str
    value: Callable[[R], object]
    show: Callable[[Any], str] = plain
    right: bool = False
    head: str = ""
    spare: bool = False

    @property
    def title(self) -> str:
        return self.head or self.key.replace("_", " ").upper()


class View(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    """How the rows of one kind are shown. `name` tells one from another.

    `value` is what a script wants of a row, where that is not its name.
    """

    kind: str
    name: Callable[[R], str]
    columns: tuple[Column[R], ...]
    value: Callable[[R], str] | None = None


class Output:
    """Writes results in the form that was asked for."""

    def __init__(self, form: Form = Form.TABLE, *, headers: bool = True) -> None:
        self.form = form
        self._headers = headers

    def show(
        self,
        answer: object,
        view: View[R],
        rows: Sequence[R],
        *,
        lines: Sequence[str] | None = None,
    ) -> None:
        """Write an answer of the server, of which `rows` are what it is about.

        `lines` take the place of the table, where a table would say it worse.
        """
        if self.form is Form.JSON:
            _lines(_json(answer))
        elif self.form is Form.JSONL:
            _lines(escaped(msgspec.json.encode(row).decode()) for row in rows)
        elif self.form is Form.NAME:
            _lines(f"{view.kind}/{view.name(row)}" for row in rows)
        elif self.form is Form.VALUE:
            _lines(map(view.value or view.name, rows))
        elif self.form is Form.CSV:
            _write(_csv(view, rows, headers=self._headers))
        elif self.form is Form.TABLE:
            if lines is None:
                self._table(view, rows)
            else:
                _lines(lines)

    def page(
        self, answer: object, view: View[R], rows: Sequence[R], *, total: int, offset: int
    ) -> None:
        """Write a page of a list, and tell where it goes on."""
        self.show(answer, view, rows)
        end = offset + len(rows)
        if rows and end < total:
            talk(f"note: rows {offset + 1} to {end} of {total}; more with --offset {end}")

    def changed(self, answer: object, view: View[R], row: R, what: str) -> None:
        """Write what a change came to: one line, or the row as it is now."""
        self.show(answer, view, [row], lines=[f"{view.kind}/{view.name(row)} {what}"])

    def deleted(self, answer: object, kind: str, name: str) -> None:
        """Write that it is gone; there is no row to show any more."""
        gone: View[str] = View(kind=kind, name=str, columns=(Column("id", str),))
        if self.form is Form.JSONL:
            _lines(_json(answer))
            return
        self.show(answer, gone, [name], lines=[f"{kind}/{name} deleted"])

    def _table(self, view: View[R], rows: Sequence[R]) -> None:
        """Write a table that fits the terminal; a row alone that does not goes below itself."""
        seen = _fitting(view, rows)
        spared = [column.title for column in view.columns if column not in seen.columns]
        if spared and len(rows) == 1:
            _lines(_upright(view, rows[0]))
            return
        _lines(table(seen, rows, headers=self._headers))
        if spared and rows:
            talk(f"note: this terminal has no room for {', '.join(spared)}; -o json has all")

    def text(self, line: str) -> None:
        """Write one line, as it is."""
        _write(line + "\n")


def table(view: View[R], rows: Sequence[R], *, headers: bool = True) -> list[str]:
    """Lines of columns, two spaces apart; nothing stands to the right of the last word.

    At a terminal that is too narrow for it, a text in the last column goes on below itself.
    """
    lines = [[clean(col.show(col.value(row))) for col in view.columns] for row in rows]
    if headers:
        lines.insert(0, [column.title for column in view.columns])
    if not lines:
        return []
    widths = [max(map(cells, column)) for column in zip(*lines, strict=True)]
    rights = [column.right for column in view.columns]
    room = _columns() - sum(widths[:-1]) - len(GAP) * (len(widths) - 1)
    blank = [""] * (len(widths) - 1)
    wrapped = []
    for *before, last in lines:
        first, *rest = [last] if rights[-1] else _wrapped(last, room)
        wrapped += [[*before, first], *([*blank, part] for part in rest)]
    return [GAP.join(map(_padded, line, widths, rights)).rstrip() for line in wrapped]


def _fitting(view: View[R], rows: Sequence[R]) -> View[R]:
    """The view without those of its spare columns that the terminal has no room for."""
    widths = [
        max(cells(column.title), *(cells(clean(column.show(column.value(row)))) for row in rows), 0)
        + len(GAP)
        for column in view.columns
    ]
    room = _columns() + len(GAP)
    taken = sum(w for w, column in zip(widths, view.columns, strict=True) if not column.spare)
    seen = []
    for width, column in zip(widths, view.columns, strict=True):
        if column.spare:
            if taken + width > room:
                continue
            taken += width
        seen.append(column)
    return msgspec.structs.replace(view, columns=tuple(seen))


def _upright(view: View[R], row: R) -> list[str]:
    """A row as lines, one for each column."""
    width = max(cells(column.title) for column in view.columns)
    return [
        _padded(column.title, width, right=False) + GAP + column.show(column.value(row))
        for column in view.columns
    ]


def talk(line: str) -> None:
    """One line for the person at the terminal."""
    sys.stderr.write(clean(line) + "\n")
    sys.stderr.flush()


def attended() -> bool:
    """Whether somebody is there to answer a question."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str) -> bool:
    """Whether the person at the terminal says yes.

    typer's own question ends on stdout, which is for data alone.
    """
    sys.stderr.write(f"{clean(question)} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _write(text: str) -> None:
    """To stdout as UTF-8, whatever the locale says."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    sys.stdout.buffer.flush()


def _lines(lines: Iterable[str]) -> None:
    _write("".join(clean(line) + "\n" for line in lines))


def _json(answer: object) -> list[str]:
    """As the API gives it: indented for eyes, in one line for a pipe."""
    text = msgspec.json.encode(answer)
    if sys.stdout.isatty():
        text = msgspec.json.format(text, indent=2)
    return [escaped(line) for line in text.decode().splitlines()]


def _csv(view: View[R], rows: Sequence[R], *, headers: bool) -> str:
    """RFC 4180."""
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    if headers:
        writer.writerow([column.key for column in view.columns])
    for row in rows:
        writer.writerow([_raw(column.value(row)) for column in view.columns])
    return sheet.getvalue()


def _raw(value: object) -> object:
    """A cell of csv: bare numbers, nothing for none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return clean(",".join(map(str, value)))
    return clean(value) if isinstance(value, str) else value


def _columns() -> int:
    """How wide the terminal is; where there is none, nothing is too wide."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize


def _wrapped(text: str, room: int) -> list[str]:
    """Lines of a text, between its words; one where they would be too short to read."""
    if room < LEAST_ROOM:
        return [text]
    return textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [text]


def _padded(text: str, width: int, right: bool) -> str:  # noqa: FBT001 - map() gives positions
    gap = " " * (width - cells(text))
    return gap + text if right else text + gap
