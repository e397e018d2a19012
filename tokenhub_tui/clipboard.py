"""Text for elsewhere: by the terminal's clipboard, or where that is too small, in a file."""

import os
from pathlib import Path

from textual.app import App

from tokenhub_tui.state.copying import fits


def copy(app: App[None], text: str, what: str) -> str:
    """Copy it; a sentence of where it is now. Raises OSError."""
    if fits(text):
        # OSC 52: it is the terminal that copies, so it works through ssh as well.
        app.copy_to_clipboard(text)
        return f"Copied {what}"
    file = folder() / "clip.txt"
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
    return f"Too long for the terminal's clipboard: wrote {what} to {file}"


def folder() -> Path:
    """Where this user's passing files of TokenHub are."""
    base = os.environ.get("XDG_CACHE_HOME", "")  # noqa: TID251 - XDG_CACHE_HOME alone
    # The specification wants relative paths ignored.
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "tokenhub"
