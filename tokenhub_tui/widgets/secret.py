"""A field for a password: dots until F2, and nothing of it left when it is done with."""

from typing import Any

from textual.widgets import Input


class Secret(Input):
    """What is written in it is not copied, not completed, and not kept."""

    def __init__(self, *, name: str | None = None, **given: Any) -> None:
        super().__init__(id=name, password=True, compact=True, select_on_focus=False, **given)

    def toggle(self) -> None:
        """Show what is written, or hide it again."""
        self.password = not self.password

    def forget(self) -> None:
        """Empty it."""
        self.value = ""

    def action_copy(self) -> None:
        """Not while it is hidden: a clipboard is read by others."""
        if not self.password:
            super().action_copy()

    def action_cut(self) -> None:
        """The same."""
        if self.password:
            self.delete_selection()
        else:
            super().action_cut()
