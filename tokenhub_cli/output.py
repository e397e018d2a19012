"""Results on stdout, everything else on stderr. Nothing else in this package writes to a stream."""

import csv
import io
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
import typer

from tokenhub.client.text import (
    ago,
    cells,
    clean,
    escaped,
    harmless,
    iso,
    local,
    painted,
    plain,
    unix,
)
from tokenhub_cli.narrow import fitted, shortened, shortening
from tokenhub_cli.options import WHICH_FIELDS, Colour, Form, Shared, Times
from tokenhub_cli.rows import fields_of, value_of, wanted

R = TypeVar("R")
GAP = "  "
# Columns of a terminal that a text must have left to be wrapped.
LEAST_ROOM = 20


class Column(msgspec.Struct, Generic[R], frozen=True):
    """One column: `key` heads it in csv, `head` in a table (or the key, in upper case).

    `show` makes the value fit for eyes; csv has it as it is. Numbers stand to the right. A `spare`
    one is left out of the list where the terminal is too narrow for all, and a `wide` one unless
    `-o wide` asks for it. `tone` is the colour of a value, one of text.TONES.
    """

    key: str
    value: Callable[[R], object]
    show: Callable[[Any], str] = plain
    right: bool = False
    head: str = ""
    spare: bool = False
    wide: bool = False
    tone: Callable[[Any], str] | None = None

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
    """Writes results as the options say."""

    def __init__(self, shared: Shared | None = None) -> None:
        shared = shared or Shared()
        self.form = shared.form
        self.quiet = shared.quiet
        self._shared = shared
        self._headers = not shared.no_headers
        self._fields = [name.strip() for name in shared.fields.split(",") if name.strip()]

    def show(
        self,
        answer: object,
        view: View[R],
        rows: Sequence[R],
        *,
        lines: Sequence[str] | None = None,
    ) -> None:
        """Write an answer of the server, of which `rows` are what it is about.

        `lines` take the place of the table, where a table would say it worse. With `--fields` or
        `--filter` it is the rows that are written, in whatever form.
        """
        if self._shared.fields:
            view = self._picked(view, rows)
            lines = None
        if self._shared.filter:
            rows = wanted(self._shared.filter, rows)
            lines = None
        if self._shared.fields or self._shared.filter:
            answer = [self._told(row) for row in rows]
        if self.form in {Form.TABLE, Form.WIDE}:
            if lines is None:
                self._table(view, rows)
            else:
                _lines(lines)
        elif self.form is Form.CSV:
            _write(_csv(view, rows, headers=self._headers))
        else:
            _lines(self._plain(answer, view, rows))

    def _plain(self, answer: object, view: View[R], rows: Sequence[R]) -> Iterable[str]:
        """The lines of the forms that are no table."""
        if self.form is Form.JSON:
            return _json(answer)
        if self.form is Form.YAML:
            return _yaml(answer)
        if self.form is Form.JSONL:
            return (_json_line(self._told(row)) for row in rows)
        if self.form is Form.NAME:
            return (f"{view.kind}/{view.name(row)}" for row in rows)
        return map(view.value or view.name, rows) if self.form is Form.VALUE else ()

    def page(
        self, answer: object, view: View[R], rows: Sequence[R], *, total: int, offset: int
    ) -> None:
        """Write a page of a list, and tell where it goes on."""
        self.show(answer, view, rows)
        end = offset + len(rows)
        if rows and end < total:
            self.note(f"rows {offset + 1} to {end} of {total}; more with --offset {end}")

    def changed(self, answer: object, view: View[R], row: R, what: str) -> None:
        """Write what a change came to: one line, or the row as it is now."""
        told = f"{view.kind}/{view.name(row)} {what}{self.of_dry_run}"
        self.show(answer, view, [row], lines=[told])

    def deleted(self, answer: object, kind: str, name: str) -> None:
        """Write that it is gone; there is no row to show any more."""
        gone: View[str] = View(kind=kind, name=str, columns=(Column("id", str),))
        if self.form is Form.JSONL:
            _lines([_json_line(answer)])
            return
        self.show(answer, gone, [name], lines=[f"{kind}/{name} deleted{self.of_dry_run}"])

    def of_columns(self, names: Sequence[str]) -> "Output":
        """One that shows these fields, unless `--fields` says which; all where there are none."""
        if self._shared.fields or not names:
            return self
        return Output(self._shared._replace(fields=",".join(names)))

    def sheet(self, view: View[R]) -> "Sheet[R]":
        """A list of which more will come."""
        return Sheet(self, view)

    def more(self, view: View[R], rows: Sequence[R], widths: list[int], *, first: bool) -> None:
        """Write rows of a list that goes on; its `widths` grow with them, and never shrink."""
        headers = first and self._headers
        if self.form in {Form.TABLE, Form.WIDE}:
            colours = _colours(self._shared.color)
            _write_lines(table(view, rows, headers=headers, colours=colours, widest=widths))
        elif self.form is Form.CSV:
            _write(_csv(view, rows, headers=headers))
        elif self.form is Form.YAML:
            _lines(line for row in rows for line in ("---", *_yaml(self._told(row))))
        elif self.form is Form.JSON:
            _lines(_json_line(self._told(row)) for row in rows)
        else:
            _lines(self._plain(None, view, rows))

    def page_of(self, view: View[R], rows: Sequence[R]) -> list[str]:
        """The lines of a table, for a screen."""
        seen = self.seen(view, rows)
        if not self._all:
            seen = _narrowed(seen, rows) or seen
        colours = _colours(self._shared.color)
        return table(seen, rows, headers=self._headers, colours=colours)

    def seen(self, view: View[R], rows: Sequence[R]) -> View[R]:
        """The view with the columns that are wanted, and have room."""
        if self._shared.fields:
            view = self._picked(view, rows)
        if self.form not in {Form.TABLE, Form.WIDE}:
            return view
        columns = [self._timed(it) for it in view.columns if self._all or not it.wide]
        view = msgspec.structs.replace(view, columns=tuple(columns))
        return view if self._all else _fitting(view, rows)

    def note(self, line: str) -> None:
        """One line for the person at the terminal, unless they want none."""
        if not self.quiet:
            talk(f"note: {line}")

    def secret(self, answer: object, view: View[R], row: R) -> None:
        """Write a secret that a script asked for: to the letter, with all of its lines.

        A terminal gets it without what would steer it, and the other forms as JSON and so on.
        """
        picked = self._shared.fields or self._shared.filter
        if picked or self.form not in {Form.TABLE, Form.WIDE, Form.VALUE}:
            self.show(answer, view, [row])
            return
        text = (view.value or view.name)(row)
        if sys.stdout.isatty():
            _lines(text.splitlines())
            return
        self.text(text)

    def text(self, line: str) -> None:
        """Write one line, as it is."""
        _write(line + "\n")

    def piece(self, text: str) -> None:
        """Write a piece of a text as it comes; at a terminal, without what would steer it."""
        if self.form is not Form.NONE:
            _write(harmless(text) if sys.stdout.isatty() else text)

    def portion(self, data: bytes, text: str) -> None:
        """Write bytes as they are; at a terminal, the `text` that they are."""
        if sys.stdout.isatty():
            self.piece(text)
        elif self.form is not Form.NONE:
            sys.stdout.flush()
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()

    def end_of_text(self) -> None:
        """End the last line of a text at a terminal; a pipe has it as it is."""
        if sys.stdout.isatty():
            self.piece("\n")

    def document(self, value: object) -> None:
        """Write a value that is no row: as YAML where that is asked for, else as JSON."""
        if self.form is not Form.NONE:
            _lines(_yaml(value) if self.form is Form.YAML else _json(value))

    def json_line(self, row: object) -> None:
        """Write a row of a stream, as it comes: with `--fields` only those."""
        _lines([_json_line(self._told(row))])

    @property
    def of_dry_run(self) -> str:
        """What is said of a change that was only rehearsed."""
        return " (dry run: nothing was changed)" if self._shared.dry_run else ""

    def _told(self, row: object) -> object:
        """A row, or of it what `--fields` names."""
        if not self._fields:
            return row
        return {name: value_of(row, name) for name in self._fields}

    def _picked(self, view: View[R], rows: Sequence[R]) -> View[R]:
        """The view with the columns of `--fields`. A usage error names those that there are."""
        known = {column.key: column for column in view.columns}
        there = list(dict.fromkeys([*known, *fields_of(rows)]))
        if self._shared.fields == WHICH_FIELDS:
            _lines(there)
            raise typer.Exit
        for name in self._fields:
            if name not in there:
                raise typer.BadParameter(
                    f"there is no field {name!r}; there is {', '.join(there)}",
                    param_hint="--fields",
                )
        columns = tuple([known.get(name) or _column(name) for name in self._fields])
        return msgspec.structs.replace(view, columns=columns)

    def _table(self, view: View[R], rows: Sequence[R]) -> None:
        """Write a table that fits the terminal; a row alone that does not goes below itself."""
        columns = [self._timed(it) for it in view.columns if self._all or not it.wide]
        view = msgspec.structs.replace(view, columns=tuple(columns))
        seen = view if self._all else _fitting(view, rows)
        narrow = seen if self._all else _narrowed(seen, rows)
        spared = [column.title for column in view.columns if column not in seen.columns]
        if len(rows) == 1 and (spared or narrow is not seen):
            _lines(_upright(view, rows[0]))
            return
        cut: list[str] = []
        if narrow is None:
            _lines(line for at, row in enumerate(rows) for line in _card(seen, row, first=not at))
        else:
            cut = [it.title for it in seen.columns if it not in narrow.columns]
            colours = _colours(self._shared.color)
            _write_lines(table(narrow, rows, headers=self._headers, colours=colours))
        if rows and (spared or cut):
            whole = [f"the whole of {', '.join(cut)}"] if cut else []
            missed = " and ".join([*([", ".join(spared)] if spared else []), *whole])
            self.note(f"this terminal has no room for {missed}; -o wide has all")

    @property
    def _all(self) -> bool:
        return self.form is Form.WIDE or bool(self._fields)

    def _timed(self, column: Column[R]) -> Column[R]:
        """The column, with its times as `--time` says."""
        if column.show is not local or self._shared.time is Times.LOCAL:
            return column
        return msgspec.structs.replace(column, show=_TIMES[self._shared.time])


