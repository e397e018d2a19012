"""Where an export is to be written, and in which form."""

from pathlib import Path

from textual.app import ComposeResult
from textual.widgets import Input, Static

from tokenhub_tui.dialogs.base import Dialog
from tokenhub_tui.state.exporting import wrong_name
from tokenhub_tui.widgets.words import lines


class Export(Dialog[Path]):
    """The file that was named. `what` says what it will hold; a file that is there is kept."""

    TITLE_TEXT = "Export"
    HINT = "enter Write · esc Leave"

    def __init__(self, what: str, name: str) -> None:
        super().__init__()
        self._what = what
        self._name = name

    def contents(self) -> ComposeResult:
        yield Static(lines(self._what))
        yield Static(lines("To the file (.csv, or .ndjson for lines of JSON):", "dim"))
        yield Input(self._name, compact=True)
        yield Static("", id="said")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        file = Path(event.value.strip())
        try:
            file = file.expanduser()
            wrong = wrong_name(event.value) or _in_the_way(file)
        except OSError as error:
            wrong = f"nothing can be written there: {error.strerror}"
        except RuntimeError:
            wrong = f"there is no home {file.parts[0]}"
        if wrong:
            self.query_one("#said", Static).update(lines(wrong, "bad"))
        else:
            self.dismiss(file)


def _in_the_way(file: Path) -> str:
    """Why nothing can be written there; empty where it can. Raises OSError."""
    if file.exists():
        return f"{file} is there already: name another"
    return "" if file.parent.is_dir() else f"there is no folder {file.parent}"
