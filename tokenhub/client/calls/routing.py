"""Calls about the routing defaults."""

from tokenhub.client.call import Call
from tokenhub.wire.replay import ReplayIn, ReplayResult
from tokenhub.wire.routing import RoutingConfig, RoutingConfigPut
from tokenhub.wire.simulate import Simulation, SimulationResult

ROUTING = "/admin/v1/routing-config"


def get_routing() -> Call[RoutingConfig]:
    """The defaults in force."""
    return Call(method="GET", path=ROUTING, returns=RoutingConfig)


def put_routing(config: RoutingConfigPut, *, if_match: int | None = None) -> Call[RoutingConfig]:
    """Replace the defaults; a field left out goes back to the environment's value."""
    return Call(method="PUT", path=ROUTING, body=config, if_match=if_match, returns=RoutingConfig)


def simulate(question: Simulation) -> Call[SimulationResult]:
    """What the router would choose now; nothing is called, learned or counted."""
    return Call(
        method="POST",
        path="/admin/v1/routing/simulate",
        body=question,
        returns=SimulationResult,
        asks=True,
    )


def replay(question: ReplayIn) -> Call[ReplayResult]:
    """What other policies would have made of logged requests; takes a second for thousands."""
    return Call(
        method="POST",
        path="/admin/v1/routing/replay",
        body=question,
        returns=ReplayResult,
        asks=True,
    )
