"""Calls about charts: metrics over time."""

from collections.abc import Mapping

from tokenhub.client.call import Call
from tokenhub.wire.tsdb import Chart, Metrics, Pruned, Retention, RetentionChange

TSDB = "/admin/v1/tsdb"


def list_metrics() -> Call[Metrics]:
    """What can be asked for."""
    return Call(method="GET", path=f"{TSDB}/metrics", returns=Metrics)


def query_series(asked: Mapping[str, str]) -> Call[Chart]:
    """A `metric` over time; also `agg`, `group_by`, `start`, `end`, `step`, and labels."""
    return Call(method="GET", path=f"{TSDB}/query", query=tuple(asked.items()), returns=Chart)


def prune_series() -> Call[Pruned]:
    """Delete what is older than its time now, not at the next hour."""
    return Call(method="POST", path=f"{TSDB}/prune", returns=Pruned)


def get_retention() -> Call[Retention]:
    """For how many days points are kept."""
    return Call(method="GET", path=f"{TSDB}/retention", returns=Retention)


def put_retention(days: int) -> Call[Retention]:
    """Keep points for so many days."""
    return Call(
        method="PUT",
        path=f"{TSDB}/retention",
        body=RetentionChange(days=days),
        returns=Retention,
    )
