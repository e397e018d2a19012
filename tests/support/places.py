"""Where the providers of tests are: on this machine, which a server calls only if it is told to."""

from tokenhub.core.destinations import Destinations, destinations
from tokenhub.ports.snapshot import Snapshot

LOOPBACK = "localhost,127.0.0.0/8,::1"


def allowed(listed: str = LOOPBACK) -> Snapshot[Destinations]:
    """Where calls may go, as the setting would list it."""
    return Snapshot(destinations(listed))
