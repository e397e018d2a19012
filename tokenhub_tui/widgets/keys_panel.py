"""The keys that work here, beside the screen: it can be used meanwhile."""

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from tokenhub_tui.state.key_lines import Line
from tokenhub_tui.widgets.words import words

KEYS = 14


class KeysPanel(VerticalScroll, can_focus=False):
    """`told` gives its lines, which are made anew as often as something may have changed."""

    def __init__(self, told: Callable[[], Sequence[Line]]) -> None:
        super().__init__(id="keys-panel")
        self._told = told
        self.border_title = "Keys"
        self.border_subtitle = "? hides · F1 tells more"

    def compose(self) -> ComposeResult:
        yield Static(written(self._told()))

    def on_mount(self) -> None:
        self.screen.screen_layout_refresh_signal.subscribe(self, self._fit)
        self._fit(self.screen)

    def _fit(self, screen: Screen[object]) -> None:
        # A fraction of what is left would be of the whole screen, with the bars.
        self.styles.height = max(3, screen.size.height - 2)

    def again(self) -> None:
        """Say anew what works."""
        for one in self.query(Static):
            one.update(written(self._told()))


def written(lines: Sequence[Line]) -> Content:
    """Lines as text: headings, keys and what they do; greyed with the reason where they do not."""
    return Content("\n").join([_line(one) for one in lines])


def _line(line: Line) -> Content:
    if not line.keys:
        return words(line.text, "head")
    keys = words(f"{line.keys} ".ljust(KEYS), "dim" if line.off else "key")
    if line.off:
        return Content.assemble(keys, words(f"{line.text} ({line.off})", "dim"))
    return Content.assemble(keys, words(line.text))
