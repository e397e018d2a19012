"""A list that keeps up: drawn again and again, or, where nobody looks, its rows as they change."""

import time
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

import typer

from tokenhub_cli.output import View
from tokenhub_cli.screen import LEAVE, at_terminal, screen
from tokenhub_cli.session import Session
from tokenhub_cli.spans import span_s

R = TypeVar("R")

_LEAST_S = 0.1

# `--watch` alone is every two seconds: see options.completed.
Watch = Annotated[
    str, typer.Option("--watch", metavar="[=SPAN]", help="Keep up, every 2s or as often as said.")
]


def keep_up(
    tokenhub: Session,
    view: View[R],
    ask: Callable[[], Sequence[R]],
    *,
    every: str,
    mark: Callable[[R], object],
) -> None:
    """Show the rows until somebody leaves. `mark` is what of a row must differ to be a change."""
    every_s = max(_LEAST_S, span_s(every, flag="--watch"))
    if not at_terminal():
        _write_changes(tokenhub, view, ask, every_s=every_s, mark=mark)
        return
    rows = ask()
    with screen() as terminal:
        while True:
            page = tokenhub.output.page_of(view, rows)
            terminal.show([*page, "", f"q quit  every {every_s:g}s"])
            if terminal.key(every_s) == LEAVE:
                return
            rows = ask()


def _write_changes(
    tokenhub: Session,
    view: View[R],
    ask: Callable[[], Sequence[R]],
    *,
    every_s: float,
    mark: Callable[[R], object],
) -> None:
    sheet = tokenhub.output.sheet(view)
    known: dict[str, object] = {}
    while True:
        rows = ask()
        sheet.write([row for row in rows if known.get(view.name(row)) != mark(row)])
        known = {view.name(row): mark(row) for row in rows}
        time.sleep(every_s)
