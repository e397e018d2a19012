"""Rows with a cursor: the lists of the console. Only the lines that are seen are made.

DataTable is for grids that are edited; a list of 500 rows of it that follows its end takes 90 ms a
frame, lines of our own 25 (docs/developer/tui.md).
"""

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from tokenhub.client.text import clean
from tokenhub_tui.state.cells import Cell, Column, Row, natural
from tokenhub_tui.state.layout import GAP, widths

CURSOR = "▌"
_PLAIN = "plain"
# So many rows from the end, more are asked for.
NEAR = 10


class Table(ScrollView, can_focus=True):
    """A list. `show` gives it rows; the cursor stays on its row, whatever comes and goes.

    With `follow` the cursor stays on the last row; moving it away ends that. A `quiet` one shows
    its cursor only while it has the focus.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--head", "table--cursor", "table--good", "table--warn", "table--bad", "table--dim",
        "table--key",
    }  # fmt: skip
    BINDINGS: ClassVar = [
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("home,g", "end(-1)", "First", show=False),
        Binding("end,G", "end(1)", "Last", show=False),
        Binding("enter", "open", "Open", show=False),
    ]

    follow = reactive(default=False)

    class Moved(Message):
        """The cursor is on another row; `row_id` is empty where there are none."""

        def __init__(self, table: "Table", row_id: str) -> None:
            super().__init__()
            self.table = table
            self.row_id = row_id

        @property
        def control(self) -> "Table":
            return self.table

    class Opened(Moved):
        """The row under the cursor is to be opened."""

    class Nearing(Moved):
        """The end of the rows is near: there may be more to ask for."""

    class Sorted(Message):
        """The title of a column was clicked."""

        def __init__(self, table: "Table", column_id: str) -> None:
            super().__init__()
            self.table = table
            self.column_id = column_id

        @property
        def control(self) -> "Table":
            return self.table

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        name: str,
        head: bool = True,
        gutter: int = 1,
        cursor: bool = True,
        quiet: bool = False,
    ) -> None:
        super().__init__(id=name)
        # A table without a cursor is read only; the keys are those of what it stands in.
        self.can_focus = cursor
        self._cursor = cursor
        self._columns = tuple(columns)
        self._rows: tuple[Row, ...] = ()
        self._places: dict[str, int] = {}
        self._at = 0
        self._head = int(head)
        self._gutter = gutter
        self._quiet = quiet
        self._widths: list[int] = []
        self._sorted = ("", False)
        self._tones: dict[str, Style] = {}

    @property
    def rows(self) -> tuple[Row, ...]:
        """What is shown, all of it."""
        return self._rows

    @property
    def row_id(self) -> str:
        """The id of the row under the cursor; empty where there are none."""
        return self._rows[self._at].id if self._rows else ""

    @property
    def seen(self) -> tuple[Row, ...]:
        """The rows that are on the screen."""
        top = self.scroll_offset.y
        return self._rows[top : top + self.scrollable_content_region.height - self._head]

    @property
    def at_top(self) -> bool:
        """Whether the first row is seen, and the cursor on it."""
        return self._at == 0 and self.scroll_offset.y == 0

    def show(self, rows: Sequence[Row], *, columns: Sequence[Column] | None = None) -> None:
        """Show these rows; the cursor stays on its row where that is still there.

        So does what is seen where the wheel has left the cursor behind.
        """
        before, top = self.row_id, int(self.scroll_target_y)
        kept = self._rows[top].id if not self._seen(top) and top < len(self._rows) else ""
        self._columns = tuple(columns) if columns is not None else self._columns
        self._rows = tuple(rows)
        self._places = {row.id: place for place, row in enumerate(self._rows)}
        if self.follow:
            at = len(self._rows) - 1
        else:
            at = self._places.get(before, min(self._at, len(self._rows) - 1))
        self._at = max(0, at)
        self._lay_out()
        if kept and before == self.row_id and not self.follow:
            self._scroll_rows(self._places.get(kept, top))
        else:
            self._into_view()
        if before != self.row_id:
            self.post_message(self.Moved(self, self.row_id))

    @property
    def head(self) -> bool:
        """Whether the titles of the columns stand above the rows."""
        return bool(self._head)

    @head.setter
    def head(self, head: bool) -> None:
        if head is not self.head:
            self._head = int(head)
            self._lay_out()
            self._into_view()

    def sorted_by(self, column_id: str, *, down: bool) -> None:
        """Say in the head by which column the rows are sorted; empty for none."""
        self._sorted = (column_id, down)
        self.refresh()

    def go(self, row_id: str) -> bool:
        """Put the cursor on a row; whether there is one of that id."""
        place = self._places.get(row_id)
        if place is None:
            return False
        self._put(place)
        return True

    def to_top(self) -> None:
        """Put the cursor on the first row."""
        self._put(0)

    def _lay_out(self) -> None:
        room = self.scrollable_content_region.width - self._gutter
        # Without a place on the screen yet there is nothing to share out, and nothing is drawn.
        self._widths = widths(self._columns, self._rows, room) if room > 0 else []
        self._grow(Size(0, len(self._rows) + self._head))
        self.refresh()

    def _grow(self, size: Size) -> None:
        """Have so many lines. The screen is laid out anew only where that moves anything on it."""
        scrolls = size.height > self.scrollable_content_region.height
        if self.styles.is_auto_height or scrolls is not self.show_vertical_scrollbar:
            self.virtual_size = size
        elif size != self.virtual_size:
            self.set_reactive(Widget.virtual_size, size)
            self._scroll_update(size)

    @property
    def _height(self) -> int:
        """How many rows are seen at once."""
        return self.scrollable_content_region.height - self._head

    def _seen(self, top: int) -> bool:
        return top <= self._at < top + self._height

    def _into_view(self) -> None:
        top = int(self.scroll_target_y)
        if self._at < top:
            top = self._at
        elif not self._seen(top):
            top = self._at - self._height + 1
        self._scroll_rows(top)

    def _scroll_rows(self, top: int) -> None:
        if self._height <= 0:
            return
        top = max(0, min(top, len(self._rows) - self._height))
        if top != self.scroll_target_y:
            self.scroll_to(y=top, animate=False, immediate=True)

    def on_resize(self) -> None:
        self._lay_out()
        self._into_view()

    def on_show(self) -> None:
        """Hidden while it had nothing to show, it has lost the keys: they are nobody's now."""
        if not self._quiet and self.screen.focused is None:
            self.focus()

    def watch_follow(self) -> None:
        if self.follow and self._rows:
            self._put(len(self._rows) - 1)

    def _put(self, place: int) -> None:
        place = max(0, min(place, len(self._rows) - 1))
        if self._rows and place != self._at:
            self._at = place
            self.post_message(self.Moved(self, self.row_id))
        self._into_view()
        self.refresh()
        self._near(self._at)

    def _near(self, last: int) -> None:
        if self._rows and last >= len(self._rows) - NEAR:
            self.post_message(self.Nearing(self, self.row_id))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if new_value > old_value:
            self._near(int(new_value) + self._height)

    def action_move(self, by: int) -> None:
        if by < 0:
            self.follow = False
        self._put(self._at + by)

    def action_page(self, by: int) -> None:
        self.action_move(by * max(1, self._height - 1))

    def action_end(self, which: int) -> None:
        self.action_move(which * len(self._rows))

    def action_open(self) -> None:
        if self._rows:
            self.post_message(self.Opened(self, self.row_id))

    def on_click(self, event: events.Click) -> None:
        place = event.get_content_offset(self)
        if place is None:
            return
        if place.y < self._head:
            self._clicked_head(place.x)
            return
        at = place.y - self._head + self.scroll_offset.y
        if at >= len(self._rows):
            return
        self.follow = self.follow and at == len(self._rows) - 1
        self._put(at)
        if event.chain == 2:  # noqa: PLR2004 - a double click
            self.action_open()

    def _clicked_head(self, x: int) -> None:
        left = self._gutter
        for column, width in zip(self._columns, self._widths, strict=True):
            if width and x < left + width + GAP:
                self.post_message(self.Sorted(self, column.id))
                return
            left += width + GAP if width else 0

    def on_mouse_scroll_up(self) -> None:
        self.follow = False

    def render_line(self, y: int) -> Strip:
        """One line of what is seen: the head, a row, or nothing."""
        width = self.scrollable_content_region.width
        if y < self._head:
            head = self.rich_style + self._tone("dim") + self._tone("head")
            return self._line(self._titles(head), head, " ", width)
        place = y - self._head + self.scroll_offset.y
        if not 0 <= place < len(self._rows):
            return Strip.blank(width, self._base)
        row, base = self._rows[place], self._base
        mark = " "
        if self._cursor and place == self._at and (self.has_focus or not self._quiet):
            mark = CURSOR
            base += self._tone("cursor")
        shown = [n for n in self._shown() if n < len(row.cells)]
        segments = [(self._fit(n, row.cells[n]), self._style(row, n, base)) for n in shown]
        if row.tail is not None:
            taken = self._gutter + sum(self._widths[n] + GAP for n in shown)
            style = base + self._tone(row.tail.tone or row.tone)
            segments.append((fitted(row.tail.text, max(0, width - taken)), style))
        return self._line(segments, base, mark, width)

    def _shown(self) -> list[int]:
        return [place for place, width in enumerate(self._widths) if width]

    def _style(self, row: Row, place: int, base: Style) -> Style:
        cell = row.cells[place]
        tone = (cell.tone if isinstance(cell, Cell) else "") or row.tone
        return base + self._tone(tone) if tone else base

    @property
    def _base(self) -> Style:
        """The style of plain text: to find it takes longer than the line that it is for."""
        if _PLAIN not in self._tones:
            self._tones[_PLAIN] = self.rich_style
        return self._tones[_PLAIN]

    def _tone(self, tone: str) -> Style:
        if not tone:
            return Style.null()
        if tone not in self._tones:
            styles = self.get_component_styles(f"table--{tone}")
            style = styles.partial_rich_style
            if styles.color.a < 1 and not styles.auto_color:
                # Terminals know no transparency, and a partial style would leave it out.
                style += Style(color=(self.background_colors[1] + styles.color).rich_color)
            self._tones[tone] = style
        return self._tones[tone]

    def notify_style_update(self) -> None:
        self._tones = {}
        super().notify_style_update()

    def _titles(self, head: Style) -> list[tuple[str, Style]]:
        by, down = self._sorted
        arrow = "▾" if down else "▴"
        return [
            (self._fit(n, one.title + (arrow if one.id == by else "")), head)
            for n, one in ((n, self._columns[n]) for n in self._shown())
        ]

    def _fit(self, place: int, value: str | Cell) -> str:
        """The text in just the width of its column."""
        return fitted(natural(value), self._widths[place], right=self._columns[place].right)

    def _line(
        self, texts: Sequence[tuple[str, Style]], base: Style, mark: str, width: int
    ) -> Strip:
        segments = [Segment(mark.ljust(self._gutter)[: self._gutter], base)]
        for number, (text, style) in enumerate(texts):
            if number:
                segments.append(Segment(" " * GAP, base))
            segments.append(Segment(text, style))
        return Strip(segments).adjust_cell_length(width, base)


def fitted(text: str, width: int, *, right: bool = False) -> str:
    """The text in just so many cells; what is cut ends with an ellipsis."""
    text = clean(text)
    long = cell_len(text)
    if long > width:
        return set_cell_size(text, width - 1) + "…" if width > 1 else set_cell_size(text, width)
    room = " " * (width - long)
    return room + text if right else text + room
