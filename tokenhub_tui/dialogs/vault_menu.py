"""An open vault: how it is, and what can be done with it."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tokenhub_tui import actions
from tokenhub_tui.actions import Action
from tokenhub_tui.clock import Clock
from tokenhub_tui.dialogs.base import Dialog
from tokenhub_tui.state import vault
from tokenhub_tui.state.vault import Seen
from tokenhub_tui.widgets.words import lines, words

_TITLE_CELLS = 20


class VaultMenu(Dialog[str]):
    """Comes to the id of the action that was chosen. `key_of` is how its key is written here."""

    TITLE_TEXT = "Vault"
    HINT = "esc Close"
    BINDINGS: ClassVar = [
        Binding(one.keys, f"choose('{one.id}')", one.title, show=False, id=one.id)
        for one in actions.of("vault")
    ]

    def __init__(self, seen: Seen, clock: Clock, key_of: Callable[[Action], str]) -> None:
        super().__init__(classes="wide")
        self._seen = seen
        self._clock = clock
        self._key_of = key_of

    def contents(self) -> ComposeResult:
        yield Static(self._facts(), id="facts")
        yield OptionList(
            *(Option(_line(one, self._key_of(one)), id=one.id) for one in self._offered()),
            compact=True,
        )

    def _offered(self) -> list[Action]:
        has_recovery = "recovery" in self._seen.status.slots
        return [
            one
            for one in actions.of("vault")
            if one.changes and (has_recovery or one.id != "vault.forget-recovery")
        ]

    def _facts(self) -> Content:
        return lines("\n".join(vault.facts(self._seen, self._clock.now())))

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()
        self.set_interval(1.0, lambda: self.query_one("#facts", Static).update(self._facts()))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(event.option_id)

    def action_choose(self, chosen: str) -> None:
        if chosen in {one.id for one in self._offered()}:
            self.dismiss(chosen)


def _line(action: Action, key: str) -> Content:
    title = words(action.title).pad_right(max(0, _TITLE_CELLS - len(action.title)))
    return Content.assemble(words(f"{key}  ", "key"), title, " ", words(action.help, "dim"))
