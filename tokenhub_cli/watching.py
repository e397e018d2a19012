"""A list that keeps up: asked for again and again, until somebody leaves.

Where somebody looks at a table, it is drawn in place; else it is written whole each time, with a
blank line between. A server that is away for a while is waited for.
"""

import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import BytesIO, StringIO, TextIOWrapper
from typing import NamedTuple

import typer

from tokenhub.client.errors import ClientError, Refused, Unreachable, Unreadable
from tokenhub_cli.options import Form
from tokenhub_cli.output import draw, talk
from tokenhub_cli.screen import LEAVE, Screen, at_terminal, screen
from tokenhub_cli.session import Session, held
from tokenhub_cli.spans import span_s

Look = Callable[[], object]

_LEAST_S = 0.1
_SERVER_FAILED = 500
# What stands between two lists; documents of YAML have a mark of their own for that.
_BETWEEN = {Form.YAML: "---\n"}


class Seen(NamedTuple):
    """What a look at the list has printed, and what was said beside it."""

    text: str
    notes: str


def keep_up(ctx: typer.Context, look: Look, *, every: str) -> None:
    """Show what `look` prints, until somebody leaves. What fails at first ends it as ever."""
    every_s = max(_LEAST_S, span_s(every, flag="--watch"))
    with held(ctx) as tokenhub:
        if at_terminal() and tokenhub.output.form in {Form.TABLE, Form.WIDE}:
            _draw(look, every_s)
        else:
            _write(tokenhub, look, every_s)


def _draw(look: Look, every_s: float) -> None:
    seen, trouble = _seen(look, terminal=True), ""
    with screen() as terminal:
        while True:
            terminal.show(_page(terminal, seen, f"every {every_s:g}s  q quit", trouble))
            if terminal.key(every_s) == LEAVE:
                return
            try:
                seen, trouble = _seen(look, terminal=True), ""
            except ClientError as error:
                trouble = _passing(error)


def _page(terminal: Screen, seen: Seen, state: str, trouble: str) -> list[str]:
    """How it goes, the rows that there is room for, and what is to be said of them."""
    head = [state, *([trouble] if trouble else []), ""]
    lines, notes = seen.text.splitlines(), seen.notes.splitlines()
    room = max(1, terminal.height - len(head) - len(notes))
    if len(lines) > room:
        lines = [
            *lines[: room - 1],
            f"... {len(lines) - room + 1} more; a higher window shows them",
        ]
    return [*head, *lines, *notes]


def _write(tokenhub: Session, look: Look, every_s: float) -> None:
    between, lost = "", False
    while True:
        try:
            text, lost = _seen(look, terminal=False).text, False
        except ClientError as error:
            if not between:
                raise
            why = _passing(error)
            if not lost:
                talk(f"{why}; trying again every {every_s:g}s")
            lost = True
        else:
            draw(between + text)
            between = _BETWEEN.get(tokenhub.output.form, "\n")
            tokenhub.output.quiet = True  # once told, a note is known
        time.sleep(every_s)


def _seen(look: Look, *, terminal: bool) -> Seen:
    """What a look prints. One that ends the command (`--curl`) prints it for good."""
    page, notes = _Page(terminal=terminal), StringIO()
    try:
        with redirect_stdout(page):
            if terminal:
                with redirect_stderr(notes):
                    look()
            else:
                look()
    except typer.Exit:
        draw(page.text)
        raise
    return Seen(page.text, notes.getvalue())


def _passing(error: ClientError) -> str:
    """What is wrong for now; what will not pass by itself is raised."""
    failed = isinstance(error, Refused) and error.status >= _SERVER_FAILED
    if failed or isinstance(error, Unreachable | Unreadable):
        return str(error)
    raise error


class _Page(TextIOWrapper):
    """Keeps what is written to it. It is as wide as the terminal, where it stands for one."""

    def __init__(self, *, terminal: bool) -> None:
        self._kept = BytesIO()
        super().__init__(self._kept, encoding="utf-8", write_through=True)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    @property
    def text(self) -> str:
        """All of it so far."""
        return self._kept.getvalue().decode()
