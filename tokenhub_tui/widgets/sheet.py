"""Columns side by side with a cursor on what can be changed, and a line to write into its place."""

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from tokenhub_tui.state.cells import Cell
from tokenhub_tui.state.sheet import LABEL, Line
from tokenhub_tui.widgets.words import COLOURS, words

GAP = 2
CURSOR, COLUMN = "bold on $primary 35%", "on $panel"


class Writing(Input):
    """One value. The arrows up and down choose among what there is to choose from."""

    BINDINGS: ClassVar = [
        Binding("up", "turn(-1)", "Before", show=False),
        Binding("down", "turn(1)", "Next", show=False),
    ]

    choices: Sequence[str] = ()

    def action_turn(self, by: int) -> None:
        if self.choices:
            known = self.value in self.choices
            at = self.choices.index(self.value) + by if known else 0
            self.value = self.choices[at % len(self.choices)]
            self.cursor_position = len(self.value)


class Sheet(Container, can_focus=True):
    """`show` gives it lines; `line` and `cell` are where the cursor is, by their numbers."""

    BINDINGS: ClassVar = [
        Binding("up,k", "screen.go_line(-1)", "Up", show=False),
        Binding("down,j", "screen.go_line(1)", "Down", show=False),
        Binding("left,h", "screen.go_cell(-1)", "Left", show=False),
        Binding("right,l", "screen.go_cell(1)", "Right", show=False),
    ]

    class Clicked(Message):
        """A cell was clicked; `twice` is a double click."""

        def __init__(self, line: int, cell: int, *, twice: bool) -> None:
            super().__init__()
            self.line = line
            self.cell = cell
            self.twice = twice

    class Written(Message):
        """Something else is written into the cell under the cursor; `done` is for good."""

        def __init__(self, text: str, *, done: bool) -> None:
            super().__init__()
            self.text = text
            self.done = done

    class Resized(Message):
        """There is another room for lines."""

    def __init__(self) -> None:
        super().__init__(id="sheet")
        self._lines: Sequence[Line] = ()
        self._width = 1
        self._line = 0
        self._cell = 0
        self._column = 0

    def compose(self) -> ComposeResult:
        yield Static(id="sheet-lines")
        writing = Writing(compact=True, id="writing")
        writing.display = False
        yield writing

    def show(self, lines: Sequence[Line], *, width: int, at: tuple[int, int], column: int) -> None:
        """Show these, each cell so wide; `column` is the one that is highlighted, by its place."""
        self._lines, self._width = lines, width
        (self._line, self._cell), self._column = at, column
        drawn = [self._drawn(number, line) for number, line in enumerate(lines)]
        self.query_one("#sheet-lines", Static).update(Content("\n").join(drawn))

    @property
    def writing(self) -> bool:
        """Whether something is being written."""
        return self.query_one(Writing).display

    def write(self, text: str, choices: Sequence[str] = ()) -> None:
        """Let the cell under the cursor be written, beginning with this text."""
        field = self.query_one(Writing)
        left, width = self._span(self._line, self._cell)
        width = max(14, width)
        left = max(0, min(left, self.size.width - width))
        field.styles.offset = (left, self._line)
        field.styles.width = width
        field.choices = choices
        field.value = text
        field.display = True
        self.screen.set_focus(field)

    def close(self) -> None:
        """End the writing; what is written stays as it is."""
        self.query_one(Writing).display = False
        self.focus()

    def on_resize(self) -> None:
        self.post_message(self.Resized())

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.writing:
            self.post_message(self.Written(event.value, done=False))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Written(event.value, done=True))

    def on_click(self, event: events.Click) -> None:
        place = event.get_content_offset(self)
        if place is None or place.y >= len(self._lines) or self.writing:
            return
        for cell in range(len(self._lines[place.y].cells)):
            left, width = self._span(place.y, cell)
            if left <= place.x < left + width:
                self.post_message(self.Clicked(place.y, cell, twice=event.chain == 2))  # noqa: PLR2004 - a double click
                return

    # --- Drawing ---

    def _span(self, line: int, cell: int) -> tuple[int, int]:
        """Where a cell begins, and how wide it is."""
        one = self._lines[line]
        if not one.flows:
            return 1 + LABEL + cell * (self._width + 1), self._width
        left = 1 + LABEL
        for number, parts in enumerate(one.cells):
            width = _joined(parts).cell_length
            if number == cell:
                # The name before the value stays.
                name = words(parts[0].text).cell_length if len(parts) > 1 else 0
                return left + name, width - name
            left += width + GAP
        return left, 1

    def _drawn(self, number: int, line: Line) -> Content:
        if not line.cells and not line.label:
            return Content.styled("─" * max(1, self.size.width), COLOURS["dim"])
        label = words(line.label, "dim")
        if line.flows:
            texts = [_joined(one) for one in line.cells]
        else:
            texts = [_fit(_joined(one), self._width) for one in line.cells]
        marked = [self._marked(number, place, text) for place, text in enumerate(texts)]
        gap = Content(" " * (GAP if line.flows else 1))
        return Content(" ") + _fit(label, LABEL) + gap.join(marked)

    def _marked(self, line: int, cell: int, content: Content) -> Content:
        one = self._lines[line]
        if line == self._line and cell == self._cell and one.field:
            return content.stylize(CURSOR)
        if not one.flows and cell == self._column:
            return content.stylize(COLUMN)
        return content


def _joined(parts: Sequence[Cell]) -> Content:
    return Content("").join([words(one.text, one.tone) for one in parts])


def _fit(content: Content, width: int) -> Content:
    return content.truncate(width, ellipsis=True, pad=True)