class Sheet(Generic[R]):
    """A list that is written while it comes, in whatever form; JSON is a line for each row."""

    def __init__(self, output: Output, view: View[R]) -> None:
        self.written = 0
        self._output = output
        self._view = view
        self._widths: list[int] = []

    def write(self, rows: Sequence[R]) -> None:
        """Write what has come."""
        if not rows:
            return
        first = not self.written
        if first:
            self._view = self._output.seen(self._view, rows)
        self._output.more(self._view, rows, self._widths, first=first)
        self.written += len(rows)


_TIMES: dict[Times, Callable[[Any], str]] = {
    Times.RELATIVE: ago,
    Times.ISO: iso,
    Times.UNIX: unix,
}
_CLOCKS = (local, *_TIMES.values())


def _column(name: str) -> Column[Any]:
    """A field of the API that has no column of its own; what has fields itself is told as JSON."""
    return Column(name, lambda row: _flat(value_of(row, name)))


def _flat(value: object) -> object:
    parts = value if isinstance(value, list | tuple) else [value]
    if all(part is None or isinstance(part, str | int | float) for part in parts):
        return value
    return msgspec.json.encode(value).decode()


def table(
    view: View[R],
    rows: Sequence[R],
    *,
    headers: bool = True,
    colours: bool = False,
    widest: list[int] | None = None,
) -> list[str]:
    """Lines of columns, two spaces apart; nothing stands to the right of the last word.

    `widest` are the widths of the columns so far, for a table that goes on; they grow with it. At a
    terminal that is too narrow for it, a text in the last column goes on below itself.
    """
    lines = [[clean(col.show(col.value(row))) for col in view.columns] for row in rows]
    tones = [[col.tone(col.value(row)) if col.tone else "" for col in view.columns] for row in rows]
    if headers:
        lines.insert(0, [column.title for column in view.columns])
        tones.insert(0, ["head"] * len(view.columns))
    if not lines:
        return []
    widths = [max(map(cells, column)) for column in zip(*lines, strict=True)]
    if widest is not None:
        widest[:] = widths = [max(pair) for pair in zip_longest(widths, widest, fillvalue=0)]
    rights = [column.right for column in view.columns]
    room = _columns() - sum(widths[:-1]) - len(GAP) * (len(widths) - 1)
    blank = [""] * (len(widths) - 1)
    wrapped: list[tuple[list[str], list[str]]] = []
    for (*before, last), tone in zip(lines, tones, strict=True):
        first, *rest = [last] if rights[-1] else _wrapped(last, room)
        wrapped += [([*before, first], tone), *(([*blank, part], tone) for part in rest)]
    if not colours:
        return [GAP.join(map(_padded, line, widths, rights)).rstrip() for line, _ in wrapped]
    # What is painted would keep the spaces behind it, for which there may be no room.
    if not rights[-1]:
        widths[-1] = 0
    return [
        GAP.join(map(painted, map(_padded, line, widths, rights), tone)).rstrip()
        for line, tone in wrapped
    ]


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


