"""The screens, by the names of their places."""

from collections.abc import Callable, Mapping
from typing import Any

from tokenhub_tui.screens.base import Page
from tokenhub_tui.screens.charts import ChartsPage
from tokenhub_tui.screens.fleet import FleetPage
from tokenhub_tui.screens.flows import FlowsPage
from tokenhub_tui.screens.health import HealthPage
from tokenhub_tui.screens.keys import KeysPage
from tokenhub_tui.screens.live import LivePage
from tokenhub_tui.screens.logs import LogsPage
from tokenhub_tui.screens.more import MorePage
from tokenhub_tui.screens.rewards import RewardsPage
from tokenhub_tui.screens.simulate import SimulatePage

# In the order of their digits.
PAGES: Mapping[str, Callable[[], Page[Any]]] = {
    "live": LivePage,
    "charts": ChartsPage,
    "simulate": SimulatePage,
    "fleet": FleetPage,
    "keys": KeysPage,
    "health": HealthPage,
    "logs": LogsPage,
    "rewards": RewardsPage,
    "flows": FlowsPage,
    "more": MorePage,
}
