"""Calls about the last minute to the last day."""

from tokenhub.client.call import Call
from tokenhub.wire.stats import Stats


def get_stats() -> Call[Stats]:
    """What each window came to: of all, and by model, provider, key and mode."""
    return Call(method="GET", path="/admin/v1/stats", returns=Stats)
