"""Every key of the console, once: bindings, key bar, help, palette and docs are made of these."""

from collections.abc import Iterator

from tokenhub_tui.actions import live, shell, simulate
from tokenhub_tui.actions.base import APP, Action
from tokenhub_tui.actions.shell import PLACES, Place

__all__ = ["ACTIONS", "APP", "PLACES", "Action", "Place", "called", "of"]

ACTIONS: tuple[Action, ...] = (
    *shell.ACTIONS,
    *live.ACTIONS,
    *simulate.ACTIONS,
)


def of(screen: str) -> tuple[Action, ...]:
    """Those of one screen, in their order; `app` for those of everywhere."""
    return tuple(action for action in ACTIONS if action.screen == screen)


def called(method: str, *screens: str) -> Iterator[Action]:
    """Those that a method carries out, on any of the screens. `method` is without arguments."""
    for action in ACTIONS:
        if action.method.partition("(")[0] == method and action.screen in screens:
            yield action
