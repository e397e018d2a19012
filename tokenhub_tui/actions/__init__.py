"""Every key of the console, once: bindings, key bar, help, palette and docs are made of these."""

from collections.abc import Iterator

from tokenhub_tui.actions import (
    charts,
    fleet,
    flows,
    health,
    keys,
    live,
    logs,
    manual,
    more,
    request,
    rewards,
    shell,
    simulate,
    vault,
)
from tokenhub_tui.actions.base import APP, Action
from tokenhub_tui.actions.shell import PLACES, Place

__all__ = ["ACTIONS", "APP", "PLACES", "Action", "Place", "called", "manual", "of", "titles"]

ACTIONS: tuple[Action, ...] = (
    *shell.ACTIONS,
    *vault.ACTIONS,
    *live.ACTIONS,
    *charts.ACTIONS,
    *simulate.ACTIONS,
    *fleet.ACTIONS,
    *keys.ACTIONS,
    *health.ACTIONS,
    *logs.ACTIONS,
    *request.ACTIONS,
    *rewards.ACTIONS,
    *flows.ACTIONS,
    *more.ACTIONS,
)


def of(screen: str) -> tuple[Action, ...]:
    """Those of one screen, in their order; `app` for those of everywhere."""
    return tuple(action for action in ACTIONS if action.screen == screen)


def called(method: str, *screens: str) -> Iterator[Action]:
    """Those that a method carries out, on any of the screens. `method` is without arguments."""
    for action in ACTIONS:
        if action.method.partition("(")[0] == method and action.screen in screens:
            yield action


def titles() -> dict[str, str]:
    """What each screen that has actions, or a place, is called in print; everywhere is first."""
    places = {place.name: place.title for place in PLACES}
    others = {one.screen: one.screen.capitalize() for one in ACTIONS if one.screen != APP}
    return {APP: "Everywhere", **places, **{k: v for k, v in others.items() if k not in places}}
