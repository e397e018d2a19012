"""The line that tells that something goes on."""

import io
import sys
import threading

import pytest

from tokenhub_cli.progress import waiting


class Terminal(io.StringIO):
    """A terminal that tells when something is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Event()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.written.set()
        return super().write(text)


def test_what_takes_long_is_told_and_the_line_goes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)

    with waiting("asking\x1b[2J one"):
        assert terminal.written.wait(60)

    shown = terminal.getvalue()
    assert " asking one" in shown
    assert "\x1b[2J" not in shown
    assert shown.endswith("\r\x1b[K")


def test_what_is_quick_needs_no_word(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)

    with waiting("asking one", patience_s=60.0):
        pass

    assert "" == terminal.getvalue()


def test_a_pipe_hears_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stderr", pipe)

    with waiting("asking one", patience_s=0.0):
        pass

    assert "" == pipe.getvalue()