def _narrowed(view: View[R], rows: Sequence[R]) -> View[R] | None:
    """The view with texts cut short where there is no room; None where that is not enough.

    The columns that name a row are cut last, and times and numbers never. A last column of words
    goes on below itself.
    """
    room = _columns() - len(GAP) * (len(view.columns) - 1)
    told = [[clean(it.show(it.value(row))) for row in rows] for it in view.columns]
    widths = [
        max(map(cells, [it.title, *texts])) for it, texts in zip(view.columns, told, strict=True)
    ]
    if told and not view.columns[-1].right:
        words = [word for text in told[-1] for word in text.split()]
        widths[-1] = min(widths[-1], max([LEAST_ROOM, *map(cells, words)]))
    if sum(widths) <= room:
        return view
    texts = [at for at, it in enumerate(view.columns) if not (it.right or it.show in _CLOCKS)]
    names = [at for at in texts if _names(view, view.columns[at], rows)]
    least = fitted(widths, room, texts=[at for at in texts if at not in names], names=names)
    if least is None:
        return None
    columns = [
        it if width == before else _cut(it, width)
        for it, before, width in zip(view.columns, widths, least, strict=True)
    ]
    return msgspec.structs.replace(view, columns=tuple(columns))


def _names(view: View[R], column: Column[R], rows: Sequence[R]) -> bool:
    return all(column.value(row) == view.name(row) for row in rows)


