"""The screens, by the names of their places."""

from collections.abc import Callable, Mapping
from typing import Any

from tokenhub_tui.screens.base import Page
from tokenhub_tui.screens.live import LivePage
from tokenhub_tui.screens.simulate import SimulatePage

PAGES: Mapping[str, Callable[[], Page[Any]]] = {
    "live": LivePage,
    "simulate": SimulatePage,
}
