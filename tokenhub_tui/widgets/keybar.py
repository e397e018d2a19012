"""The last line: what can be done here, the most used first; greyed where it cannot be now."""

from collections.abc import Callable, Sequence

from textual.content import Content
from textual.widgets import Static

from tokenhub_tui.actions import Action
from tokenhub_tui.widgets.words import COLOURS, link

# At 80 columns; more of them are a wall, and the rest is behind `?`.
MOST = 7


class KeyBar(Static):
    """`actions` are those of the screen and of everywhere; `off` tells which cannot be used now.

    `key` is how the keys of one are written.
    """

    def __init__(
        self,
        actions: Sequence[Action],
        off: Callable[[Action], bool],
        key: Callable[[Action], str],
    ) -> None:
        super().__init__()
        self._actions = sorted((one for one in actions if one.bar), key=lambda one: one.bar)
        self._off = off
        self._key = key

    def render(self) -> Content:
        """As many as fit; the last two, keys and quit, always do."""
        most = MOST if self.size.width < 100 else len(self._actions)  # noqa: PLR2004 - the breakpoint
        ours, ends = self._actions[:-2], self._actions[-2:]
        shown = [*ours[: max(0, most - 2)], *ends]
        while len(shown) > 2 and self._line(shown).cell_length > self.size.width:  # noqa: PLR2004
            del shown[-3]
        return self._line(shown)

    def _line(self, actions: Sequence[Action]) -> Content:
        return Content(" ") + Content("  ").join([self._one(action) for action in actions])

    def _one(self, action: Action) -> Content:
        if self._off(action):
            return Content.styled(f"{self._key(action)} {action.title}", COLOURS["dim"])
        key = Content.styled(self._key(action), COLOURS["key"])
        where = "app" if action.screen == "app" else "screen"
        call = action.method if "(" in action.method else f"{action.method}()"
        return key + " " + link(action.title, f"{where}.{call}")