def _cut(column: Column[R], width: int) -> Column[R]:
    """The column with so many cells."""
    head = shortened(column.title, width)
    return msgspec.structs.replace(column, show=shortening(column.show, width), head=head)


def _card(view: View[R], row: R, *, first: bool) -> list[str]:
    return [*([] if first else [""]), *_upright(view, row)]


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


def draw(sequence: str) -> None:
    """What a screen is made of; everything in it is clean already."""
    _write(sequence)


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


def hidden(prompt: str) -> str:
    """What the person at the terminal types unseen; empty where they end it with Ctrl-D.

    Whoever leaves with Ctrl-C has a line of their own for what comes next.
    """
    from getpass import getpass  # noqa: PLC0415 - few ask for a secret

    try:
        return getpass(f"{prompt}: ")
    except (EOFError, KeyboardInterrupt) as error:
        with suppress(OSError):
            Path("/dev/tty").write_text("\n", encoding="ascii")
        if isinstance(error, KeyboardInterrupt):
            raise
        return ""


def _write(text: str) -> None:
    """To stdout as UTF-8, whatever the locale says."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    sys.stdout.buffer.flush()


def _lines(lines: Iterable[str]) -> None:
    _write_lines(map(clean, lines))


def _write_lines(lines: Iterable[str]) -> None:
    """Lines that are clean already."""
    _write("".join(line + "\n" for line in lines))


def _json(answer: object) -> list[str]:
    """As the API gives it: indented for eyes, in one line for a pipe."""
    text = msgspec.json.encode(answer)
    if sys.stdout.isatty():
        text = msgspec.json.format(text, indent=2)
    return [escaped(line) for line in text.decode().splitlines()]


def _json_line(row: object) -> str:
    return escaped(msgspec.json.encode(row).decode())


def _yaml(answer: object) -> list[str]:
    import yaml  # noqa: PLC0415 - 20 ms that only this form needs

    # By way of JSON: some of an answer is kept as the JSON that it came as.
    value = msgspec.json.decode(msgspec.json.encode(answer))
    text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
    return [escaped(line) for line in str(text).splitlines()]


def _colours(wanted: Colour) -> bool:
    """Whether to paint, by the option, else by the terminal and what is asked of all programs."""
    if wanted is not Colour.AUTO:
        return wanted is Colour.ALWAYS
    asked = os.environ  # noqa: TID251 - NO_COLOR and its kin are for every program
    if asked.get("NO_COLOR"):
        return False
    if asked.get("CLICOLOR_FORCE", "0") != "0":
        return True
    return sys.stdout.isatty() and asked.get("TERM") != "dumb"


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
    lines, line = [], ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if line and cells(longer) > room:
            lines.append(line)
            longer = word
        line = longer
    return [*lines, line]


def _padded(text: str, width: int, right: bool) -> str:  # noqa: FBT001 - map() gives positions
    gap = " " * (width - cells(text))
    return gap + text if right else text + gap
