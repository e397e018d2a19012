"""The screens, by the names of their places."""

from collections.abc import Callable, Mapping
from typing import Any

from tokenhub_tui.screens.base import Page
from tokenhub_tui.screens.health import HealthPage
from tokenhub_tui.screens.live import LivePage
from tokenhub_tui.screens.logs import LogsPage
from tokenhub_tui.screens.more import MorePage

PAGES: Mapping[str, Callable[[], Page[Any]]] = {
    "live": LivePage,
    "logs": LogsPage,
    "health": HealthPage,
    "more": MorePage,
}
